// The one example that the page is about, all that follows from it, and the one weight followed
// through all chapters. Chapters add a function to `chapters`; each is called when this changes.

const chapters = [];
const pictures = facts.input_shape.length === 3;
const state = { sample: 0, follow: {} };
const withKernel = layers.filter((layer) => roleOf(layer) === "kernel");
const kernelOf = (layer) => tensors[`${layer.name}/kernel`];
// Of a large network only a few units' weights are here.
const unitsOf = (layer) => kernelOf(layer).shape.at(-1);
const isWhole = (layer) => unitsOf(layer) === kernelOf(layer).of.at(-1);
const indexOf = (layer) => layers.indexOf(layer);

function useSample(index) {
  const sample = facts.samples[index];
  Object.assign(state, { sample: index, raw: decode(sample.raw).values, target: sample.target });
  compute();
}

function useDrawing(raw, target) {
  Object.assign(state, { sample: -1, raw, target });
  compute();
}

function compute() {
  const sample = facts.samples[state.sample];
  if (facts.live) {
    state.outputs = outputsOf(state.raw);
    if (state.target === null) state.target = argmax(state.outputs.at(-1));
    const { loss, gradient } = lossOf(state.outputs, state.target);
    state.loss = loss;
    Object.assign(state, gradientsOf(state.outputs, gradient));
  } else {
    state.outputs = sample.outputs.map((plain) => decode(plain).values);
    state.byOutput = sample.gradients.map((plain) => decode(plain).values);
    state.loss = lossOf(state.outputs, state.target).loss;
    state.byWeight = weightGradientsOf(state.outputs, state.byOutput);
  }
  state.prediction = facts.task === "regression" ? state.outputs.at(-1)[0] : argmax(state.outputs.at(-1));
  if (!state.follow.layer) followDefault();
}

function followDefault() {
  const hidden = withKernel.find((layer) => layer.name !== "output") ?? withKernel[0];
  followLayer(hidden.name);
}

// Take up a layer: the unit and the weight with the largest gradient.
function followLayer(name) {
  const layer = layerNamed(name), gradient = state.byWeight[`${name}/kernel`];
  const best = argmax(gradient.map(Math.abs));
  state.follow = { layer: name, unit: best % unitsOf(layer), input: Math.floor(best / unitsOf(layer)) };
}

function followUnit(unit) {
  const layer = layerNamed(state.follow.layer), units = unitsOf(layer);
  const gradient = state.byWeight[`${layer.name}/kernel`];
  const column = gradient.filter((_, i) => i % units === unit);
  Object.assign(state.follow, { unit, input: argmax(column.map(Math.abs)) });
}

// Everything about the followed neuron at this example: inputs, weights, sum, gradient.
function followed() {
  const { layer: name, unit, input } = state.follow, layer = layerNamed(name), n = indexOf(layer);
  const units = unitsOf(layer), all = kernelOf(layer).of.at(-1);
  const x = state.outputs[n], z = state.outputs[n + 1], delta = state.byOutput[n + 1];
  const weights = kernelOf(layer).values.filter((_, i) => i % units === unit);
  const bias = layer.settings.bias ? weightOf(layer, "bias")[unit] : null;
  // Of a feature map, the place where the loss pulls hardest.
  const map = delta.filter((_, i) => i % all === unit);
  const place = argmax(map.map(Math.abs));
  const inputs = layer.kind === "dense" ? x : patchAt(layer, x, place);
  return {
    layer, n, unit, input, units, all, weights, bias, place, inputs, map,
    products: inputs.map((value, i) => value * weights[i]),
    z: z[place * all + unit],
    delta: delta[place * all + unit],
    at: place * all + unit,
    gradient: state.byWeight[`${name}/kernel`][input * units + unit],
    weight: weights[input],
  };
}

// What the kernel sees at one place: its window, row by row, channels together, zeros outside.
function patchAt(layer, x, place) {
  const channels = layer.input_shape[2];
  const patch = new Float64Array(layer.settings.kernel ** 2 * channels);
  slide(layer, (to, from, tap) => {
    if (to !== place) return;
    for (let c = 0; c < channels; c++) patch[tap * channels + c] = x[from * channels + c];
  });
  return patch;
}

const seesPixels = (layer) => pictures && layer.kind === "dense" &&
  layers.slice(0, indexOf(layer)).every(isPassing);

function pixelName(i) {
  const [, width, channels] = facts.input_shape, pixel = Math.floor(i / channels);
  return say("pixel", { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 });
}

// What an input of a layer is called.
function inputName(layer, i) {
  const n = indexOf(layer);
  if (layer.kind === "conv") {
    const channels = layer.input_shape[2], size = layer.settings.kernel;
    const tap = Math.floor(i / channels), row = Math.floor(tap / size) + 1, column = (tap % size) + 1;
    return say(channels > 1 ? "tap-of-channel" : "tap", { row, column, channel: (i % channels) + 1 });
  }
  if (n === 0 && facts.features.length) return facts.features[i].name;
  if (seesPixels(layer)) return pixelName(i);
  return say("neuron-number", { number: i + 1 });
}

const targetName = (target) =>
  facts.task === "regression" ? numberText(target) : className(target);
const predictionName = () =>
  facts.task === "regression" ? numberText(state.prediction) : className(state.prediction);
