const convolution = {
  role: "kernel",
  forward(layer, { kernel, bias }, x) {
    const filters = layer.output_shape[2], channels = layer.input_shape[2];
    const y = new Float64Array(sizeOf(layer.output_shape));
    if (bias) for (let i = 0; i < y.length; i++) y[i] = bias[i % filters];
    slide(layer, (to, from, tap) => {
      for (let c = 0; c < channels; c++) {
        const value = x[from * channels + c], at = (tap * channels + c) * filters;
        if (value) for (let f = 0; f < filters; f++) y[to * filters + f] += value * kernel[at + f];
      }
    });
    return y;
  },
  backward(layer, { kernel, bias }, x, delta) {
    const filters = layer.output_shape[2], channels = layer.input_shape[2];
    const back = new Float64Array(x.length);
    slide(layer, (to, from, tap) => {
      for (let c = 0; c < channels; c++) {
        const at = (tap * channels + c) * filters;
        let sum = 0;
        for (let f = 0; f < filters; f++) sum += kernel[at + f] * delta[to * filters + f];
        back[from * channels + c] += sum;
      }
    });
    const weights = { kernel: convolution.kernelGradient(layer, x, delta, filters) };
    if (bias) {
      weights.bias = new Float64Array(filters);
      for (let i = 0; i < delta.length; i++) weights.bias[i % filters] += delta[i];
    }
    return { back, weights };
  },
  // By the kernels of the first `units` filters; needs no weights.
  kernelGradient(layer, x, delta, units) {
    const filters = layer.output_shape[2], channels = layer.input_shape[2];
    const gradient = new Float64Array(layer.settings.kernel ** 2 * channels * units);
    slide(layer, (to, from, tap) => {
      for (let c = 0; c < channels; c++) {
        const at = (tap * channels + c) * units, value = x[from * channels + c];
        for (let f = 0; f < units; f++) gradient[at + f] += value * delta[to * filters + f];
      }
    });
    return gradient;
  },
  // What the kernel sees at every place, a row each.
  patches(layer, x) {
    const channels = layer.input_shape[2], length = layer.settings.kernel ** 2 * channels;
    const patches = new Float64Array(sizeOf(layer.output_shape.slice(0, 2)) * length);
    slide(layer, (to, from, tap) => {
      for (let c = 0; c < channels; c++) {
        patches[to * length + tap * channels + c] = x[from * channels + c];
      }
    });
    return patches;
  },
  parameterSum(layer) {
    const size = layer.settings.kernel, channels = layer.input_shape[2], filters = layer.output_shape[2];
    return `${size} × ${size} × ${channels} × ${filters}${layer.settings.bias ? ` + ${filters}` : ""}`;
  },
};
