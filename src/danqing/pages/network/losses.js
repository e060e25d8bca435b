// Losses of one example's logits and their gradients, as in danqing.networks.losses.

function logProbabilities(logits) {
  const most = Math.max(...logits);
  const sum = most + Math.log(total(logits.map((z) => Math.exp(z - most))));
  return logits.map((z) => z - sum);
}

// The target of a label: one at it and zero elsewhere, smoothed.
const smoothedTarget = (classes, label, smoothing) =>
  Float64Array.from({ length: classes }, (_, c) => (c === label ? 1 - smoothing : 0) + smoothing / classes);

const losses = {
  "cross-entropy": (logits, target) => {
    const logs = logProbabilities(logits);
    return {
      loss: -total(logs.map((log, c) => target[c] * log)),
      gradient: logs.map((log, c) => Math.exp(log) - target[c]),
    };
  },
  "mean-squared-error": (logits, target) => {
    const p = logProbabilities(logits).map((log) => Math.exp(log));
    const by = p.map((value, c) => (2 * (value - target[c])) / p.length);
    const mean = total(by.map((d, c) => d * p[c]));
    return {
      loss: total(p.map((value, c) => (value - target[c]) ** 2)) / p.length,
      gradient: p.map((value, c) => value * (by[c] - mean)),
    };
  },
};

// Of a number.
const squaredError = ([z], [t]) =>
  ({ loss: (z - t) ** 2, gradient: Float64Array.of(2 * (z - t)) });
