// Chapter 5: backpropagation. The gradient at the logits, layer by layer back, one weight's own.

chapters.push(function drawLogitGradient() {
  const logits = layers.length - 1, delta = state.byOutput[logits];
  drawn("gradient/logits", delta);
  if (facts.task === "regression") {
    const [z] = state.outputs[logits], [t] = aimOf(state.target);
    put("logit-gradient", derivation(
      [M.partial(M.i("L"), M.i("z")), M.o("="), M.n("2"), M.paren(M.i("z"), M.o("−"), M.i("t"))],
      ["", M.o("="), M.n("2"), M.paren(value("logit/z", z), M.o("−"), value("logit/t", t, true)),
        M.o("="), value("logit/gradient", delta[0])]));
    return;
  }
  const p = trainedProbabilities(state.outputs);
  const c = state.target, crossed = facts.run.loss === "cross-entropy", aim = aimOf(c);
  const general = crossed
    ? [M.sub(M.i("p"), M.i("c")), M.o("−"), M.sub(M.i("y"), M.i("c"))]
    : [M.sub(M.i("p"), M.i("c")), M.paren(M.sub(M.i("d"), M.i("c")), M.o("−"), M.sum(M.i("k")),
        M.sub(M.i("d"), M.i("k")), M.sub(M.i("p"), M.i("k"))), M.o(","), M.t(" "), M.sub(M.i("d"), M.i("c")),
        M.o("="), M.over(M.n("2"), M.i("C")), M.paren(M.sub(M.i("p"), M.i("c")), M.o("−"), M.sub(M.i("y"), M.i("c")))];
  const own = [M.partial(M.i("L"), M.sub(M.i("z"), M.t(className(c)))), M.o("=")];
  const numbers = crossed ? [value("logit/p", p[c]), M.o("−"), M.n(setting("logit/aim", aim[c])), M.o("=")] : [];
  put("logit-gradient", derivation(
    [M.partial(M.i("L"), M.sub(M.i("z"), M.i("c"))), M.o("="), ...general],
    [own[0], own[1], ...numbers, value("logit/gradient", delta[c])]) +
    nameBars(foremost(delta, 10).sort((a, b) => a - b).map((k) => ({
      name: className(k), value: delta[k], text: number(`logit/${k}`, delta[k]), mark: k === c,
    })), { reach: largest(delta) }));
});

chapters.push(function drawGradients() {
  const most = Math.max(...state.byOutput.map(norm)) || 1;
  const rows = layers.slice(0, -1).map((layer, n) => ({ layer, n })).reverse();
  put("gradient-rows", rows.map(({ layer, n }) => {
    const delta = state.byOutput[n + 1], kernel = state.byWeight[`${layer.name}/kernel`];
    const length = norm(delta);
    if (isPassing(layer)) {
      return `<li class="stage passing"><div class="stage-name"><code>${escaped(layer.name)}</code>
        <span>${chainRule(layer)}</span></div></li>`;
    }
    return `<li class="stage"><div class="stage-name"><code>${escaped(layer.name)}</code>
      <span class="rule">${chainRule(layer)}</span></div>
      <div class="stage-values" data-gradient="${n}"></div>
      <dl><dt>${escaped(say("gradient-norm"))}</dt>
      <dd>${number(`gradient_norm/${layer.name}`, length)}</dd>
      <dt>${escaped(say("gradient-largest"))}</dt><dd>${number(`gradient_largest/${layer.name}`, largest(delta))}</dd>
      ${kernel ? `<dt>${escaped(say("weight-gradient-norm"))}</dt>
      <dd>${number(`weight_gradient_norm/${layer.name}`, norm(kernel))}</dd>` : ""}</dl>
      <span class="meter" aria-hidden="true"><span style="width:${((length / most) * 100).toFixed(1)}%"></span></span></li>`;
  }).join(""));
  for (const element of find("gradient-rows").querySelectorAll("[data-gradient]")) {
    const n = Number(element.dataset.gradient), layer = layers[n];
    drawValues(element, `gradient/${layer.name}`, state.byOutput[n + 1], layer.output_shape,
      { label: say("gradient-of", { name: layer.name }) });
  }
  if (pictures) mosaic(find("input-gradient"), drawn("gradient/input", state.byOutput[0]), facts.input_shape);
});

// How a layer hands the gradient on: from that by its output to that by its input.
function chainRule(layer) {
  const d = (below) => M.partial(M.i("L"), M.i(below));
  const through = {
    dense: [d("x"), M.o("="), M.i("W"), d("z")],
    conv: [d("x"), M.o("="), M.i("W"), M.o("⋆"), d("z")],
    batchnorm: [d("x"), M.o("="), M.over(M.i("γ"), M.root(M.row(M.sup(M.i("σ"), M.n("2")), M.o("+"), M.i("ε")))), d("y")],
  }[layer.kind] ?? (isActivation(layer) ? [d("x"), M.o("="), M.sup(M.i("f"), M.o("′")), M.paren(M.i("x")), d("y")] : null);
  return through ? `<math displaystyle="true">${M.row(...through)}</math>` : escaped(say(`chain-${layer.kind}`));
}

chapters.push(function drawWeight() {
  const f = followed(), { layer } = f;
  const source = inputName(layer, f.input);
  fill("weight-words", say(layer.kind === "conv" ? "weight-of-kernel" : "weight-of-neuron",
    { source, unit: f.unit + 1, layer: layer.name }));
  const choices = foremost(f.products, 8).concat(f.input);
  offerChoices("weight-input", [...new Set(choices)].map((i) => [i, inputName(layer, i)]), f.input);
  find("weight-input").value = f.input;
  put("weight-arriving", arriving(f));
  drawWeights(f);
  put("weight-gradient", weightRule(f));
  put("weight-nudge", facts.live ? nudged(f) : "");
});

// How the gradient reaches the followed neuron's z: back from its layer's next sum.
function arriving(f) {
  const lines = [];
  let n = f.n + 1;
  while (n < layers.length - 1 && isElementwise(layers[n])) n++;
  for (let k = n - 1; k > f.n; k--) {
    const layer = layers[k], x = state.outputs[k][f.at];
    const key = `arriving/${layer.name}`, name = M.sub(M.i("δ"), M.t(layers[k - 1].name));
    const from = value(`${key}/from`, state.byOutput[k + 1][f.at], true);
    const to = value(`${key}/to`, state.byOutput[k][f.at]), symbol = M.sub(M.i("δ"), M.t(layer.name));
    if (isActivation(layer)) {
      lines.push(derivation([name, M.o("="), M.sup(M.i("f"), M.o("′")), M.paren(value(`${key}/x`, x)), M.o("·"), symbol,
        M.o("="), value(`${key}/slope`, activations[layer.kind].slope(x), true), M.o("·"), from, M.o("="), to]));
      continue;
    }
    const [gamma, variance] = ["gamma", "moving_variance"].map((w) => weightOf(layer, w)[f.at % f.all]);
    lines.push(derivation([name, M.o("="), M.over(M.i("γ"), M.root(M.row(M.sup(M.i("σ"), M.n("2")), M.o("+"), M.i("ε")))),
      M.o("·"), symbol, M.o("="), M.over(value(`${key}/gamma`, gamma), M.root(M.row(value(`${key}/variance`, variance),
        M.o("+"), M.n(String(BATCHNORM_EPSILON))))), M.o("·"), from, M.o("="), to]));
  }
  return nextSum(f, n) + lines.join("");
}

// The gradient that the next dense layer hands back to this neuron's output.
function nextSum(f, n) {
  let to = n;
  while (to < layers.length - 1 && isPassing(layers[to])) to++;
  const next = layers[to], from = layers[n - 1];
  const own = value("arriving/sum", state.byOutput[n][f.at]);
  if (to === layers.length - 1) {
    return derivation([M.sub(M.i("δ"), M.t(from.name)), M.o("="), own]);
  }
  if (next.kind !== "dense" || !isWhole(next)) {
    return `<p>${escaped(say("handed-back", { next: next.name }))}</p>` +
      derivation([M.sub(M.i("δ"), M.t(from.name)), M.o("="), own]);
  }
  const deltas = state.byOutput[to + 1], units = deltas.length;
  const row = weightOf(next, "kernel").subarray(f.at * units, (f.at + 1) * units);
  const parts = deltas.map((d, k) => d * row[k]), places = foremost(parts, 3);
  const rest = total(parts) - total(places.map((k) => parts[k]));
  const terms = places.flatMap((k, i) => [i ? M.o("+") : "", value(`arriving/term/${i}/w`, row[k], true), M.o("·"),
    value(`arriving/term/${i}/delta`, deltas[k], true)]);
  return `<p>${escaped(say("next-sum", { next: next.name }))}</p>` + derivation(
    [M.sub(M.i("δ"), M.t(from.name)), M.o("="), M.sum(M.i("k")), M.sub(M.i("w"), M.i("k")), M.sub(M.i("δ"), M.i("k"))],
    ["", M.o("="), ...terms, ...(parts.length > 3 ? [M.o("+"), value("arriving/rest", rest, true)] : []),
      M.o("="), own]);
}

// Gradient by the weight: its input times δ, summed over the places of a feature map.
function weightRule(f) {
  if (f.layer.kind === "dense") {
    return derivation(
      [M.partial(M.i("L"), M.i("w")), M.o("="), M.i("x"), M.o("·"), M.sub(M.i("δ"), M.t(f.layer.name))],
      ["", M.o("="), value("weight/x", f.inputs[f.input], true), M.o("·"), value("weight/delta", f.delta, true), M.o("="),
        value("weight/gradient", f.gradient)]);
  }
  const parts = Array.from(f.map, (d, place) => patchValue(f, place) * d);
  const places = foremost(parts, 3), rest = total(parts) - total(places.map((k) => parts[k]));
  const terms = places.flatMap((k, i) => [i ? M.o("+") : "", value(`weight/term/${i}/x`, patchValue(f, k), true),
    M.o("·"), value(`weight/term/${i}/delta`, f.map[k], true)]);
  return `<p>${escaped(say("shared-weight", { count: parts.length }))}</p>` + derivation(
    [M.partial(M.i("L"), M.i("w")), M.o("="), M.sum(M.t(say("positions"))), M.i("x"), M.o("·"), M.i("δ")],
    ["", M.o("="), ...terms, M.o("+"), value("weight/rest", rest, true), M.o("="), value("weight/gradient", f.gradient)]);
}

// The followed neuron's weights, and the gradient by each of them.
function drawWeights(f) {
  const gradients = state.byWeight[`${f.layer.name}/kernel`].filter((_, i) => i % f.units === f.unit);
  const shape = inputShapeOf(f.layer) ?? [f.weights.length];
  for (const [id, values] of [["weight-all", f.weights], ["weight-all-gradients", gradients]]) {
    drawValues(find(id), id, values, shape, { most: 32, label: say(id) });
  }
}

const patchValue = (f, place) => patchAt(f.layer, state.outputs[f.n], place)[f.input];

// The same slope without any chain rule: move the weight a little, and look at the loss.
function nudged(f) {
  const kernel = kernelOf(f.layer).values, at = f.input * f.units + f.unit;
  const lossWith = (weight) => {
    const before = kernel[at];
    kernel[at] = weight;
    const { loss } = lossOf(outputsOf(state.raw), state.target);
    kernel[at] = before;
    return loss;
  };
  let step, up, down;
  // A ReLU's corner within the step would bend the loss there: then the step must be smaller.
  for (step of [1e-5, 1e-6, 1e-7]) {
    [up, down] = [lossWith(f.weight + step), lossWith(f.weight - step)];
    if (Math.abs(up - 2 * state.loss + down) <= 1e-3 * Math.abs(up - down)) break;
  }
  fill("nudge-step", numberText(step, 1).replace("1×", ""));
  shown.values["weight/step"] = step;
  const slope = (up - down) / (2 * step);
  shown.values["weight/difference"] = Math.abs(slope - f.gradient);
  return derivation(
    [M.partial(M.i("L"), M.i("w")), M.o("≈"), M.over(M.row(M.i("L"), M.paren(M.i("w"), M.o("+"), M.i("h")), M.o("−"),
      M.i("L"), M.paren(M.i("w"), M.o("−"), M.i("h"))), M.row(M.n("2"), M.i("h")))],
    ["", M.o("="), M.over(M.row(M.n(number("weight/up", up, 12)), M.o("−"), M.n(number("weight/down", down, 12))),
      M.row(M.n("2"), M.o("·"), M.n(numberText(step, 1).replace("1×", "")))), M.o("="), value("weight/finite", slope)]) +
    `<p class="checked">${escaped(say("nudge-agrees", { difference: numberText(Math.abs(slope - f.gradient), 2) }))}</p>`;
}
