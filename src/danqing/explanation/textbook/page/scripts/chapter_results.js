// Chapters 7 to 9: this run's curves, its figures, its mistakes; and how the numbers were checked.

chapters.push(function drawTraining() {
  const { history } = facts, regression = facts.task === "regression";
  find("curves-part").hidden = history.length < 2;
  fill("epochs", number("training/epochs", history.length));
  if (!history.length) return;
  const curve = (name) => history.map((row) => [row.epoch, row[name]]).filter((p) => Number.isFinite(p[1]));
  const bestRow = history.reduce((a, b) => (b.val_loss < a.val_loss ? b : a)), last = history.at(-1);
  const score = regression ? "mae" : "accuracy";
  fill("best-epoch", number("training/best_epoch", bestRow.epoch));
  fill("best-val", number("training/best_val_loss", bestRow.val_loss));
  fill("last-val", number("training/last_val_loss", last.val_loss));
  fill("last-loss", number("training/last_loss", last.loss));
  fill("fit-seconds", number("training/seconds", facts.metrics.seconds.fit ?? null));
  const better = (a, b) => (regression ? a.val_mae < b.val_mae : a.val_accuracy > b.val_accuracy);
  const worse = last.val_loss > bestRow.val_loss * 1.05;
  const steady = regression ? "larger-errors" : "surer-only";
  const verdict = !worse ? "no-overfitting" : better(last, bestRow) ? steady : "overfits";
  const smoothed = facts.run.label_smoothing, softened = smoothed || facts.pictures_changed;
  const course = say(verdict, {
    best: bestRow.epoch, least: numberText(bestRow.val_loss), last: numberText(last.val_loss), epochs: last.epoch,
  });
  const because = smoothed && verdict === "surer-only" ? say("smoothed-above") : "";
  // With patience, the weights of the best epoch are kept; with smoothed labels the best is another.
  const kept = facts.run.patience && !smoothed && verdict !== "no-overfitting" ? say("kept-best", { best: bestRow.epoch }) : "";
  const said = [course, because, kept].filter(Boolean).join(language() === "en" ? " " : "");
  put("overfitting", `<p>${escaped(said)}</p>${softened && last.loss > last.val_loss ? `<p>${escaped(say("loss-above"))}</p>` : ""}`);
  if (history.length < 2) return;
  put("curves", lineChart({
    lines: [{ points: curve("loss"), kind: "azure", name: say("training") }, { points: curve("val_loss"), kind: "cinnabar", name: say("validation") }],
    x: say("axis-epoch"), whole: true, y: say("axis-loss"), low: 0, label: say("curves-loss"), width: 430 }) + lineChart({
    lines: [{ points: curve(score), kind: "azure", name: say("training") }, { points: curve(`val_${score}`), kind: "cinnabar", name: say("validation") }],
    x: say("axis-epoch"), whole: true, y: say(`axis-${score}`), label: say("curves-metric"), width: 430 }));
  put("rates", lineChart({ lines: [{ points: curve("learning_rate"), kind: "azure" }], low: 0,
    x: say("axis-epoch"), whole: true, y: say("axis-rate"), label: say("axis-rate"), width: 430 }));
});

chapters.push(function drawEvaluation() {
  const { test, validation } = facts.metrics;
  fill("test-n", number("evaluation/n", test.n));
  const rows = [[say("test"), test], [say("validation"), validation]].filter(([, subset]) => subset.n);
  if (facts.task === "regression") {
    putAll(".figures", rows.map(([name, subset], k) => `<tr><th scope="row">${escaped(name)}</th>
      <td class="num">${number(`evaluation/${k}/n`, subset.n)}</td><td class="num strong">${number(`evaluation/${k}/r2`, subset.r2)}</td>
      <td class="num">${number(`evaluation/${k}/mae`, subset.mae)}</td><td class="num">${number(`evaluation/${k}/mse`, subset.mse)}</td></tr>`).join(""));
    return;
  }
  putAll(".figures", rows.map(([name, subset], k) => `<tr><th scope="row">${escaped(name)}</th>
    <td class="num">${number(`evaluation/${k}/n`, subset.n)}</td><td class="num strong">${percent(`evaluation/${k}/accuracy`, subset.accuracy)}</td>
    <td class="num">${percent(`evaluation/${k}/low`, subset.accuracy_ci95[0])} – ${percent(`evaluation/${k}/high`, subset.accuracy_ci95[1])}</td>
    <td class="num">${number(`evaluation/${k}/loss`, subset.loss)}</td></tr>`).join(""));
  put("class-rows", facts.metrics.per_class.map((row) => `<tr><th scope="row">${escaped(className(row.class))}</th>
    <td class="num">${number(`evaluation/class/${row.class}/n`, row.n)}</td>
    ${["precision", "recall", "f1"].map((key) => `<td class="num">${row[key] === null ? "–" : percent(`evaluation/class/${row.class}/${key}`, row[key])}</td>`).join("")}</tr>`).join(""));
  put("confusion", confusion());
});

function confusion() {
  const matrix = facts.metrics.confusion_matrix;
  if (!matrix) return "";
  const most = Math.max(...matrix.flatMap((row, i) => row.filter((_, j) => i !== j)), 1);
  const head = facts.classes.map((name) => `<th scope="col">${escaped(name)}</th>`).join("");
  const body = matrix.map((row, i) => `<tr><th scope="row">${escaped(className(i))}</th>${row.map((count, j) => {
    shown.values[`evaluation/confusion/${i}/${j}`] = count;
    const share = i === j ? 0 : count / most;
    return `<td class="${i === j ? "right" : ""}" style="--share:${share.toFixed(3)}">${count || "·"}</td>`;
  }).join("")}</tr>`).join("");
  return `<div class="scroll" tabindex="0"><table class="confusion"><caption>${escaped(say("confusion-caption"))}</caption>
    <thead><tr><td></td>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

chapters.push(function drawMistakes() {
  document.body.dataset.wrong = facts.mistakes.count ? "some" : "none";
  fill("wrong-count", number("mistakes/count", facts.mistakes.count));
  fill("wrong-total", number("mistakes/total", facts.mistakes.total));
  fill("wrong-share", percent("mistakes/share", facts.mistakes.count / facts.mistakes.total));
  const pairs = facts.metrics.confusions ?? [];
  put("confused-pairs", pairs.slice(0, 5).map(([label, predicted, count], k) =>
    `<li>${escaped(say("confused", { label: className(label), predicted: className(predicted), count: number(`mistakes/${k}`, count) }))}</li>`).join(""));
  find("confused-part").hidden = !pairs.length;
});

chapters.push(function drawChecks() {
  const rows = facts.samples.map(({ check, number: place }, k) => {
    const own = k === state.sample ? state.loss : null;
    const difference = own === null ? "" : numberText(Math.abs(own - check.loss), 2);
    if (own !== null) shown.values["checks/own_loss"] = own;
    return `<tr${k === state.sample ? ' class="current"' : ""}><th scope="row" class="num">${number(`checks/${k}/row`, place)}</th>
      <td class="num">${number(`checks/${k}/loss`, check.loss, 6)}</td><td class="num">${number(`checks/${k}/autodiff`, check.autodiff, 2)}</td>
      <td class="num">${number(`checks/${k}/finite`, check.finite, 2)}</td><td class="num">${number(`checks/${k}/onnx`, check.onnx, 2)}</td>
      <td class="num">${difference}</td></tr>`;
  });
  put("check-rows", rows.join(""));
  const worst = (name) => Math.max(...facts.samples.map((sample) => sample.check[name]));
  for (const name of ["autodiff", "finite", "onnx"]) fill(`worst-${name}`, number(`checks/worst_${name}`, worst(name), 2));
  const check = facts.samples[state.sample]?.check;
  find("layer-checks").hidden = !check;
  if (!check) return;
  put("layer-check-rows", check.layers.map((layer, n) => {
    const own = largest(state.byOutput[n + 1]), off = Math.abs(own - layer.by_output) / (layer.by_output || 1);
    return `<tr><th scope="row"><code>${escaped(layer.name)}</code></th>
      <td class="num">${number(`checks/layer/${layer.name}/by_output`, layer.by_output)}</td>
      <td class="num">${number(`checks/layer/${layer.name}/own`, own)}</td><td class="num">${numberText(off, 2)}</td>
      <td class="num">${number(`checks/layer/${layer.name}/autodiff`, layer.autodiff, 2)}</td>
      <td class="num">${layer.finite === null ? "–" : number(`checks/layer/${layer.name}/finite`, layer.finite, 2)}</td></tr>`;
  }).join(""));
});
