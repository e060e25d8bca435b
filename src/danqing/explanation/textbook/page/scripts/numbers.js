// A record of every number that the page shows, so that all can be checked; words; filling in.

const shown = { values: {}, arrays: {} };

// A number's text; its full value is kept under `key`.
function number(key, value, digits = 4) {
  shown.values[key] = value;
  return numberText(value, digits);
}

// A setting, as it was given.
function setting(key, value) {
  return number(key, value, 6);
}

// A share; what is neither none nor all is never written as 0 or 100 %.
function percent(key, value, digits = 2) {
  shown.values[key] = value;
  if (value > 0 && value < 0.5 * 10 ** -(digits + 2)) return `<${percentText(10 ** -(digits + 2), digits)}`;
  if (value < 1 && value > 1 - 0.5 * 10 ** -(digits + 2)) return `>${percentText(1 - 10 ** -(digits + 2), digits)}`;
  return percentText(value, digits);
}

// An array that is about to be drawn.
function drawn(key, values) {
  shown.arrays[key] = values;
  return values;
}

const find = (id) => document.getElementById(id);

// Text of every element that waits for it: <b data-fill=name></b>.
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
function say(key, values = {}) {
  if (!words[key]) missing.add(key);
  const sentence = words[key]?.[language() === "zh" ? 1 : 0] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

const className = (c) => facts.classes[c] ?? "";

function putAll(selector, html) {
  for (const element of document.querySelectorAll(selector)) element.innerHTML = html;
}
