// How numbers are written, as number_format.py writes them. Knows no page.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
// A minus sign, and none before zero.
const withMinus = (text) => text.replace("-", /[1-9]/.test(text) ? "−" : "");

// Significant digits, commas between thousands; whole numbers in full; zeros at the end only where a
// number was rounded.
function numberText(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size && (size < 1e-4 || size >= 1e12)) {
    let [mantissa, power] = value.toExponential(digits - 1).split("e");
    const exact = Math.abs(Number(`${mantissa}e${power}`) - value) <= 1e-9 * size;
    if (exact && mantissa.includes(".")) mantissa = mantissa.replace(/\.?0+$/, "");
    const raised = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[digit]).join("");
    return `${withMinus(mantissa)}×10${power < 0 ? "⁻" : ""}${raised}`;
  }
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(digits));
  let decimals = (String(rounded).split(".")[1] ?? "").length;
  if (Math.abs(rounded - value) > 1e-9 * size) {
    decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  }
  const [whole, fraction] = rounded.toFixed(decimals).split(".");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return withMinus(fraction ? `${parted}.${fraction}` : parted);
}

function percentText(share, digits = 2) {
  return share === null || share === undefined ? "–" : withMinus(`${(share * 100).toFixed(digits)}%`);
}
