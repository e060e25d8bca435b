// Arrays in float64. Knows no network. Pictures lie row by row, the channels of a pixel together.

// From the shape, type and base64 text by which Python writes an array.
function decode({ shape, type, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const values = type === "uint8" ? bytes : new Float32Array(bytes.buffer);
  return { shape, values: Float64Array.from(values) };
}

const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);
const total = (values) => values.reduce((sum, v) => sum + v, 0);
const norm = (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
const largest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
const argmax = (values) => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);

// Places of the largest absolute values, the largest first.
function foremost(values, count) {
  const places = Array.from(values.keys());
  return places.sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, count);
}
