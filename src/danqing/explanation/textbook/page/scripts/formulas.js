// MathML from short words. Every function gives markup; text from data is escaped.

const M = {
  i: (name) => `<mi>${escaped(name)}</mi>`,
  n: (text) => `<mn>${escaped(text)}</mn>`,
  o: (operator) => `<mo>${escaped(operator)}</mo>`,
  t: (text) => `<mtext>${escaped(text)}</mtext>`,
  row: (...parts) => `<mrow>${parts.join("")}</mrow>`,
  sub: (base, index) => `<msub>${base}<mrow>${index}</mrow></msub>`,
  sup: (base, power) => `<msup>${base}<mrow>${power}</mrow></msup>`,
  subsup: (base, index, power) =>
    `<msubsup>${base}<mrow>${index}</mrow><mrow>${power}</mrow></msubsup>`,
  over: (top, bottom) => `<mfrac><mrow>${top}</mrow><mrow>${bottom}</mrow></mfrac>`,
  ln: '<mi>ln</mi><mspace width="0.2em"/>',
  root: (inside) => `<msqrt>${inside}</msqrt>`,
  // Beside the sign, not below it: without a mathematical font, limits below collide with it.
  sum: (below, above = "") =>
    above
      ? `<msubsup><mo class="sum">∑</mo><mrow>${below}</mrow><mrow>${above}</mrow></msubsup>`
      : `<msub><mo class="sum">∑</mo><mrow>${below}</mrow></msub>`,
  hat: (base) => `<mover>${base}<mo>^</mo></mover>`,
  paren: (...parts) => `<mrow><mo>(</mo>${parts.join("")}<mo>)</mo></mrow>`,
  partial: (above, below) =>
    `<mfrac><mrow><mo>∂</mo>${above}</mrow><mrow><mo>∂</mo>${below}</mrow></mfrac>`,
};

// Negative numbers in parentheses, as after a sign.
const bracketed = (x, text = numberText(x)) => (x < 0 ? M.paren(M.n(text)) : M.n(text));

// A number as it stands in a formula: negative ones in parentheses where `inside`.
function value(key, x, inside = false) {
  const text = number(key, x);
  return inside ? bracketed(x, text) : M.n(text);
}

const formula = (...parts) =>
  `<div class="formula" tabindex="0"><math display="block">${M.row(...parts)}</math></div>`;

// Lines of one derivation, the equals signs below each other.
const derivation = (...lines) =>
  `<div class="formula" tabindex="0"><math display="block"><mtable class="lines" displaystyle="true">${lines
    .map(([left, ...right]) =>
      `<mtr><mtd>${left}</mtd><mtd>${right.join("")}</mtd></mtr>`)
    .join("")}</mtable></math></div>`;
