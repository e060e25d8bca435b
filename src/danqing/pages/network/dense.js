const dense = {
  role: "kernel",
  forward(layer, { kernel, bias }, x) {
    const units = layer.output_shape[0], y = bias ? bias.slice() : new Float64Array(units);
    for (let i = 0; i < x.length; i++) {
      if (x[i]) for (let j = 0; j < units; j++) y[j] += x[i] * kernel[i * units + j];
    }
    return y;
  },
  backward(layer, { kernel, bias }, x, delta) {
    const units = delta.length, back = new Float64Array(x.length);
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < units; j++) back[i] += kernel[i * units + j] * delta[j];
    }
    const gradient = dense.kernelGradient(layer, x, delta, units);
    return { back, weights: { kernel: gradient, ...(bias && { bias: delta }) } };
  },
  // By the kernel of the first `units` units; needs no weights.
  kernelGradient(layer, x, delta, units) {
    const gradient = new Float64Array(x.length * units);
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < units; j++) gradient[i * units + j] = x[i] * delta[j];
    }
    return gradient;
  },
  // What the kernel sees at every place, a row each: here there is one.
  patches: (layer, x) => x,
  parameterSum(layer) {
    const [inputs] = layer.input_shape, [units] = layer.output_shape;
    return `${inputs} × ${units}${layer.settings.bias ? ` + ${units}` : ""}`;
  },
};
