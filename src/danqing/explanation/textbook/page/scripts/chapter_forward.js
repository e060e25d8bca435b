// Chapter 3: forward propagation. Samples and drawings, every layer's numbers, one neuron's sum.

const MOST_NUMBERS = 200; // of a layer, written out

chapters.push(function drawPrediction() {
  const p = state.outputs.at(-1);
  if (facts.task === "regression") {
    put("prediction-bars", `<p class="big">${number("prediction/value", state.prediction)}
      <small>${escaped(say("true-value-is", { value: number("prediction/target", state.target) }))}</small></p>`);
    return;
  }
  const rows = foremost(p, 10).sort((a, b) => (p.length > 10 ? p[b] - p[a] : a - b)).map((c) => ({
    name: className(c), value: p[c], text: percent(`prediction/${c}`, p[c]),
    mark: c === state.target,
  }));
  put("prediction-bars", nameBars(rows));
});

chapters.push(function drawStages() {
  const holder = find("stages");
  const stages = layers.map((layer, n) => {
    const passing = isPassing(layer);
    return `<li class="stage${passing ? " passing" : ""}"><div class="stage-name">
      <code>${escaped(layer.name)}</code> <span>${escaped(layerTitle(layer))}</span></div>
      ${passing ? "" : `<div class="stage-values" data-stage="${n}"></div>`}</li>`;
  });
  holder.innerHTML = `<li class="stage"><div class="stage-name"><code>${escaped(say("input"))}</code>
    <span>${escaped(say("input-scaled"))}</span></div><div class="stage-values" data-stage="-1"></div></li>
    ${stages.join("")}`;
  for (const element of holder.querySelectorAll("[data-stage]")) {
    const n = Number(element.dataset.stage), layer = layers[n];
    const shape = layer ? layer.output_shape : facts.input_shape;
    const label = layer ? layer.name : say("input");
    drawValues(element, `forward/${layer ? layer.name : "input"}`, state.outputs[n + 1], shape, { label });
  }
});

// The last step of the network that ships: its likeliest class before and after the temperature.
chapters.push(function drawTemperature() {
  if (facts.temperature === 1) return;
  const c = state.prediction, logits = state.outputs[layers.length - 1];
  const before = trainedProbabilities(state.outputs)[c], after = state.outputs.at(-1)[c];
  fill("temperature", number("temperature/value", facts.temperature));
  put("temperature-step", derivation(
    [M.over(M.sub(M.i("z"), M.t(className(c))), M.i("T")), M.o("="),
      M.over(value("temperature/logit", logits[c], true), M.n(numberText(facts.temperature))), M.o("="),
      value("temperature/scaled", logits[c] / facts.temperature)],
    [M.sub(M.i("p"), M.t(className(c))), M.o("="), value("temperature/before", before), M.o("→"),
      value("temperature/after", after)],
  ));
});

chapters.push(function drawNeuron() {
  const f = followed(), { layer } = f;
  offerChoices("neuron-layer", withKernel.map((l) => [l.name, l.name.startsWith(l.kind) ? l.name : `${l.name} (${l.kind})`]), layer.name);
  const unit = find("neuron-unit");
  Object.assign(unit, { max: f.units, min: 1, value: f.unit + 1 });
  fill("neuron-most", f.units < f.all ? say("units-here", { shown: f.units, all: f.all }) : String(f.units));
  put("neuron-where", escaped(say(layer.kind === "conv" ? "neuron-conv" : "neuron-dense", {
    unit: f.unit + 1, layer: layer.name, count: f.inputs.length, kernel: layer.settings.kernel,
    channels: layer.input_shape.at(-1),
    row: Math.floor(f.place / layer.output_shape[1]) + 1, column: (f.place % layer.output_shape[1]) + 1,
  })));
  put("neuron-sum", weightedSum(f));
  put("neuron-terms", termTable(f));
  drawPatches(f);
  put("neuron-after", afterwards(f));
});

// z = w·x + … + b, the terms that matter most written out.
function weightedSum(f) {
  const places = foremost(f.products, 4), rest = total(f.products) - total(places.map((i) => f.products[i]));
  const terms = places.flatMap((i, k) => [k ? M.o("+") : "",
    value(`neuron/term/${k}/x`, f.inputs[i], true), M.o("·"), value(`neuron/term/${k}/w`, f.weights[i], true)]);
  const others = f.products.length - places.length;
  const tail = others > 0
    ? [M.o("+"), `<munder>${value("neuron/rest", rest, true)}<mtext class="note">${
        escaped(say("other-terms", { count: numberText(others) }))}</mtext></munder>`] : [];
  const bias = f.bias === null ? [] : [M.o("+"),
    `<munder>${value("neuron/bias", f.bias, true)}<mtext class="note">${escaped(say("bias"))}</mtext></munder>`];
  return derivation(
    [M.sub(M.i("z"), M.n(f.unit + 1)), M.o("="), M.sum(M.row(M.i("i"), M.o("="), M.n("1")), M.n(f.inputs.length)),
      M.sub(M.i("x"), M.i("i")), M.sub(M.i("w"), M.row(M.i("i"), M.o(","), M.n(f.unit + 1))),
      f.bias === null ? "" : M.row(M.o("+"), M.sub(M.i("b"), M.n(f.unit + 1)))],
    ["", M.o("="), ...terms, ...tail, ...bias],
    ["", M.o("="), value("neuron/z", f.z)],
  );
}

function termTable(f) {
  const places = foremost(f.products, 8);
  if (!places.includes(f.input)) places[places.length - 1] = f.input;
  const reach = Math.abs(f.products[places[0]]);
  return nameBars(places.map((i, k) => ({
    name: inputName(f.layer, i), value: f.products[i],
    text: number(`neuron/product/${k}`, f.products[i]), mark: i === f.input,
  })), { reach });
}

// Inputs × weights = products as three pictures, where they have the form of one.
function drawPatches(f) {
  const shape = inputShapeOf(f.layer);
  drawKernels(f);
  const holder = find("neuron-pictures");
  holder.hidden = !shape;
  if (!shape) return;
  for (const [id, values] of [["inputs", f.inputs], ["weights", f.weights], ["products", f.products]]) {
    mosaic(find(`neuron-${id}`), drawn(`neuron/${id}`, values), shape, { most: 32 });
  }
}

// The form of a neuron's inputs: the kernel's, or that of the picture before; null for a plain row.
const inputShapeOf = (layer) => (layer.kind === "conv"
  ? [layer.settings.kernel, layer.settings.kernel, layer.input_shape[2]] : pictureBefore(layer));

// All kernels of a convolution, on the channel of the followed weight.
function drawKernels(f) {
  const holder = find("neuron-kernels").parentElement, { layer } = f;
  holder.hidden = layer.kind !== "conv";
  if (layer.kind !== "conv") return;
  const channels = layer.input_shape[2], channel = f.input % channels, size = layer.settings.kernel;
  const all = kernelOf(layer).values.filter((_, i) => Math.floor(i / f.units) % channels === channel);
  put("neuron-kernels-title", escaped(say("all-kernels", { channel: channel + 1, channels })));
  drawValues(find("neuron-kernels"), "neuron/kernels", all, [size, size, f.units], { label: say("weights") });
}

// The shape that a dense layer's inputs had before they were flattened.
function pictureBefore(layer) {
  let n = indexOf(layer) - 1;
  while (n >= 0 && isPassing(layers[n])) n--;
  const shape = n < 0 ? facts.input_shape : layers[n].output_shape;
  return shape.length === 3 && shape[0] > 1 ? shape : null;
}

// What becomes of z: batchnorm and activation, with numbers.
function afterwards(f) {
  const parts = [];
  for (let n = f.n + 1; n < layers.length && isElementwise(layers[n]); n++) {
    parts.push(`<p><code>${escaped(layers[n].name)}</code> ${escaped(layerTitle(layers[n]))}</p>`, workedExample(`after/${layers[n].name}`, n, f.at));
  }
  return parts.join("");
}

chapters.push(function drawCloseUp() {
  const select = find("close-layer");
  const offered = layers.filter((layer) => !isPassing(layer));
  const chosen = layerNamed(select.value) ?? offered.at(-1), n = indexOf(chosen);
  offerChoices("close-layer", offered.map((layer) => [layer.name, layer.name]), chosen.name);
  const values = state.outputs[n + 1], best = argmax(values);
  put("close-title", escaped(layerTitle(chosen)));
  const example = withKernel.includes(chosen) ? "" : workedExample("close", n, best);
  put("close-example", example && `<p>${escaped(say("largest-output"))}</p>${example}`);
  const cells = Array.from(values.subarray(0, MOST_NUMBERS), (v, i) =>
    `<span${i === best ? ' class="best"' : ""}>${number(`close/value/${i}`, v)}</span>`);
  put("close-values", cells.join(""));
  const rest = values.length - cells.length;
  put("close-rest", rest > 0 ? escaped(say("more-numbers", { count: numberText(rest) })) : "");
});

function offerChoices(id, choices, chosen) {
  find(id).innerHTML = choices.map(([key, text]) =>
    `<option value="${escaped(key)}"${key === chosen ? " selected" : ""}>${escaped(text)}</option>`).join("");
}
