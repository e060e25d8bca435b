// Pictures of numbers: canvases for arrays, SVG for curves. Colours come from the style sheet.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => colour("--dark") === "1";

// From azure (negative) through the page's ground to cinnabar (positive).
function signed(share) {
  const ground = isDark() ? [24, 28, 35] : [255, 255, 255];
  const end = share < 0 ? (isDark() ? [96, 170, 250] : [22, 82, 150])
    : (isDark() ? [255, 120, 92] : [186, 44, 26]);
  const t = Math.min(1, Math.abs(share)) ** 0.8;
  return ground.map((g, k) => g + (end[k] - g) * t);
}

// Pictures of one layer side by side in one canvas. `places` lists what the tiles show.
function mosaic(canvas, values, shape, { most = 64, only = null, scale = null, grey = false } = {}) {
  const [height, width, channels] = shape.length === 3 ? shape : [1, shape[0], 1];
  const tiles = only ?? Array.from({ length: Math.min(channels, most) }, (_, c) => c);
  const columns = Math.min(tiles.length, Math.max(1, Math.round(Math.sqrt(tiles.length * 2.5))));
  const rows = Math.ceil(tiles.length / columns), gap = tiles.length > 1 ? 1 : 0;
  canvas.width = columns * (width + gap) - gap;
  canvas.height = rows * (height + gap) - gap;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const reach = (scale ?? largest(values)) || 1;
  tiles.forEach((channel, tile) => {
    const left = (tile % columns) * (width + gap), top = Math.floor(tile / columns) * (height + gap);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = values[(y * width + x) * channels + channel];
        const rgb = grey ? [value, value, value] : signed(value / reach);
        const at = ((top + y) * canvas.width + left + x) * 4;
        image.data.set([...rgb, 255], at);
      }
    }
  });
  context.putImageData(image, 0, 0);
  // A tile is drawn large enough to see, and no larger.
  const each = tiles.length === 1 ? 180 : Math.min(84, Math.max(26, width * 7));
  canvas.style.setProperty("--wide", `${columns * each}px`);
}

// A raw picture as people see it.
function picture(canvas, raw, shape) {
  const [height, width, channels] = shape;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const pixel = [0, 1, 2].map((c) => raw[i * channels + (channels < 3 ? 0 : c)]);
    image.data.set([...pixel, 255], i * 4);
  }
  context.putImageData(image, 0, 0);
}

// A vector as bars, above and below a line.
function barStrip(values, { label = "", chosen = -1 } = {}) {
  const most = largest(values) || 1, count = values.length, width = Math.min(640, count * 14);
  const step = width / count;
  const bars = Array.from(values, (v, i) => {
    const height = (Math.abs(v) / most) * 28, y = v > 0 ? 30 - height : 30;
    const kind = v > 0 ? "positive" : "negative";
    const mark = i === chosen ? " chosen" : "";
    return `<rect class="${kind}${mark}" x="${(i * step).toFixed(2)}" y="${y.toFixed(2)}"
      width="${Math.max(step - 0.6, 0.4).toFixed(2)}" height="${Math.max(height, 0.4).toFixed(2)}"/>`;
  });
  return `<svg class="strip" style="max-width:min(46rem, ${count * 64}px)" viewBox="0 0 ${width} 60" role="img" aria-label="${escaped(label)}"
    preserveAspectRatio="none"><line x1="0" x2="${width}" y1="30" y2="30"/>${bars.join("")}</svg>`;
}

// Probabilities as horizontal bars, named.
function nameBars(rows, { most = 1, signs = false } = {}) {
  const longest = Math.min(24, Math.max(...rows.map(({ name }) => [...String(name)]
    .reduce((width, letter) => width + (letter > "\u2e80" ? 2 : 1), 0))));
  return `<div class="bars" style="--name:${longest + 1}ch">${rows
    .map(({ name, share, text, mark }) => {
      const width = Math.min(100, (Math.abs(share) / most) * 100);
      const kind = signs ? (share > 0 ? "positive" : "negative") : "positive";
      return `<div class="bar-row${mark ? " marked" : ""}"><span class="name">${escaped(name)}</span>
        <span class="track"><span class="${kind}" style="width:${width.toFixed(2)}%"></span></span>
        <span class="value">${text}</span></div>`;
    })
    .join("")}</div>`;
}

const niceStep = (span, count) => {
  const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((step) => step * power >= rough);
};

function ticks(low, high, count = 5, least = 0) {
  const step = Math.max(least, niceStep(high - low || 1, count)), found = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) {
    found.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  }
  return found;
}

const tickText = (v) => {
  const size = Math.abs(v);
  if (v === 0) return "0";
  return size >= 1e5 || size < 1e-3 ? format(v, 2) : String(+v.toPrecision(6)).replace("-", "−");
};

// Curves with labelled axes. `lines`: [{ name, points: [[x, y]], kind }]; `marks`: points with text, `before` the point or after.
function chart({ lines, marks = [], x, y, label, low = null, high = null, width: wide = 560, whole = false }) {
  const width = Math.min(wide, Math.max(300, innerWidth - 40)); // so that its text is not shrunk
  const height = 300, right = 14, top = 14, bottom = 46;
  const xs = lines.flatMap((line) => line.points.map((p) => p[0]));
  const ys = lines.flatMap((line) => line.points.map((p) => p[1])).concat(marks.map((m) => m.y));
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  let [y0, y1] = [low ?? Math.min(...ys), high ?? Math.max(...ys)];
  if (y0 === y1) [y0, y1] = [y0 - 0.5, y1 + 0.5];
  const levels = ticks(y0, y1).map((v) => [v, tickText(v)]);
  const left = Math.max(62, 36 + 7 * Math.max(...levels.map(([, text]) => text.length)));
  const px = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const py = (v) => top + ((y1 - Math.min(Math.max(v, y0), y1)) / (y1 - y0)) * (height - top - bottom);
  const grid = levels.map(([v, text]) =>
    `<line class="grid" x1="${left}" x2="${width - right}" y1="${py(v)}" y2="${py(v)}"/>
     <text x="${left - 8}" y="${py(v) + 4}" text-anchor="end">${text}</text>`);
  const feet = ticks(x0, x1, width < 400 ? 4 : 6, whole ? 1 : 0).map((v) =>
    `<text x="${px(v)}" y="${height - bottom + 18}" text-anchor="middle">${tickText(v)}</text>`);
  const curves = lines.map((line) =>
    `<polyline class="curve ${line.kind}" points="${line.points
      .map(([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`).join(" ")}"/>`);
  // Texts of dots near each other stand above all of them, so that none hides a curve.
  const highest = Math.min(...marks.map((m) => py(m.y))), lowest = Math.max(...marks.map((m) => py(m.y)));
  const roof = lowest - highest < 40 ? highest : Infinity;
  let above = Infinity;
  const dots = [...marks].sort((a, b) => a.y - b.y).map((m) => {
    // A falling curve leaves room after the dot; at the picture's edge, higher up.
    const after = px(m.x) + 9, last = width - 4 - 8 * m.text.length;
    const lift = m.before || last < after ? 16 : 8;
    above = Math.max(12, Math.min(Math.min(py(m.y), roof) - lift, above - 16)); // no text on another
    return `<circle class="dot ${m.kind ?? ""}" cx="${px(m.x)}" cy="${py(m.y)}" r="5"/>
      <text class="dot-text ${m.kind ?? ""}" x="${m.before ? px(m.x) - 9 : Math.min(after, last)}" y="${above}"
        text-anchor="${m.before ? "end" : "start"}">${escaped(m.text)}</text>`;
  });
  const legend = lines.filter((line) => line.name).map((line) =>
    `<span><i class="key ${line.kind}"></i>${escaped(line.name)}</span>`);
  return `<figure class="chart"><svg viewBox="0 0 ${width} ${height}" role="img"
      aria-label="${escaped(label)}">
    ${grid.join("")}<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}"
      y2="${height - bottom}"/>${feet.join("")}${curves.join("")}${dots.join("")}
    <text class="title" x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(x)}</text>
    <text class="title" transform="translate(14 ${(top + height - bottom) / 2}) rotate(-90)"
      text-anchor="middle">${escaped(y)}</text></svg>
    ${legend.length > 1 ? `<div class="legend">${legend.join("")}</div>` : ""}</figure>`;
}
