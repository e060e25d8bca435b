// Muon's direction for a hidden kernel: its matrix of steps made nearly orthogonal. Knows no page.
//
// One example's gradient is a sum over the places of a feature map (a dense layer has one) of
// inputs times δ: LᵀR, with a row of L and R for each place. While there are fewer rows than
// inputs and neurons, Newton and Schulz's rounds are made on the rows.

const MUON = { momentum: 0.95, size: 0.2, rounds: 5, a: 3.4445, b: -4.775, c: 2.0315 }; // as danqing.training.optimization.optimizers
const isHiddenKernel = (name) => name.endsWith("/kernel") && name !== "output/kernel";
const muonSize = (n, m) => MUON.size * Math.sqrt(Math.max(n, m));

function product(a, b, rows, inner, columns) {
  const result = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < inner; k++) {
      const factor = a[r * inner + k], to = r * columns, from = k * columns;
      if (factor) for (let c = 0; c < columns; c++) result[to + c] += factor * b[from + c];
    }
  }
  return result;
}

function transposed(a, rows, columns) {
  const result = new Float64Array(a.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = a[r * columns + c];
  return result;
}

const identity = (side) => Float64Array.from({ length: side * side }, (_, i) => (i % (side + 1) ? 0 : 1));

function afterEachOther(a, b) {
  const result = new Float64Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

// A layer's gradient at one example as { left, right, rank }, for n inputs and m neurons.
function factorsOf(layer, x, delta) {
  const { of } = tensors[`${layer.name}/kernel`], m = of.at(-1), n = sizeOf(of) / m;
  return { left: layerKinds[layer.kind].patches(layer, x), right: delta, rank: delta.length / m, n, m };
}

// The same matrix on as many rows as its smaller side has, if it stood on more.
function shortened({ left, right, rank, n, m }) {
  if (rank <= Math.min(n, m)) return { left, right, rank, n, m };
  const matrix = product(transposed(left, rank, n), right, n, rank, m);
  return m <= n ? { left: transposed(matrix, n, m), right: identity(m), rank: m, n, m }
    : { left: identity(n), right: matrix, rank: n, n, m };
}

// The velocity after a gradient, v ← 0.95 v + g, and the direction g + 0.95 v; both as factors.
function accelerated(velocity, gradient) {
  const { left, right, n, m } = velocity ?? { ...gradient, left: [], right: [] };
  const rows = afterEachOther(left, gradient.left), rank = rows.length / n, old = right.length;
  const slower = afterEachOther(right.map((v) => MUON.momentum * v), gradient.right);
  const ahead = slower.map((v, i) => MUON.momentum * v + (i < old ? 0 : gradient.right[i - old]));
  return {
    velocity: shortened({ left: rows, right: slower, rank, n, m }),
    direction: shortened({ left: rows, right: ahead, rank, n, m }),
  };
}

// X = LᵀCR, and X XᵀX = LᵀC(R RᵀCᵀL LᵀC)R: each round X ← aX + b(XXᵀ)X + c(XXᵀ)²X changes C only.
function orthogonal({ left, right, rank, n, m }) {
  const square = (a, b) => product(a, b, rank, rank, rank);
  const inputs = product(left, transposed(left, rank, n), rank, n, rank);
  const outputs = product(right, transposed(right, rank, m), rank, m, rank);
  const length = Math.sqrt(Math.max(0, total(inputs.map((v, i) => v * outputs[i]))));
  let middle = identity(rank).map((v) => v / (length + 1e-7));
  for (let round = 0; round < MUON.rounds; round++) {
    const turn = square(outputs, square(transposed(middle, rank, rank), square(inputs, middle)));
    const once = square(middle, turn), twice = square(once, turn);
    middle = middle.map((v, i) => MUON.a * v + MUON.b * once[i] + MUON.c * twice[i]);
  }
  return product(transposed(left, rank, n), product(middle, right, rank, rank, m), n, rank, m);
}
