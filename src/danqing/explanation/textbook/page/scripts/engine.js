// The page's network: its weights, one example through it and back, its loss. What each kind of
// layer computes is in danqing/pages/network.

const tensors = {};
for (const [name, plain] of Object.entries(facts.tensors)) {
  tensors[name] = { ...decode(plain), of: plain.of ?? plain.shape };
}
const layers = facts.layers;
const layerNamed = (name) => layers.find((layer) => layer.name === name);
const roleOf = (layer) => layerKinds[layer.kind].role;
const isActivation = (layer) => layer.kind in activations;
const isElementwise = (layer) => roleOf(layer) === "elementwise";
const isPassing = (layer) => roleOf(layer) === "passing";

// The page changes weights where they are, so that these follow.
const weightsByLayer = new Map(layers.map((layer) => [layer, {}]));
for (const [name, { values }] of Object.entries(tensors)) {
  const [layerName, short] = name.split("/");
  weightsByLayer.get(layerNamed(layerName))[short] = values;
}
for (const layer of layers.filter((one) => one.kind === "rescale")) {
  const [mean, scale] = facts.target_scale;
  weightsByLayer.set(layer, { mean, scale });
}
for (const layer of layers.filter((one) => one.kind === "softmax")) {
  weightsByLayer.set(layer, { temperature: facts.temperature });
}
const weightsOf = (layer) => weightsByLayer.get(layer);
const weightOf = (layer, name) => weightsOf(layer)[name];

const scaleAt = (values, i) => values[i % values.length];
const flatMean = facts.scaling.mean.flat(Infinity), flatScale = facts.scaling.scale.flat(Infinity);
const scaled = (raw) =>
  raw.map((value, i) => (value - scaleAt(flatMean, i)) / scaleAt(flatScale, i));

const outputsOf = (raw) => forwardThrough(layers, weightsOf, scaled(raw));
const gradientsOf = (outputs, atLogits) => backwardThrough(layers, weightsOf, outputs, atLogits);

// For large networks, of whose weights only a few units' are here: kernels' gradients don't need them.
function weightGradientsOf(outputs, byOutput) {
  const byWeight = {};
  layers.forEach((layer, n) => {
    if (roleOf(layer) !== "kernel") return;
    const name = `${layer.name}/kernel`, units = tensors[name].shape.at(-1);
    const { kernelGradient } = layerKinds[layer.kind];
    byWeight[name] = kernelGradient(layer, outputs[n], byOutput[n + 1], units);
  });
  return byWeight;
}

// The target as the loss takes it: smoothed, or a number in the logits' scale.
function aimOf(target) {
  if (facts.task === "regression") {
    return Float64Array.of((target - facts.target_scale[0]) / facts.target_scale[1]);
  }
  return smoothedTarget(facts.classes.length, target, facts.run.label_smoothing ?? 0);
}

// Probabilities as training saw them: it ended before there was a temperature.
const trainedProbabilities = (outputs) =>
  logProbabilities(outputs[layers.length - 1]).map((log) => Math.exp(log));

function lossOf(outputs, target) {
  const loss = facts.task === "regression" ? squaredError : losses[facts.run.loss];
  return loss(outputs[layers.length - 1], aimOf(target));
}
