// A pad to draw on, and what MNIST's authors did with a drawing: crop, scale to 20 of 28 pixels,
// centre by mass. Step by step as danqing.preparation.drawing, Pillow's Lanczos filter included.

const PAD = 280;

function lanczos(x) {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  const a = Math.PI * x;
  return (3 * Math.sin(a) * Math.sin(a / 3)) / (a * a);
}

const byte = (v) => Math.min(255, Math.max(0, Math.round(v)));

// One direction of Pillow's resize; each result is rounded to a byte, as Pillow does.
function resizedRows(values, height, width, to) {
  const scale = width / to, support = 3 * Math.max(scale, 1), result = new Float64Array(height * to);
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(width, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let i = first; i < last; i++) weights.push(lanczos((i - centre + 0.5) / Math.max(scale, 1)));
    const sum = total(weights);
    for (let y = 0; y < height; y++) {
      let value = 0;
      weights.forEach((w, k) => (value += (w / sum) * values[y * width + first + k]));
      result[y * to + x] = byte(value);
    }
  }
  return result;
}

function transposed(values, height, width) {
  const result = new Float64Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) result[x * height + y] = values[y * width + x];
  }
  return result;
}

// Half to even, as Python rounds.
const evenly = (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

// From ink of 0 to 255 on a square pad to the network's own input; null without ink.
function likeMnist(ink, side, [height, width]) {
  const sorted = Float64Array.from(ink).sort();
  const position = 0.05 * (sorted.length - 1), below = Math.floor(position);
  const low = Math.trunc(
    sorted[below] + (position - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below])
  );
  const high = sorted.at(-1);
  if (high - low < 32) return null;
  const clear = ink.map((v) => {
    const share = Math.min(1, Math.max(0, (v - low) / (high - low)));
    return share < 0.2 ? 0 : share;
  });
  let [top, bottom, left, right] = [side, -1, side, -1];
  clear.forEach((v, i) => {
    if (!v) return;
    const y = Math.floor(i / side), x = i % side;
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  });
  const h = bottom - top + 1, w = right - left + 1, cropped = new Float64Array(h * w);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      cropped[y * w + x] = Math.trunc(clear[(top + y) * side + left + x] * 255);
    }
  }
  const share = ((20 / 28) * Math.min(height, width)) / Math.max(h, w);
  const [sh, sw] = [h, w].map((length) => Math.max(1, evenly(length * share)));
  const across = resizedRows(cropped, h, w, sw);
  const small = transposed(resizedRows(transposed(across, h, sw), sw, h, sh), sw, sh);
  const bright = 255 / Math.max(largest(small), 1);
  const lit = small.map((v) => v * bright);
  const starts = [[sh, height], [sw, width]].map(([length, room], axis) => {
    let mass = 0, moment = 0;
    lit.forEach((v, i) => {
      const place = axis === 0 ? Math.floor(i / sw) : i % sw;
      mass += v;
      moment += v * (place + 0.5);
    });
    return Math.min(Math.max(evenly(room / 2 - moment / mass), 0), room - length);
  });
  const result = new Float64Array(height * width);
  lit.forEach((v, i) => {
    const y = starts[0] + Math.floor(i / sw), x = starts[1] + (i % sw);
    result[y * width + x] = evenly(v);
  });
  return result;
}

// The pad: by mouse, finger or pen; by keyboard with the arrows, and space to lift the pen.
function drawingPad(canvas, changed) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let last = null, keyboard = { x: PAD / 2, y: PAD / 4, down: false };
  canvas.width = canvas.height = PAD;

  const clear = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, PAD, PAD);
    last = null;
  };
  const stroke = (from, to) => {
    Object.assign(context, { strokeStyle: "#fff", lineWidth: 22, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * PAD,
      y: ((event.clientY - box.top) / box.height) * PAD,
    };
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const here = place(event);
    stroke(last, here);
    last = here;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (last) changed();
      last = null;
    });
  }
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };
    if (event.key === " ") keyboard.down = !keyboard.down;
    else if (!moves[event.key]) return;
    event.preventDefault();
    const [dx, dy] = moves[event.key] ?? [0, 0];
    const next = {
      x: Math.min(PAD - 12, Math.max(12, keyboard.x + dx)),
      y: Math.min(PAD - 12, Math.max(12, keyboard.y + dy)),
      down: keyboard.down,
    };
    if (next.down) stroke(keyboard, next);
    keyboard = next;
    put("pad-pen", escaped(say(next.down ? "pen-down" : "pen-up", {
      x: Math.round(next.x / 10), y: Math.round(next.y / 10),
    })));
    if (next.down) changed();
  });
  clear();
  return {
    clear,
    polyline: (points) => points.slice(1).forEach((p, i) => stroke(points[i], p)),
    ink: () => {
      const { data } = context.getImageData(0, 0, PAD, PAD);
      return Float64Array.from({ length: PAD * PAD }, (_, i) => data[i * 4]);
    },
  };
}
