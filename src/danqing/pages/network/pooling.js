const maxPooling = {
  role: "pooling",
  forward(layer, weights, x) {
    const channels = layer.input_shape[2];
    const y = new Float64Array(sizeOf(layer.output_shape)).fill(-Infinity);
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) {
        y[to * channels + c] = Math.max(y[to * channels + c], x[from * channels + c]);
      }
    });
    return y;
  },
  // To the largest value, the first of equals.
  backward(layer, weights, x, delta) {
    const channels = layer.input_shape[2], back = new Float64Array(x.length);
    const first = new Int32Array(delta.length).fill(-1);
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) {
        const at = to * channels + c, here = from * channels + c;
        if (first[at] < 0 || x[here] > x[first[at]]) first[at] = here;
      }
    });
    first.forEach((from, at) => (back[from] += delta[at]));
    return { back };
  },
};

const averagePooling = {
  role: "pooling",
  forward(layer, weights, x) {
    const channels = layer.input_shape[2], share = 1 / layer.settings.size ** 2;
    const y = new Float64Array(sizeOf(layer.output_shape));
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) y[to * channels + c] += x[from * channels + c] * share;
    });
    return y;
  },
  backward(layer, weights, x, delta) {
    const channels = layer.input_shape[2], back = new Float64Array(x.length);
    const share = 1 / layer.settings.size ** 2;
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) {
        back[from * channels + c] += delta[to * channels + c] * share;
      }
    });
    return { back };
  },
};

const globalAveragePooling = {
  role: "pooling",
  forward(layer, weights, x) {
    const channels = layer.output_shape[0], y = new Float64Array(channels);
    for (let i = 0; i < x.length; i++) y[i % channels] += (x[i] * channels) / x.length;
    return y;
  },
  backward: (layer, weights, x, delta) => ({
    back: x.map((_, i) => (delta[i % delta.length] * delta.length) / x.length),
  }),
};
