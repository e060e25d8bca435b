// The network in float64: forward, loss, backward. The same mathematics as reference.py.
// Pictures lie row by row, the channels of a pixel together.

const EPSILON = 1e-3; // batchnorm's, as the network was trained with
const tensors = {};
for (const [name, plain] of Object.entries(facts.tensors)) {
  tensors[name] = { ...decode(plain), of: plain.of ?? plain.shape };
}
const layers = facts.layers;
const layerNamed = (name) => layers.find((layer) => layer.name === name);
const weightOf = (layer, name) => tensors[`${layer.name}/${name}`].values;
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// The share of a normal distribution below x, by the series of erf whose terms are all positive.
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

const ALPHA = 1.6732632423543772, LAMBDA = 1.0507009873554805; // Klambauer et al. 2017
const density = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const activations = {
  relu: [(x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0)],
  leaky_relu: [(x) => (x > 0 ? x : 0.2 * x), (x) => (x > 0 ? 1 : 0.2)],
  elu: [(x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : Math.exp(x))],
  selu: [
    (x) => LAMBDA * (x > 0 ? x : ALPHA * Math.expm1(x)),
    (x) => LAMBDA * (x > 0 ? 1 : ALPHA * Math.exp(x)),
  ],
  gelu: [(x) => x * normalBelow(x), (x) => normalBelow(x) + x * density(x)],
  silu: [(x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  sigmoid: [sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))],
};

// Calls `each` for every pair of an output place and the input place that its window covers.
function slide(layer, each) {
  const [height, width] = layer.input_shape, [rows, columns] = layer.output_shape;
  const pooling = layer.kind !== "conv";
  const size = pooling ? layer.settings.size : layer.settings.kernel;
  const stride = pooling ? size : layer.settings.stride;
  const before = (length, out) =>
    layer.settings.padding === "same"
      ? Math.floor(Math.max((out - 1) * stride + size - length, 0) / 2)
      : 0;
  const top = before(height, rows), left = before(width, columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let i = 0; i < size; i++) {
        const y = r * stride + i - top;
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < size; j++) {
          const x = c * stride + j - left;
          if (x >= 0 && x < width) each(r * columns + c, y * width + x, i * size + j);
        }
      }
    }
  }
}

const forwards = {
  dense(layer, x) {
    const units = layer.output_shape[0], kernel = weightOf(layer, "kernel");
    const y = layer.settings.bias ? weightOf(layer, "bias").slice() : new Float64Array(units);
    for (let i = 0; i < x.length; i++) {
      if (x[i]) for (let j = 0; j < units; j++) y[j] += x[i] * kernel[i * units + j];
    }
    return y;
  },
  conv(layer, x) {
    const filters = layer.output_shape[2], channels = layer.input_shape[2];
    const kernel = weightOf(layer, "kernel"), y = new Float64Array(sizeOf(layer.output_shape));
    if (layer.settings.bias) {
      const bias = weightOf(layer, "bias");
      for (let i = 0; i < y.length; i++) y[i] = bias[i % filters];
    }
    slide(layer, (to, from, tap) => {
      for (let c = 0; c < channels; c++) {
        const value = x[from * channels + c], at = (tap * channels + c) * filters;
        if (value) for (let f = 0; f < filters; f++) y[to * filters + f] += value * kernel[at + f];
      }
    });
    return y;
  },
  batchnorm(layer, x) {
    const [gamma, beta] = ["gamma", "beta"].map((name) => weightOf(layer, name));
    const [mean, variance] = ["moving_mean", "moving_variance"].map((n) => weightOf(layer, n));
    const count = gamma.length;
    return x.map((value, i) => {
      const c = i % count;
      return (gamma[c] * (value - mean[c])) / Math.sqrt(variance[c] + EPSILON) + beta[c];
    });
  },
  pool(layer, x) {
    const channels = layer.input_shape[2];
    const y = new Float64Array(sizeOf(layer.output_shape)).fill(-Infinity);
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) {
        y[to * channels + c] = Math.max(y[to * channels + c], x[from * channels + c]);
      }
    });
    return y;
  },
  avgpool(layer, x) {
    const channels = layer.input_shape[2], share = 1 / layer.settings.size ** 2;
    const y = new Float64Array(sizeOf(layer.output_shape));
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) y[to * channels + c] += x[from * channels + c] * share;
    });
    return y;
  },
  globalpool(layer, x) {
    const channels = layer.output_shape[0], y = new Float64Array(channels);
    for (let i = 0; i < x.length; i++) y[i % channels] += (x[i] * channels) / x.length;
    return y;
  },
  softmax(layer, x) {
    const most = Math.max(...x), powers = x.map((z) => Math.exp(z - most)), sum = total(powers);
    return powers.map((power) => power / sum);
  },
  rescale: (layer, x) => x.map((z) => z * facts.target_scale[1] + facts.target_scale[0]),
  flatten: (layer, x) => x,
  dropout: (layer, x) => x,
};

const backwards = {
  dense(layer, x, delta) {
    const units = delta.length, kernel = tensors[`${layer.name}/kernel`];
    const back = new Float64Array(x.length), gradient = new Float64Array(x.length * units);
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < units; j++) {
        back[i] += kernel.values[i * units + j] * delta[j];
        gradient[i * units + j] = x[i] * delta[j];
      }
    }
    return { back, weights: { kernel: gradient, ...(layer.settings.bias && { bias: delta }) } };
  },
  conv(layer, x, delta) {
    const filters = layer.output_shape[2], channels = layer.input_shape[2];
    const kernel = weightOf(layer, "kernel"), back = new Float64Array(x.length);
    const size = layer.settings.kernel ** 2 * channels * filters;
    const gradient = new Float64Array(size), bias = new Float64Array(filters);
    for (let i = 0; i < delta.length; i++) bias[i % filters] += delta[i];
    slide(layer, (to, from, tap) => {
      for (let c = 0; c < channels; c++) {
        const at = (tap * channels + c) * filters, value = x[from * channels + c];
        let sum = 0;
        for (let f = 0; f < filters; f++) {
          sum += kernel[at + f] * delta[to * filters + f];
          gradient[at + f] += value * delta[to * filters + f];
        }
        back[from * channels + c] += sum;
      }
    });
    return { back, weights: { kernel: gradient, ...(layer.settings.bias && { bias }) } };
  },
  batchnorm(layer, x, delta) {
    const scale = weightOf(layer, "gamma"), mean = weightOf(layer, "moving_mean");
    const variance = weightOf(layer, "moving_variance"), count = scale.length;
    const gamma = new Float64Array(count), beta = new Float64Array(count);
    const back = delta.map((d, i) => {
      const c = i % count, spread = Math.sqrt(variance[c] + EPSILON);
      gamma[c] += (d * (x[i] - mean[c])) / spread;
      beta[c] += d;
      return (d * scale[c]) / spread;
    });
    return { back, weights: { gamma, beta } };
  },
  pool(layer, x, delta) {
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
  avgpool(layer, x, delta) {
    const channels = layer.input_shape[2], back = new Float64Array(x.length);
    const share = 1 / layer.settings.size ** 2;
    slide(layer, (to, from) => {
      for (let c = 0; c < channels; c++) {
        back[from * channels + c] += delta[to * channels + c] * share;
      }
    });
    return { back };
  },
  globalpool(layer, x, delta) {
    return { back: x.map((_, i) => (delta[i % delta.length] * delta.length) / x.length) };
  },
  flatten: (layer, x, delta) => ({ back: delta }),
  dropout: (layer, x, delta) => ({ back: delta }),
};

const scaleAt = (values, i) => values[i % values.length];
const flatMean = facts.scaling.mean.flat(Infinity), flatScale = facts.scaling.scale.flat(Infinity);
const scaled = (raw) =>
  raw.map((value, i) => (value - scaleAt(flatMean, i)) / scaleAt(flatScale, i));

// The scaled example, then every layer's output.
function outputsOf(raw) {
  const outputs = [scaled(raw)];
  for (const layer of layers) {
    const x = outputs.at(-1), activation = activations[layer.kind];
    outputs.push(activation ? x.map(activation[0]) : forwards[layer.kind](layer, x));
  }
  return outputs;
}

// The gradient by each output but the last, and by each weight.
function gradientsOf(outputs, atLogits) {
  const byOutput = new Array(layers.length), byWeight = {};
  byOutput[layers.length - 1] = atLogits;
  for (let n = layers.length - 2; n >= 0; n--) {
    const layer = layers[n], delta = byOutput[n + 1], x = outputs[n];
    const activation = activations[layer.kind];
    const { back, weights = {} } = activation
      ? { back: delta.map((d, i) => d * activation[1](x[i])) }
      : backwards[layer.kind](layer, x, delta);
    for (const [name, value] of Object.entries(weights)) byWeight[`${layer.name}/${name}`] = value;
    byOutput[n] = back;
  }
  return { byOutput, byWeight };
}

// For large networks, whose weights are not here: their gradients need inputs and deltas only.
function weightGradientsOf(outputs, byOutput) {
  const byWeight = {};
  layers.slice(0, -1).forEach((layer, n) => {
    if (layer.kind !== "dense" && layer.kind !== "conv") return;
    const { kernel } = weightGradient(layer, outputs[n], byOutput[n + 1]);
    byWeight[`${layer.name}/kernel`] = kernel;
  });
  return byWeight;
}

// Of the units whose weights are here.
function weightGradient(layer, x, delta) {
  const { of, shape } = tensors[`${layer.name}/kernel`];
  const units = shape.at(-1), inputs = sizeOf(of) / of.at(-1), all = of.at(-1);
  const kernel = new Float64Array(inputs * units);
  if (layer.kind === "dense") {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < units; j++) kernel[i * units + j] = x[i] * delta[j];
    }
    return { kernel };
  }
  const channels = layer.input_shape[2];
  slide(layer, (to, from, tap) => {
    for (let c = 0; c < channels; c++) {
      const at = (tap * channels + c) * units;
      for (let f = 0; f < units; f++) kernel[at + f] += x[from * channels + c] * delta[to * all + f];
    }
  });
  return { kernel };
}

// What the loss wants to see: one at the label, smoothed; or the number in the logits' scale.
function aimOf(target) {
  if (facts.task === "regression") {
    return Float64Array.of((target - facts.target_scale[0]) / facts.target_scale[1]);
  }
  const classes = facts.classes.length, smoothing = facts.run.label_smoothing ?? 0;
  return Float64Array.from(
    facts.classes,
    (_, c) => (c === target ? 1 - smoothing : 0) + smoothing / classes
  );
}

function logProbabilities(logits) {
  const most = Math.max(...logits);
  const sum = most + Math.log(total(logits.map((z) => Math.exp(z - most))));
  return logits.map((z) => z - sum);
}

const losses = {
  "cross-entropy": (logits, aim) => {
    const logs = logProbabilities(logits);
    return {
      loss: -total(logs.map((log, c) => aim[c] * log)),
      gradient: logs.map((log, c) => Math.exp(log) - aim[c]),
    };
  },
  "mean-squared-error": (logits, aim) => {
    const p = facts.task === "regression" ? logits : logProbabilities(logits).map(Math.exp);
    const loss = total(p.map((value, c) => (value - aim[c]) ** 2)) / p.length;
    const by = p.map((value, c) => (2 * (value - aim[c])) / p.length);
    if (facts.task === "regression") return { loss, gradient: by };
    const mean = total(by.map((d, c) => d * p[c]));
    return { loss, gradient: p.map((value, c) => value * (by[c] - mean)) };
  },
};

const lossOf = (outputs, target, name = facts.run.loss) =>
  losses[name](outputs[layers.length - 1], aimOf(target));
