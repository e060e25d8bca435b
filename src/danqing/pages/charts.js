// Charts that a page draws from its own numbers: curves with axes, bars. By the arithmetic and in
// the classes of charts.py; texts come in the page's language. Knows no page.

const escaped = (text) =>
  String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

// Round numbers between two others, at least `least` apart.
function ticks(low, high, about = 5, least = 0) {
  if (!(high > low)) return [low];
  const rough = (high - low) / about, unit = 10 ** Math.floor(Math.log10(rough));
  const near = [1, 2, 5, 10].map((m) => unit * m)
    .reduce((best, step) => (Math.abs(step - rough) < Math.abs(best - rough) ? step : best));
  const step = Math.max(near, least), first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// The width of a bar as a share of its room, which is full at `reach`.
const barShare = (value, reach) => Math.min(1, Math.abs(value) / (reach || 1));
const kindOfSign = (value) => (value > 0 ? "cinnabar" : "azure");

// A vector as bars, above and below a line.
function barStrip(values, { label = "" } = {}) {
  const reach = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const count = values.length, width = Math.min(640, count * 14), step = width / count;
  const bars = Array.from(values, (v, i) => {
    const height = barShare(v, reach) * 28, y = v > 0 ? 30 - height : 30;
    return `<rect class="${kindOfSign(v)}" x="${(i * step).toFixed(2)}" y="${y.toFixed(2)}"
      width="${Math.max(step - 0.6, 0.4).toFixed(2)}" height="${Math.max(height, 0.4).toFixed(2)}"/>`;
  });
  return `<svg class="strip" style="max-width:min(46rem, ${count * 64}px)" viewBox="0 0 ${width} 60" role="img" aria-label="${escaped(label)}"
    preserveAspectRatio="none"><line x1="0" x2="${width}" y1="30" y2="30"/>${bars.join("")}</svg>`;
}

// Named horizontal bars: { name, value, text, mark }.
function nameBars(rows, { reach = 1 } = {}) {
  const wide = (name) => [...String(name)].reduce((sum, c) => sum + (c > "\u2e80" ? 2 : 1), 0);
  const longest = Math.min(24, Math.max(...rows.map(({ name }) => wide(name))));
  return `<div class="bars" style="--name:${longest + 1}ch">${rows.map(({ name, value, text, mark }) =>
    `<div class="bar-row${mark ? " marked" : ""}"><span class="name">${escaped(name)}</span>
      <span class="track" aria-hidden="true"><i class="${kindOfSign(value)}"
        style="--low:0;--high:${barShare(value, reach).toFixed(4)}"></i></span>
      <span class="value">${text}</span></div>`).join("")}</div>`;
}

// A chart's frame: where its numbers lie, and its axes. Texts of dots near each other stand above
// all of them, so that none hides a curve.
function chartFrame(xRange, yRange, { x, y, width, height, whole }) {
  const right = 14, top = 14, bottom = 46;
  const [[x0, x1], [y0, y1]] = [xRange, yRange];
  const levels = ticks(y0, y1).map((v) => [v, numberText(v, 6)]);
  const left = Math.max(62, 36 + 7 * Math.max(...levels.map(([, text]) => text.length)));
  const across = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const up = (v) => top + ((y1 - Math.min(Math.max(v, y0), y1)) / (y1 - y0)) * (height - top - bottom);
  const grid = levels.map(([v, text]) =>
    `<line class="grid" x1="${left}" x2="${width - right}" y1="${up(v)}" y2="${up(v)}"/>
     <text x="${left - 8}" y="${up(v) + 4}" text-anchor="end">${text}</text>`);
  const feet = ticks(x0, x1, width < 400 ? 4 : 6, whole ? 1 : 0).map((v) =>
    `<text x="${across(v)}" y="${height - bottom + 18}" text-anchor="middle">${numberText(v, 6)}</text>`);
  const axes = `${grid.join("")}<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}"
      y2="${height - bottom}"/>${feet.join("")}
    <text class="title" x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(x)}</text>
    <text class="title" transform="translate(14 ${(top + height - bottom) / 2}) rotate(-90)"
      text-anchor="middle">${escaped(y)}</text>`;
  return { across, up, axes };
}

// Points with text, `before` the point or after it; no text on another.
function chartMarks(marks, { across, up }, width) {
  const heights = marks.map((m) => up(m.y));
  const roof = Math.max(...heights) - Math.min(...heights) < 40 ? Math.min(...heights) : Infinity;
  let above = Infinity;
  return [...marks].sort((a, b) => a.y - b.y).map((m) => {
    // A falling curve leaves room after the dot; at the picture's edge, higher up.
    const after = across(m.x) + 9, last = width - 4 - 8 * m.text.length;
    const lift = m.before || last < after ? 16 : 8;
    above = Math.max(12, Math.min(Math.min(up(m.y), roof) - lift, above - 16));
    return `<circle class="dot ${m.kind}" cx="${across(m.x)}" cy="${up(m.y)}" r="5"/>
      <text class="dot-text ${m.kind}" x="${m.before ? across(m.x) - 9 : Math.min(after, last)}" y="${above}"
        text-anchor="${m.before ? "end" : "start"}">${escaped(m.text)}</text>`;
  }).join("");
}

// Curves. `lines`: [{ name, points: [[x, y]], kind }]; `marks`: [{ x, y, text, kind, before }].
function lineChart({ lines, marks = [], x, y, label, low = null, high = null, width: wide = 560, whole = false }) {
  const width = Math.min(wide, Math.max(300, innerWidth - 40)), height = 300; // so that text is not shrunk
  const xs = lines.flatMap((line) => line.points.map((p) => p[0]));
  const ys = lines.flatMap((line) => line.points.map((p) => p[1])).concat(marks.map((m) => m.y));
  let [y0, y1] = [low ?? Math.min(...ys), high ?? Math.max(...ys)];
  if (y0 === y1) [y0, y1] = [y0 - 0.5, y1 + 0.5];
  const frame = chartFrame([Math.min(...xs), Math.max(...xs)], [y0, y1], { x, y, width, height, whole });
  const curves = lines.map(({ points, kind }) => `<polyline class="line ${kind}" points="${points
    .map(([a, b]) => `${frame.across(a).toFixed(1)},${frame.up(b).toFixed(1)}`).join(" ")}"/>`);
  const keys = lines.filter((line) => line.name).map(({ name, kind }) =>
    `<span><i class="key ${kind}"></i>${escaped(name)}</span>`);
  return `<figure><svg class="chart fitted" viewBox="0 0 ${width} ${height}" role="img"
    aria-label="${escaped(label)}">${frame.axes}${curves.join("")}${chartMarks(marks, frame, width)}</svg>
    ${keys.length > 1 ? `<div class="legend">${keys.join("")}</div>` : ""}</figure>`;
}
