const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// The normal distribution's function Φ, by the series of erf whose terms are all positive.
function normalBelow(x) {
  const z = Math.abs(x) / Math.SQRT2;
  if (z > 6) return x > 0 ? 1 : 0;
  let term = z, sum = z;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  const erf = (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  return 0.5 + (x < 0 ? -erf : erf) / 2;
}
const normalDensity = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

const SELU_ALPHA = 1.6732632423543772, SELU_LAMBDA = 1.0507009873554805; // Klambauer et al. 2017
const LEAKY_SLOPE = 0.2;

// A function of each value by itself, its derivative, and its formula.
const activation = (value, slope, symbol) => ({
  role: "elementwise",
  value,
  slope,
  symbol,
  forward: (layer, weights, x) => x.map((v) => value(v)),
  backward: (layer, weights, x, delta) => ({ back: delta.map((d, i) => d * slope(x[i])) }),
});

const activations = {
  relu: activation((x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0), "max(0, x)"),
  leaky_relu: activation(
    (x) => (x > 0 ? x : LEAKY_SLOPE * x), (x) => (x > 0 ? 1 : LEAKY_SLOPE), "x or 0.2 x"
  ),
  elu: activation(
    (x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : Math.exp(x)), "x or eˣ − 1"
  ),
  selu: activation(
    (x) => SELU_LAMBDA * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    (x) => SELU_LAMBDA * (x > 0 ? 1 : SELU_ALPHA * Math.exp(x)),
    "λ·x or λα(eˣ − 1)"
  ),
  gelu: activation(
    (x) => x * normalBelow(x), (x) => normalBelow(x) + x * normalDensity(x), "x · Φ(x)"
  ),
  silu: activation(
    (x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))), "x / (1 + e⁻ˣ)"
  ),
  tanh: activation((x) => Math.tanh(x), (x) => 1 - Math.tanh(x) ** 2, "tanh x"),
  sigmoid: activation(sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x)), "1 / (1 + e⁻ˣ)"),
};

const softmax = {
  role: "output",
  forward(layer, { temperature = 1 }, x) {
    const most = Math.max(...x), powers = x.map((z) => Math.exp((z - most) / temperature));
    const sum = total(powers);
    return powers.map((power) => power / sum);
  },
  backward(layer, weights, x, delta) {
    const p = softmax.forward(layer, weights, x), mean = total(p.map((v, c) => v * delta[c]));
    return { back: p.map((v, c) => (v * (delta[c] - mean)) / (weights.temperature ?? 1)) };
  },
};
