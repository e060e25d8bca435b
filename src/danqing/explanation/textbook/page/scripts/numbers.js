// Numbers as text, and a record of every one that the page shows, so that all can be checked.

const shown = { values: {}, arrays: {} };
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function format(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 1e7) text = size.toLocaleString("en");
  else if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    const raised = [...String(Math.abs(exponent))].map((d) => SUPERSCRIPTS[d]).join("");
    text = `${mantissa}×10${exponent < 0 ? "⁻" : ""}${raised}`;
  } else text = size.toPrecision(digits);
  return value < 0 ? `−${text}` : text;
}

// A number's text; its full value is kept under `key`.
function number(key, value, digits = 4) {
  shown.values[key] = value;
  return format(value, digits);
}

// A setting, as it was given: without zeros that nobody wrote.
function setting(key, value) {
  shown.values[key] = value;
  return plainText(value);
}

const plainText = (value) => {
  const short = String(+value.toPrecision(6));
  return short.includes("e") ? format(value) : short.replace("-", "−");
};

function percent(key, value, digits = 2) {
  shown.values[key] = value;
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 0.5 * 10 ** -(digits + 2)) return `<${10 ** -digits}%`;
  if (value < 1 && value > 1 - 0.5 * 10 ** -(digits + 2)) return `>${100 - 10 ** -digits}%`;
  return `${(value * 100).toFixed(digits)}%`;
}

// An array that is about to be drawn.
function drawn(key, values) {
  shown.arrays[key] = values;
  return values;
}

const escaped = (text) =>
  String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const find = (id) => document.getElementById(id);

// Text of every element that waits for it: <b data-fill="name"></b>.
function fill(name, text) {
  for (const element of document.querySelectorAll(`[data-fill="${name}"]`)) {
    element.textContent = text;
  }
}

function put(id, html) {
  const element = find(id);
  if (element) element.innerHTML = html;
}

const language = () => document.documentElement.lang;

// A sentence in the page's language; {names} are replaced, as text.
const missing = new Set();
function say(name, values = {}) {
  if (!words[name]) missing.add(name);
  const sentence = words[name]?.[language()] ?? name;
  return sentence.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

const className = (c) => facts.classes[c] ?? "";

function putAll(selector, html) {
  for (const element of document.querySelectorAll(selector)) element.innerHTML = html;
}
