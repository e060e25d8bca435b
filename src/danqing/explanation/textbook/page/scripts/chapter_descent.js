// Chapter 6: gradient descent. The followed weight's update by the run's own optimizer, then the
// whole network trained on this one example for a few steps.

const MOMENTUM = 0.9, BETA_1 = 0.9, BETA_2 = 0.999, TINY = 1e-7; // as danqing.training.optimization.optimizers
const peak = facts.run.learning_rate, decay = facts.run.weight_decay ?? 0;
const PRACTICE = 5, SHARES = [1, 0.1, 0.01, 0.001]; // steps; learning rates as shares of the peak
// Multiplications of one way through the network: where there are many, few rates are tried.
const effort = total(withKernel.map((layer) => {
  const size = sizeOf(kernelOf(layer).of), places = sizeOf(layer.output_shape.slice(0, -1));
  const rank = Math.min(size / kernelOf(layer).of.at(-1), kernelOf(layer).of.at(-1), PRACTICE * places);
  return size * places + (facts.run.optimizer === "muon" ? size * rank + 8 * rank ** 3 : 0);
}));
let practiceShare = null;

// Muon moves hidden kernels; all else in its runs moves by AdamW.
const ruleOf = (name) => (facts.run.optimizer !== "muon" || isHiddenKernel(name) ? facts.run.optimizer : "adamw");

// One weight's step; `memory` is { m, v }, `t` counts from 1. Kernels decay, with AdamW.
function stepOf(optimizer, rate, w, g, memory, t, isKernel = true) {
  if (optimizer === "gradient-descent") return { w: w - rate * g, change: -rate * g };
  if (optimizer === "momentum") {
    memory.v = MOMENTUM * memory.v - rate * g;
    return { w: w + memory.v, change: memory.v };
  }
  memory.m += (g - memory.m) * (1 - BETA_1);
  memory.v += (g * g - memory.v) * (1 - BETA_2);
  const alpha = (rate * Math.sqrt(1 - BETA_2 ** t)) / (1 - BETA_1 ** t);
  const shrunk = optimizer === "adamw" && isKernel ? rate * decay * w : 0;
  const change = -shrunk - (alpha * memory.m) / (Math.sqrt(memory.v) + TINY);
  return { w: w + change, change, alpha, shrunk };
}

chapters.push(function drawUpdate() {
  const f = followed(), rule = ruleOf(`${f.layer.name}/kernel`);
  document.body.dataset.rule = rule;
  fill("optimizer", say(`optimizer-${facts.run.optimizer}`));
  fill("learning-rate", setting("update/rate", peak));
  put("update-rule", rule === "muon" ? muonRule(f) : updateRule(rule, f));
  find("practice").hidden = !facts.live;
  if (facts.live) drawPractice(f);
});

// At the largest rate at which the loss falls, unless the reader chose one.
function drawPractice(f) {
  const tried = practiceShare !== null ? [practiceShare] : effort > 5e6 ? [0.01] : SHARES;
  let share, rows;
  for (share of tried) {
    rows = practise(f, peak * share);
    if (rows.every((row, k) => !k || row.loss <= rows[k - 1].loss)) break;
  }
  offerChoices("practice-rate", SHARES.map((s) => [s, `${numberText(peak, 6)} × ${s} = ${numberText(peak * s, 6)}`]), share);
  find("practice-rate").value = share;
  shown.values["practice/rate"] = peak * share;
  put("practice-rows", practiceRows(rows));
  const [first, last] = [numberText(rows[0].loss), numberText(rows.at(-1).loss)];
  put("practice-words", escaped(say(rows.at(-1).loss <= rows[0].loss ? "practice-fell" : "practice-rose", { first, last })));
}

function updateRule(optimizer, f) {
  const w = value("update/w", f.weight, true), g = value("update/g", f.gradient, true);
  const memory = { m: 0, v: 0 }, step = stepOf(optimizer, peak, f.weight, f.gradient, memory, 1);
  const after = value("update/after", step.w), eta = M.n(numberText(peak, 6));
  const arrow = M.o("←");
  if (optimizer === "gradient-descent") {
    return derivation([M.i("w"), arrow, M.i("w"), M.o("−"), M.i("η"), M.i("g")],
      ["", M.o("="), w, M.o("−"), eta, M.o("·"), g, M.o("="), after]);
  }
  if (optimizer === "momentum") {
    return derivation(
      [M.i("v"), arrow, M.n("0.9"), M.i("v"), M.o("−"), M.i("η"), M.i("g"), M.o("="), M.n("0.9"), M.o("·"), M.n("0"),
        M.o("−"), eta, M.o("·"), g, M.o("="), value("update/v", memory.v)],
      [M.i("w"), arrow, M.i("w"), M.o("+"), M.i("v"), M.o("="), w, M.o("+"), bracketed(memory.v), M.o("="), after]);
  }
  const lines = [
    [M.i("m"), arrow, M.i("m"), M.o("+"), M.paren(M.n("1"), M.o("−"), M.sub(M.i("β"), M.n("1"))),
      M.paren(M.i("g"), M.o("−"), M.i("m")), M.o("="), M.n("0"), M.o("+"), M.n("0.1"), M.o("·"), g, M.o("="),
      value("update/m", memory.m)],
    [M.i("v"), arrow, M.i("v"), M.o("+"), M.paren(M.n("1"), M.o("−"), M.sub(M.i("β"), M.n("2"))),
      M.paren(M.sup(M.i("g"), M.n("2")), M.o("−"), M.i("v")), M.o("="), M.n("0"), M.o("+"), M.n("0.001"), M.o("·"),
      M.sup(M.paren(M.n(numberText(f.gradient))), M.n("2")), M.o("="), value("update/v", memory.v)],
    [M.i("α"), M.o("="), M.i("η"), M.over(M.root(M.row(M.n("1"), M.o("−"), M.subsup(M.i("β"), M.n("2"), M.i("t")))),
      M.row(M.n("1"), M.o("−"), M.subsup(M.i("β"), M.n("1"), M.i("t")))), M.o("="), eta,
      M.over(M.root(M.row(M.n("1"), M.o("−"), M.n("0.999"))), M.row(M.n("1"), M.o("−"), M.n("0.9"))),
      M.o("="), value("update/alpha", step.alpha)],
  ];
  if (optimizer === "adamw") lines.push(decayLine(f, w, eta, f.weight - step.shrunk));
  lines.push([M.i("w"), arrow, M.i("w"), M.o("−"), M.i("α"), M.over(M.i("m"),
    M.row(M.root(M.i("v")), M.o("+"), M.i("ϵ"))), M.o("="), M.n(numberText(f.weight - step.shrunk)), M.o("−"),
    M.n(numberText(step.alpha)), M.o("·"), M.over(M.n(numberText(memory.m)), M.row(M.root(M.n(numberText(memory.v))), M.o("+"),
      M.n("10⁻⁷"))), M.o("="), after]);
  return derivation(...lines);
}

// The weight's own step among those of all weights of its layer.
function muonRule(f) {
  const w = value("update/w", f.weight, true), g = value("update/g", f.gradient, true), eta = M.n(numberText(peak, 6));
  const arrow = M.o("←"), momentum = M.n(String(MUON.momentum)), place = M.row(M.i("i"), M.o(","), M.i("j"));
  const { direction } = accelerated(null, factorsOf(f.layer, state.outputs[f.n], state.byOutput[f.n + 1]));
  const { n, m } = direction, entry = orthogonal(direction)[f.input * m + f.unit], size = muonSize(n, m);
  const lines = [
    [M.i("v"), arrow, momentum, M.i("v"), M.o("+"), M.i("g"), M.o("="), momentum, M.o("·"), M.n("0"), M.o("+"), g, M.o("="),
      value("update/v", f.gradient)],
    [M.i("d"), M.o("="), M.i("g"), M.o("+"), momentum, M.i("v"), M.o("="), g, M.o("+"), momentum, M.o("·"), g, M.o("="),
      value("update/direction", (1 + MUON.momentum) * f.gradient)],
    [M.i("D"), M.o("="), M.i("U"), M.i("Σ"), M.sup(M.i("V"), M.i("T")), M.o("→"), M.i("O"), M.o("≈"), M.i("U"),
      M.sup(M.i("V"), M.i("T"))],
    [M.sub(M.i("O"), place), M.o("="),
      M.sub(M.i("O"), M.row(M.n(String(f.input + 1)), M.o(","), M.n(String(f.unit + 1)))), M.o("="), value("update/entry", entry)],
    [M.i("s"), M.o("="), M.n(String(MUON.size)), M.root(M.row(M.i("max"), M.paren(M.i("n"), M.o(","), M.i("m")))), M.o("="),
      M.n(String(MUON.size)), M.root(M.row(M.i("max"), M.paren(M.n(String(n)), M.o(","), M.n(String(m))))), M.o("="),
      value("update/size", size)],
  ];
  const shrunk = f.weight - peak * decay * f.weight;
  lines.push(decayLine(f, w, eta, shrunk));
  lines.push([M.i("w"), arrow, M.i("w"), M.o("−"), M.i("η"), M.i("s"), M.sub(M.i("O"), place), M.o("="), M.n(numberText(shrunk)),
    M.o("−"), eta, M.o("·"), M.n(numberText(size)), M.o("·"), bracketed(entry), M.o("="),
    value("update/after", shrunk - peak * size * entry)]);
  return derivation(...lines);
}

const decayLine = (f, w, eta, shrunk) => [M.i("w"), M.o("←"), M.i("w"), M.o("−"), M.i("η"), M.i("λ"), M.i("w"), M.o("="), w,
  M.o("−"), eta, M.o("·"), M.n(setting("update/decay", decay)), M.o("·"), bracketed(f.weight), M.o("="),
  value("update/shrunk", shrunk)];

// Moves a hidden kernel's values; gives what Muon remembers.
function muonMove(values, velocity, gradient, rate) {
  const next = accelerated(velocity, gradient), steps = orthogonal(next.direction), size = muonSize(gradient.n, gradient.m);
  steps.forEach((o, i) => (values[i] -= rate * decay * values[i] + rate * size * o));
  return next.velocity;
}

// Train all weights on this example alone; afterwards the network is as it was.
function practise(f, rate) {
  const names = Object.keys(state.byWeight), kept = {}, memories = {};
  for (const name of names) {
    kept[name] = tensors[name].values.slice();
    memories[name] = ruleOf(name) === "muon" ? null : Array.from(kept[name], () => ({ m: 0, v: 0 }));
  }
  const name = `${f.layer.name}/kernel`, at = f.input * f.units + f.unit, rows = [];
  for (let t = 1; t <= PRACTICE + 1; t++) {
    const outputs = outputsOf(state.raw), { loss, gradient } = lossOf(outputs, state.target);
    const row = { t: t - 1, loss, w: tensors[name].values[at] };
    rows.push(row);
    if (t > PRACTICE) break;
    const { byWeight, byOutput } = gradientsOf(outputs, gradient);
    row.g = byWeight[name][at];
    for (const tensor of names) {
      const values = tensors[tensor].values, isKernel = tensors[tensor].shape.length > 1, rule = ruleOf(tensor);
      if (rule === "muon") {
        const layer = layerNamed(tensor.split("/")[0]), n = indexOf(layer);
        memories[tensor] = muonMove(values, memories[tensor], factorsOf(layer, outputs[n], byOutput[n + 1]), rate);
        continue;
      }
      byWeight[tensor].forEach((g, i) => {
        values[i] = stepOf(rule, rate, values[i], g, memories[tensor][i], t, isKernel).w;
      });
    }
    row.change = tensors[name].values[at] - row.w;
  }
  for (const tensor of names) tensors[tensor].values.set(kept[tensor]);
  return rows;
}

function practiceRows(rows) {
  return rows.map(({ t, loss, w, g, change }) => `<tr><th scope="row" class="num">${t}</th>
    <td class="num">${number(`practice/${t}/loss`, loss)}</td>
    <td class="num">${number(`practice/${t}/w`, w, 6)}</td>
    <td class="num">${g === undefined ? "" : number(`practice/${t}/g`, g)}</td>
    <td class="num">${g === undefined ? "" : number(`practice/${t}/change`, change)}</td></tr>`).join("");
}
