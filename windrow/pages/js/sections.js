// A page of sections: words, figures by Vega-Lite in the colours of the theme, tables. All texts are text, never markup.

const data = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Whether a column is of texts, an account's number among them, and not of amounts.
const isText = (cells) => cells.some((text) => /^\d{12}$|^[^\d+−–$.-]/.test(text));

function tableOf({ head, rows, caption, more }, title) {
  const box = element("div", "", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption || title });
  const table = element("table");
  if (caption) table.append(element("caption", caption));
  const thead = element("thead");
  const names = element("tr");
  const kinds = head.map((_, at) => (isText([...rows, ...more].map((row) => row[at])) ? { class: "text" } : {}));
  head.forEach((name, at) => names.append(element("th", name, { scope: "col", ...kinds[at] })));
  thead.append(names);
  const tbody = element("tbody");
  const add = (some) => {
    for (const [first, ...rest] of some) {
      const row = element("tr");
      row.append(element("th", first, { scope: "row" }), ...rest.map((text, at) => element("td", text, kinds[at + 1])));
      tbody.append(row);
    }
  };
  add(rows);
  table.append(thead, tbody);
  box.append(table);
  if (more.length) {
    const button = element("button", `Show ${more.length.toLocaleString("en-US")} more`, { type: "button", class: "more" });
    button.addEventListener("click", () => {
      button.remove();
      add(more);
      box.focus();
    });
    box.append(button);
  }
  return box;
}

const drawn = [];

function figureOf({ title, caption, spec }) {
  const figure = element("figure");
  const place = element("div", "", { class: "figure", role: "img", "aria-label": `${title}. ${caption}` });
  figure.append(element("h3", title), place);
  if (caption) figure.append(element("figcaption", caption, { class: "aside" }));
  drawn.push({ place, spec });
  return figure;
}

data.sections.forEach(({ title, words, figures, tables, sideBySide }, at) => {
  const section = element("section", "", { "aria-labelledby": `section-${at}` });
  section.append(element("h2", title, { id: `section-${at}` }), ...words.map((text) => element("p", text)));
  const place = sideBySide ? element("div", "", { class: "pairs" }) : section;
  place.append(...figures.map(figureOf));
  if (sideBySide) section.append(place);
  section.append(...tables.map((table) => tableOf(table, title)));
  document.getElementById("sections").append(section);
});
document.getElementById("subtitle").textContent = data.subtitle;

// As many entries of a legend side by side as there is room for.
const columns = () => Math.max(1, Math.min(7, Math.floor(document.getElementById("sections").clientWidth / 150)));
let side;

// The policy of the page forbids code from text, so Vega interprets its expressions, and styles that scripts insert.
async function draw() {
  side = columns();
  const theme = data.themes[dark.matches ? "dark" : "light"];
  const config = { ...theme, legend: { ...theme.legend, columns: side } };
  const options = { ast: true, actions: false, defaultStyle: false, renderer: "canvas", tooltip: { disableDefaultStyle: true } };
  for (const one of drawn) {
    one.view?.finalize();
    one.view = (await vegaEmbed(one.place, { ...one.spec, config }, options)).view;
  }
  document.body.dataset.drawn = drawn.length;
}

dark.addEventListener("change", draw);
addEventListener("resize", () => side !== columns() && draw());
draw();
