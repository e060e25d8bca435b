// What a reader does: choose, draw, follow, switch language and light. And the first drawing.

const wishes = new URLSearchParams(location.hash.slice(1));

function speak() {
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.dispatchEvent(new Event("danqing-language"));
  }
}

// Draw what is in sight first; each further chapter when the browser has a moment.
let drawing = 0;
function redraw(atOnce = false) {
  const turn = ++drawing, left = [...chapters];
  shown.values = {};
  shown.arrays = {};
  const next = () => {
    if (turn !== drawing || !left.length) return;
    const until = performance.now() + 40;
    do left.shift()(); while (left.length && (atOnce || performance.now() < until));
    document.documentElement.dataset.opened ??= Math.round(performance.now());
    if (left.length) setTimeout(next);
    else document.documentElement.dataset.ready = Math.round(performance.now());
  };
  drawBar();
  next();
}

// A test example's row, and its file if the data have files.
function titleOf(sample) {
  const title = say("test-example", { row: sample.number });
  return sample.name ? `${title} (${sample.name})` : title;
}

function drawBar() {
  const right = state.target === state.prediction, sample = facts.samples[state.sample];
  if (pictures) picture(find("bar-picture"), state.raw, facts.input_shape);
  find("bar-picture").hidden = !pictures;
  const p = facts.task === "regression" ? "" : percentText(state.outputs.at(-1)[state.prediction], 1);
  fill("bar-prediction", `${predictionName()} ${p}`.trim());
  fill("bar-target", targetName(state.target));
  fill("bar-label", say(facts.task === "regression" ? "true-value" : "label"));
  fill("bar-what", sample ? titleOf(sample) : say("own-example"));
  find("bar-verdict").className = facts.task === "regression" ? "" : right ? "right" : "wrong";
  find("bar-verdict").textContent = facts.task === "regression" ? "" : right ? "✓" : "✗";
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.setAttribute("aria-pressed", Number(button.dataset.sample) === state.sample);
  }
  const target = find("target");
  if (target) target.value = state.target;
  if (facts.features.length) drawFields();
}

// Buttons to choose an example: all in chapter 3, the mistakes in chapter 9.
function offerSamples() {
  const make = (holder, kinds) => {
    facts.samples.forEach((sample, index) => {
      if (!kinds.includes(sample.kind)) return;
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: `sample ${sample.kind}` });
      button.dataset.sample = index;
      const raw = decode(sample.raw).values;
      if (pictures) {
        const canvas = document.createElement("canvas");
        picture(canvas, raw, facts.input_shape);
        button.append(canvas);
      }
      const text = document.createElement("span");
      button.addEventListener("danqing-language", () => {
        const wrong = sample.kind === "mistake" ? ` → ${targetName(sample.prediction)}` : "";
        const name = `${targetName(sample.target)}${wrong}`;
        text.textContent = pictures ? name : say("row-button", { row: sample.number, name });
        button.title = titleOf(sample);
        button.setAttribute("aria-label", `${titleOf(sample)}: ${name}`);
      });
      button.append(text);
      button.addEventListener("click", () => {
        useSample(index);
        redraw();
      });
      holder.append(button);
    });
  };
  make(find("samples"), ["uncertain", "typical"]);
  make(find("wrong-samples"), ["mistake"]);
}

function step(by) {
  const count = facts.samples.length;
  useSample((Math.max(state.sample, 0) + by + count) % count);
  redraw();
}

// Drawing: for networks that compute here, on one channel or three.
let pad = null;
function offerDrawing() {
  find("draw").hidden = !(facts.live && pictures);
  find("own-row").hidden = !(facts.live && facts.features.length);
  if (!facts.live || !pictures) return;
  pad = drawingPad(find("pad"), takeDrawing);
  find("pad-clear").addEventListener("click", () => {
    pad.clear();
    find("pad").focus();
  });
  offerChoices("target", facts.task === "regression" ? [] : facts.classes.map((name, c) => [c, name]), -1);
  find("target").addEventListener("change", (event) => {
    useDrawing(state.raw, Number(event.target.value));
    redraw();
  });
}

function takeDrawing() {
  const [height, width, channels] = facts.input_shape, ink = pad.ink();
  const grey = facts.drawings ? likeMnist(ink, PAD, [height, width]) : shrunk(ink, PAD, height, width);
  if (!grey) return;
  const raw = Float64Array.from({ length: height * width * channels }, (_, i) => grey[Math.floor(i / channels)]);
  useDrawing(raw, facts.task === "regression" ? state.target : null);
  redraw();
}

// Each pixel is the mean of what it covers.
function shrunk(ink, side, height, width) {
  const result = new Float64Array(height * width), counts = new Float64Array(height * width);
  ink.forEach((v, i) => {
    const y = Math.floor((Math.floor(i / side) * height) / side), x = Math.floor(((i % side) * width) / side);
    result[y * width + x] += v;
    counts[y * width + x] += 1;
  });
  return result.map((v, i) => (counts[i] ? Math.round(v / counts[i]) : 0));
}

// A table's row, to be changed value by value.
function drawFields() {
  const holder = find("fields");
  if (!holder.children.length) {
    facts.features.slice(0, 30).forEach(({ name, offset }, i) => {
      const label = document.createElement("label"), input = document.createElement("input");
      label.textContent = name;
      Object.assign(input, { type: "number", step: "any" });
      input.addEventListener("change", () => {
        const raw = state.raw.slice();
        raw[i] = Number(input.value) - offset;
        if (Number.isFinite(raw[i])) useDrawing(raw, state.target);
        redraw();
      });
      label.append(input);
      holder.append(label);
    });
  }
  [...holder.querySelectorAll("input")].forEach((input, i) => (input.value = Number((state.raw[i] + facts.features[i].offset).toPrecision(6))));
}

// Mark the chapter that is being read in the contents.
function markChapter() {
  const links = new Map([...document.querySelectorAll(".chapters a")].map((a) => [a.hash.slice(1), a]));
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of document.querySelectorAll("main > section")) observer.observe(section);
}

function listen() {
  const change = (id, event, action) => find(id)?.addEventListener(event, action);
  const following = (id, action) => change(id, "change", (event) => { action(event.target.value); redraw(); });
  following("neuron-layer", followLayer);
  following("weight-input", (text) => (state.follow.input = Number(text)));
  following("close-layer", () => {});
  following("practice-rate", (text) => (practiceShare = Number(text)));
  following("neuron-unit", (text) => {
    const most = unitsOf(layerNamed(state.follow.layer));
    followUnit(Math.min(most, Math.max(1, Math.round(Number(text)) || 1)) - 1);
  });
  change("previous", "click", () => step(-1));
  change("next", "click", () => step(1));
  change("race-play", "click", playRace);
  change("race-steps", "input", (event) => { clearInterval(racing); racers.steps = Number(event.target.value); redrawRace(); });
  change("race-rate", "input", (event) => { racers.rate = 2 ** Number(event.target.value); redrawRace(); });
  change("slice", "click", (event) => {
    const box = find("slice").getBoundingClientRect(), at = (v, from, length) => ((v - from) / length) * 2 * reach - reach;
    racers.start = [at(event.clientX, box.left, box.width), -at(event.clientY, box.top, box.height)];
    redrawRace();
  });
  change("slice", "keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    racers.start = racers.start.map((v, k) => Math.min(reach, Math.max(-reach, v + move[k] * reach * 0.05)));
    redrawRace();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
  // Paper is light: what is drawn follows, and goes back afterwards.
  const repaint = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    redraw(true);
  };
  let before;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    if (isDark()) repaint("light");
  });
  addEventListener("afterprint", () => {
    if (document.documentElement.dataset.theme !== before) repaint(before);
  });
}

// For tests: all that is shown, as JSON, with its full precision.
function dump() {
  const plain = (_, v) => (v instanceof Float64Array ? Array.from(v) : v);
  const report = document.createElement("pre");
  report.id = "dump";
  report.textContent = JSON.stringify({
    sample: state.sample, target: state.target, raw: state.raw, follow: state.follow, place: followed().place,
    race: racers, ink: wishes.has("stroke") ? pad.ink() : null,
    close: find("close-layer").value, overflow: document.documentElement.scrollWidth - innerWidth, width: innerWidth, missing: [...missing], ...shown,
  }, plain);
  document.body.append(report);
}

function begin() {
  keepChoices(() => {
    speak();
    redraw();
  });
  offerSamples();
  speak();
  document.body.dataset.task = facts.task;
  document.body.dataset.kind = pictures ? "pictures" : "table";
  document.body.dataset.live = facts.live;
  document.body.dataset.loss = facts.run.loss;
  document.body.dataset.ensemble = facts.ensemble;
  document.body.dataset.views = facts.tta_views;
  document.body.dataset.optimizer = facts.run.optimizer;
  document.body.dataset.temperature = ["below", "none", "above"][Math.sign(facts.temperature - 1) + 1];
  for (const layer of layers) document.body.classList.add(`has-${layer.kind}`);
  offerDrawing();
  useSample(Math.min(Number(wishes.get("sample") ?? 0) || 0, facts.samples.length - 1));
  if (wishes.has("layer")) followLayer(wishes.get("layer"));
  if (wishes.has("unit")) followUnit(Number(wishes.get("unit")) - 1);
  if (wishes.has("stroke") && pad) {
    pad.polyline(wishes.get("stroke").split(" ").map((pair) => {
      const [x, y] = pair.split(",").map(Number);
      return { x, y };
    }));
    takeDrawing();
  }
  if (wishes.has("close")) offerChoices("close-layer", [[wishes.get("close"), ""]], wishes.get("close"));
  listen();
  markChapter();
  redraw(wishes.has("dump"));
  if (wishes.has("dump")) dump();
}

begin();
