// What a reader of the report does: open the contents, and the examples behind a cell.
keepChoices();
const asked = new URLSearchParams(location.search);

const contents = document.querySelector(".contents");
contents.addEventListener("click", (event) => {
  if (event.target.closest("a")) contents.open = false;
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") contents.open = false;
});
addEventListener("click", (event) => {
  if (!contents.contains(event.target)) contents.open = false;
});

const data = JSON.parse(document.getElementById("behind-data").textContent);
const dialog = document.getElementById("behind");
const body = document.getElementById("behind-body");
const make = (tag, text) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  return element;
};
const fill = (slot, text) => {
  for (const place of dialog.querySelectorAll(`[data-slot="${slot}"]`)) place.textContent = text;
};
const pictures = (examples) => {
  const cards = make("div");
  cards.className = "cards";
  for (const one of examples) {
    const figure = make("figure"), image = make("img"), caption = make("figcaption");
    image.src = one.picture;
    image.alt = one.name;
    caption.append(percentText(one.confidence, 1), make("small", one.name));
    figure.append(image, caption);
    cards.append(figure);
  }
  return cards;
};
const rows = (examples) => {
  const scroll = make("div"), table = make("table"), head = make("tr"), lines = make("tbody");
  scroll.className = "scroll";
  table.className = "rows";
  for (const name of ["#", "%", ...data.columns]) head.append(make("th", name));
  for (const one of examples) {
    const line = make("tr");
    for (const value of [one.name, percentText(one.confidence, 1), ...one.values]) {
      line.append(make("td", value));
    }
    lines.append(line);
  }
  const top = make("thead");
  top.append(head);
  table.append(top, lines);
  scroll.append(table);
  return scroll;
};
const open = (button) => {
  const key = button.dataset.cell, examples = data.cells[key] || [];
  const [label, predicted] = key.split("-").map((place) => data.names[Number(place)]);
  fill("true", label);
  fill("predicted", predicted);
  fill("count", button.textContent);
  fill("shown", examples.length);
  const shown = data.columns.length ? rows(examples) : pictures(examples);
  body.replaceChildren(...(examples.length ? [shown] : []));
  dialog.showModal();
};
for (const button of document.querySelectorAll("[data-cell]")) {
  button.setAttribute("aria-haspopup", "dialog");
  button.addEventListener("click", () => open(button));
}
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
// For tests and links: ?cell=4-9 opens what is behind it.
const first = document.querySelector(`[data-cell="${CSS.escape(asked.get("cell") || "")}"]`);
if (first) open(first);
