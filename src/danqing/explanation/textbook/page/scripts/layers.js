// What each kind of layer does, in words and with one value worked out. Shared by the chapters.

const shapeText = (shape) => shape.join(" × ");
const kindOf = (layer) => {
  if (layer.kind === "dense" && layer.output_shape[0] === 1) return "kind-dense-one";
  return `kind-${isActivation(layer) ? "activation" : layer.kind}`;
};
const layerTitle = (layer) => say(kindOf(layer), {
  name: layer.kind, symbol: layerKinds[layer.kind].symbol ?? "", ...layer.settings,
  in: shapeText(layer.input_shape), out: shapeText(layer.output_shape),
  units: layer.output_shape.at(-1), kernel: layer.settings.kernel, size: layer.settings.size,
});

// How the number of parameters comes about.
const parameterSum = (layer) => layerKinds[layer.kind].parameterSum?.(layer) ?? "";

// Draw a layer's numbers: feature maps as pictures, vectors as bars.
function drawValues(holder, key, values, shape, options = {}) {
  drawn(key, values);
  if (shape.length === 3) {
    holder.innerHTML = `<canvas class="map" role="img" aria-label="${escaped(options.label ?? key)}"></canvas>`;
    mosaic(holder.firstChild, values, shape, options);
    const shown = Math.min(shape[2], options.most ?? 64);
    if (shown < shape[2]) {
      holder.insertAdjacentHTML("beforeend",
        `<small>${escaped(say("first-of", { shown, all: shape[2] }))}</small>`);
    }
  } else holder.innerHTML = barStrip(values.subarray(0, 512), options);
}

// One application of a layer without kernel, written with its numbers, at output place `at`.
function workedExample(key, n, at) {
  const layer = layers[n], x = state.outputs[n], y = state.outputs[n + 1];
  const out = value(`${key}/output`, y[at]);
  const into = (i = at) => value(`${key}/input`, x[i], true);
  if (layer.kind === "batchnorm") {
    const c = at % layer.output_shape.at(-1);
    const part = (name, symbol) => value(`${key}/${symbol}`, weightOf(layer, name)[c], true);
    return derivation(
      [M.i("y"), M.o("="), M.i("γ"), M.over(M.row(M.i("x"), M.o("−"), M.i("μ")),
        M.root(M.row(M.sup(M.i("σ"), M.n("2")), M.o("+"), M.i("ε")))), M.o("+"), M.i("β")],
      ["", M.o("="), part("gamma", "gamma"), M.o("·"),
        M.over(M.row(into(), M.o("−"), part("moving_mean", "mean")),
          M.root(M.row(part("moving_variance", "variance"), M.o("+"), M.n(String(BATCHNORM_EPSILON))))),
        M.o("+"), part("beta", "beta"), M.o("="), out],
    );
  }
  if (isActivation(layer)) {
    return derivation([M.row(M.i(layer.kind.replace("_", " ")), M.paren(into())), M.o("="), out]);
  }
  if (layer.kind === "softmax") return softmaxExample(key, x, y, at);
  if (layer.kind === "rescale") {
    const [mean, scale] = facts.target_scale;
    return derivation(
      [M.i("y"), M.o("="), M.i("z"), M.o("·"), M.sub(M.i("s"), M.i("t")), M.o("+"),
        M.sub(M.i("m"), M.i("t"))],
      ["", M.o("="), into(), M.o("·"), value(`${key}/scale`, scale, true), M.o("+"),
        value(`${key}/mean`, mean, true), M.o("="), out],
    );
  }
  return poolExample(key, layer, x, at, out);
}

// With a temperature, logits are divided by it first.
function softmaxExample(key, logits, p, at) {
  const { temperature } = facts, warm = temperature !== 1;
  const scaled = logits.map((z) => z / temperature);
  const most = Math.max(...scaled), sum = total(scaled.map((z) => Math.exp(z - most)));
  const power = (index) => M.sup(M.i("e"),
    warm ? M.row(M.sub(M.i("z"), M.i(index)), M.o("/"), M.i("T")) : M.sub(M.i("z"), M.i(index)));
  const input = value(`${key}/input`, logits[at], warm);
  const own = warm ? M.row(input, M.o("/"), value(`${key}/temperature`, temperature)) : input;
  return derivation(
    [M.sub(M.i("p"), M.i("c")), M.o("="), M.over(power("c"), M.row(M.sum(M.i("k")), power("k")))],
    [M.sub(M.i("p"), M.t(className(at))), M.o("="),
      M.over(M.sup(M.i("e"), own), value(`${key}/sum`, sum * Math.exp(most))), M.o("="),
      value(`${key}/output`, p[at])],
  );
}

function poolExample(key, layer, x, at, out) {
  if (!["pool", "avgpool", "globalpool"].includes(layer.kind)) return "";
  const channels = layer.input_shape[2], channel = at % channels;
  const seen = [];
  if (layer.kind === "globalpool") {
    const sum = total(x.filter((_, i) => i % channels === channel));
    const count = x.length / channels;
    return derivation([M.i("y"), M.o("="),
      M.over(value(`${key}/sum`, sum), value(`${key}/count`, count)), M.o("="), out]);
  }
  slide(layer, (to, from) => {
    if (to === Math.floor(at / channels)) seen.push(x[from * channels + channel]);
  });
  const list = seen.slice(0, 9).map((v, i) => value(`${key}/window/${i}`, v));
  const inside = list.join(M.o(layer.kind === "pool" ? "," : "+"));
  const more = seen.length > 9 ? M.o("…") : "";
  return layer.kind === "pool"
    ? derivation([M.row(M.i("max"), M.paren(inside, more)), M.o("="), out])
    : derivation([M.over(M.row(inside, more), M.n(String(seen.length))), M.o("="), out]);
}
