// Pictures of numbers, on canvases: an array in colours, a raw picture as people see it.

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
