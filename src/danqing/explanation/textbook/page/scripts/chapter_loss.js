// Chapter 4: both loss functions on this very example, against the predicted probability.

chapters.push(function drawLoss() {
  fill("target-name", targetName(state.target));
  fill("prediction-name", predictionName());
  fill("loss-name", say(`loss-${facts.run.loss}`).toLowerCase());
  fill("smoothing", setting("loss/smoothing", facts.run.label_smoothing ?? 0));
  fill("loss-value", number("loss/value", state.loss));
  if (facts.task === "regression") drawNumberLoss();
  else drawClassLoss();
});

function drawClassLoss() {
  const logits = state.outputs[layers.length - 1], p = trainedProbabilities(state.outputs), c = state.target;
  const logs = logProbabilities(logits), count = p.length, name = M.t(className(c));
  const smoothing = facts.run.label_smoothing ?? 0, aim = aimOf(c);
  const pure = -logs[c], smoothed = losses["cross-entropy"](logits, aim).loss;
  const lines = [
    [M.i("L"), M.o("="), M.o("−"), M.ln, M.sub(M.i("p"), name)],
    ["", M.o("="), M.o("−"), M.ln, value("loss/p", p[c]), M.o("="), value("loss/cross_entropy", pure)],
  ];
  put("cross-entropy", derivation(...lines));
  const smoothes = smoothing > 0 && facts.run.loss === "cross-entropy";
  find("smoothing-part").hidden = !smoothes;
  if (smoothes) {
    const other = smoothing / count, rest = -total(logs) + logs[c];
    put("smoothed", derivation(
      [M.i("L"), M.o("="), M.o("−"), M.sum(M.i("c")), M.sub(M.i("y"), M.i("c")), M.ln, M.sub(M.i("p"), M.i("c"))],
      ["", M.o("="), M.n(setting("loss/aim", aim[c])), M.o("·"), M.n(numberText(pure)), M.o("+"),
        M.n(setting("loss/aim_other", other)), M.o("·"), value("loss/rest", rest), M.o("="),
        value("loss/smoothed", smoothed)],
    ));
  }
  // Smoothed only where training took this very loss.
  const goal = facts.run.loss === "mean-squared-error" ? aim : aim.map((_, k) => (k === c ? 1 : 0));
  const errors = p.map((v, k) => (v - goal[k]) ** 2), squared = total(errors) / count;
  put("squared-error", derivation(
    [M.i("L"), M.o("="), M.over(M.n("1"), M.i("C")), M.sum(M.i("c")), M.sup(M.paren(M.sub(M.i("p"), M.i("c")),
      M.o("−"), M.sub(M.i("y"), M.i("c"))), M.n("2"))],
    ["", M.o("="), M.over(M.n("1"), M.n(count)), M.paren(M.sup(M.paren(M.n(numberText(p[c])), M.o("−"), M.n(numberText(goal[c], 6))), M.n("2")),
      M.o("+"), value("loss/others", total(errors) - errors[c])), M.o("="), value("loss/squared", squared)],
  ));
  drawLossChart(p, c, goal, pure, squared);
}

// The other probabilities keep their proportions while that of the label goes from 0 to 1.
function drawLossChart(p, c, goal, pure, squared) {
  const left = 1 - p[c] || 1;
  const at = Array.from({ length: 100 }, (_, i) => (i + 1) / 100);
  const crossed = at.map((q) => [q, -Math.log(q)]);
  const squares = at.map((q) => [q, total(p.map((v, k) =>
    ((k === c ? q : (v * (1 - q)) / left) - goal[k]) ** 2)) / p.length]);
  drawn("loss/curve_squared", squares.map((point) => point[1]));
  put("loss-chart", lineChart({
    lines: [{ points: crossed, kind: "azure", name: say("loss-cross-entropy") },
      { points: squares, kind: "cinnabar", name: say("loss-mean-squared-error") }],
    marks: [{ x: Math.max(p[c], 0.01), y: Math.min(pure, 4.605), text: `${numberText(pure)}`, kind: "azure" },
      { x: Math.max(p[c], 0.01), y: squared, text: `${numberText(squared)}`, kind: "cinnabar" }],
    low: 0, x: say("axis-probability", { name: className(c) }), y: say("axis-loss"), label: say("loss-chart"),
  }));
}

function drawNumberLoss() {
  const [z] = state.outputs[layers.length - 1], [t] = aimOf(state.target);
  const [mean, scale] = facts.target_scale;
  put("number-target", derivation(
    [M.i("t"), M.o("="), M.over(M.row(M.n(numberText(state.target)), M.o("−"), value("loss/mean", mean, true)),
      value("loss/scale", scale)), M.o("="), value("loss/t", t)]));
  put("number-loss", derivation(
    [M.i("L"), M.o("="), M.sup(M.paren(M.i("z"), M.o("−"), M.i("t")), M.n("2"))],
    ["", M.o("="), M.sup(M.paren(value("loss/z", z), M.o("−"), value("loss/t", t, true)), M.n("2")),
      M.o("="), value("loss/squared", (z - t) ** 2)]));
  const reach = Math.max(2, Math.abs(z - t) * 1.4);
  const at = Array.from({ length: 101 }, (_, i) => t - reach + (i / 50) * reach);
  put("loss-chart", lineChart({
    lines: [{ points: at.map((v) => [v, (v - t) ** 2]), kind: "cinnabar", name: say("loss-mean-squared-error") },
      { points: at.map((v) => [v, Math.abs(v - t)]), kind: "azure", name: say("absolute-error") }],
    marks: [{ x: z, y: (z - t) ** 2, text: numberText((z - t) ** 2), kind: "cinnabar", before: z > t }],
    low: 0, x: say("axis-output"), y: say("axis-loss"), label: say("loss-chart"),
  }));
}
