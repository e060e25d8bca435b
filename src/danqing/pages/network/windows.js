// A window slides over a picture: that of a convolution or of a pool.

// Calls `each` with every place of the output, each place of the input that its window covers, and
// that place's number within the window.
function slide(layer, each) {
  const [height, width] = layer.input_shape, [rows, columns] = layer.output_shape;
  const { kernel, size = kernel, stride = size, padding } = layer.settings;
  const before = (length, out) =>
    padding === "same" ? Math.floor(Math.max((out - 1) * stride + size - length, 0) / 2) : 0;
  const top = before(height, rows), left = before(width, columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let i = 0; i < size; i++) {
        const y = r * stride + i - top;
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < size; j++) {
          const x = c * stride + j - left;
          if (x >= 0 && x < width) each(r * columns + c, y * width + x, i * size + j);
        }
      }
    }
  }
}
