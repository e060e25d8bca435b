// At prediction these pass everything on: pictures lie flat already, and only training drops.
const passing = {
  role: "passing",
  forward: (layer, weights, x) => x,
  backward: (layer, weights, x, delta) => ({ back: delta }),
};
