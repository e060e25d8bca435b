const BATCHNORM_EPSILON = 1e-3; // as in danqing.networks.layers.normalisation

const batchNormalisation = {
  role: "elementwise",
  forward(layer, { gamma, beta, moving_mean: mean, moving_variance: variance }, x) {
    const count = gamma.length;
    return x.map((value, i) => {
      const c = i % count;
      return (gamma[c] * (value - mean[c])) / Math.sqrt(variance[c] + BATCHNORM_EPSILON) + beta[c];
    });
  },
  backward(layer, { gamma: scale, moving_mean: mean, moving_variance: variance }, x, delta) {
    const count = scale.length, gamma = new Float64Array(count), beta = new Float64Array(count);
    const back = delta.map((d, i) => {
      const c = i % count, deviation = Math.sqrt(variance[c] + BATCHNORM_EPSILON);
      gamma[c] += (d * (x[i] - mean[c])) / deviation;
      beta[c] += d;
      return (d * scale[c]) / deviation;
    });
    return { back, weights: { gamma, beta } };
  },
  parameterSum: (layer) => `2 × ${layer.output_shape.at(-1)}`,
};

// From a standardised target to the target's own unit; mean and scale are the preparation's.
const rescaling = {
  role: "output",
  forward: (layer, { mean, scale }, x) => x.map((z) => z * scale + mean),
  backward: (layer, { scale }, x, delta) => ({ back: delta.map((d) => d * scale) }),
};
