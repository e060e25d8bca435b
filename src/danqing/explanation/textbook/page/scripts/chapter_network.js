// Chapters 1 and 2: the layers and their sizes; the data and why it is normalised.

chapters.push(function drawNetwork() {
  fill("parameters", number("network/parameters", facts.parameters));
  fill("spec", facts.run.spec);
  fill("ensemble", String(facts.ensemble));
  fill("views", String(facts.tta_views));
  fill("layer-count", String(withKernel.length));
  fill("inputs", facts.input_shape.join(" × "));
  const rows = layers.map((layer, n) => {
    const count = number(`network/${layer.name}/parameters`, layer.parameters);
    const sum = parameterSum(layer);
    return `<tr><td class="num">${n + 1}</td><th scope="row"><code>${escaped(layer.name)}</code></th>
      <td>${escaped(layerTitle(layer))}</td><td class="num">${escaped(shapeText(layer.output_shape))}</td>
      <td class="num">${layer.parameters ? `${sum ? `<small>${escaped(sum)} =</small> ` : ""}${count}` : ""}</td></tr>`;
  });
  put("layer-rows", rows.join(""));
  put("network-diagram", diagram());
});

// Columns of neurons, joined; of wide layers a few stand for all.
function diagram() {
  const columns = [{ name: say("input"), count: sizeOf(facts.input_shape), shape: facts.input_shape }];
  for (const layer of layers) {
    if (["kernel", "pooling"].includes(roleOf(layer))) {
      columns.push({ name: layer.name, count: layer.output_shape.at(-1), shape: layer.output_shape });
    }
  }
  const step = 118, width = columns.length * step, height = 250, middle = 100;
  const spots = columns.map(({ count, shape }, c) => {
    const dots = shape.length === 3 ? Math.min(count, c ? 6 : shape[2]) : count <= 10 ? count : 8;
    const gap = Math.min(26, 190 / dots);
    return Array.from({ length: dots }, (_, i) => ({
      x: step / 2 + c * step, y: middle + (i - (dots - 1) / 2) * gap,
    }));
  });
  const wires = spots.slice(1).flatMap((column, c) =>
    column.flatMap((to) => spots[c].map((from) =>
      `<line class="wire" x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}"/>`)));
  const nodes = spots.flatMap((column, c) => column.map(({ x, y }) => {
    const kind = c === 0 ? "first" : c === spots.length - 1 ? "last" : "";
    return columns[c].shape.length === 3
      ? `<rect class="node ${kind}" x="${x - 8}" y="${y - 8}" width="16" height="16" rx="2"/>`
      : `<circle class="node ${kind}" cx="${x}" cy="${y}" r="7"/>`;
  }));
  const more = spots.map((column, c) => (column.length < columns[c].shape.at(-1)
    ? `<text class="more" x="${column[0].x}" y="${column.at(-1).y + 22}" text-anchor="middle">⋮</text>` : ""));
  const names = columns.map(({ name, shape }, c) =>
    `<text x="${step / 2 + c * step}" y="${height - 24}" text-anchor="middle">${escaped(name)}</text>
     <text class="small" x="${step / 2 + c * step}" y="${height - 8}"
       text-anchor="middle">${escaped(shapeText(shape))}</text>`);
  return `<svg viewBox="0 0 ${width} ${height}" style="min-width:${Math.min(width, columns.length * 84)}px"
    role="img" aria-label="${escaped(say("diagram"))}">${wires.join("")}${nodes.join("")}${more.join("")}${names.join("")}</svg>`;
}

chapters.push(function drawData() {
  const { counts } = facts.data;
  for (const subset of ["train", "validation", "test"]) {
    fill(subset, number(`data/${subset}`, counts?.[subset] ?? null));
  }
  fill("data-name", facts.data.name);
  fill("class-count", String(facts.classes.length));
  const removed = Object.entries(facts.data.removed ?? {});
  find("removed").hidden = !removed.length;
  fill("removed-words", removed.map(([why, count]) =>
    `${why in words ? say(why) : why}: ${numberText(count)}`).join("; "));
  const inputs = state.outputs[0];
  const [strongest] = foremost(inputs, 1), at = facts.features.length ? 0 : strongest;
  // Numbers of a table are encoded as distances from their median; people know them without it.
  const offset = facts.features[at]?.offset ?? 0;
  const mean = scaleAt(flatMean, at) + offset, scale = scaleAt(flatScale, at);
  const name = facts.features[at]?.name ?? pixelName(at);
  fill("data-place", name);
  put("scaling-formula", derivation(
    [M.sub(M.i("x"), M.t("net")), M.o("="), M.over(M.row(M.i("x"), M.o("−"), M.i("μ")), M.i("σ"))],
    ["", M.o("="), M.over(M.row(value("data/raw", state.raw[at] + offset, true), M.o("−"),
      value("data/mean", mean, true)), value("data/scale", scale)), M.o("="),
      value("data/scaled", inputs[at])],
  ));
  const cells = Object.entries(facts.samples[state.sample]?.cells ?? {}).slice(0, 40);
  // The table below says it all where every column is a number already.
  const turned = cells.some(([column]) => !facts.features.some(({ name }) => name === column));
  put("cells", turned ? escaped(say("row-before-encoding", {
    row: cells.map(([column, cell]) => `${column} ${cell || say("missing-cell")}`).join(" · "),
  })) : "");
  put("value-ranges", pictures ? histograms() : rangeTable(inputs));
  if (!pictures) return;
  picture(find("raw-picture"), drawn("data/raw_all", state.raw), facts.input_shape);
  mosaic(find("scaled-picture"), drawn("data/scaled_all", inputs), facts.input_shape);
});

function histograms() {
  return ["raw", "scaled"].map((name) => {
    const { counts, edges } = facts.values[name], sum = total(counts);
    const points = counts.flatMap((count, i) =>
      [[edges[i], (count / sum) * 100], [edges[i + 1], (count / sum) * 100]]);
    return lineChart({ lines: [{ points, kind: name === "raw" ? "azure" : "cinnabar" }], low: 0,
      x: say(`axis-${name}`), y: say("axis-share"), label: say(`axis-${name}`), width: 420 });
  }).join("");
}

// A table's columns: this row's value, and where it lies among the training rows.
function rangeTable(inputs) {
  const rows = facts.features.slice(0, 40).map(({ name, offset }, i) => {
    const [low, , middle, , high] = facts.values.raw[i];
    return `<tr><th scope="row">${escaped(name)}</th>
      <td class="num">${setting(`data/feature/${i}/raw`, state.raw[i] + offset)}</td>
      <td class="num">${setting(`data/feature/${i}/low`, low + offset)} – ${setting(`data/feature/${i}/high`, high + offset)}</td>
      <td class="num">${number(`data/feature/${i}/mean`, scaleAt(flatMean, i) + offset)}</td>
      <td class="num">${number(`data/feature/${i}/scale`, scaleAt(flatScale, i))}</td>
      <td class="num strong">${number(`data/feature/${i}/scaled`, inputs[i])}</td></tr>`;
  });
  return `<div class="scroll" tabindex="0"><table><thead><tr>${
    ["feature", "raw-value", "range", "mean", "deviation", "for-network"]
      .map((key, i) => `<th scope="col"${i ? ' class="num"' : ""}>${escaped(say(key))}</th>`).join("")
  }</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}
