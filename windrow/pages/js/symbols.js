// The table of all symbols: sorted by any figure, searched by name, and a histogram of the figure that it is sorted by.

const MOST_ROWS = 600; // more are found by searching
const listed = data.listing && { names: data.listing.names, columns: columnsOf(data.listing.columns) };
const charted = new Map(data.symbols.flatMap(({ name, portfolio }, at) => (portfolio ? [] : [[name, at]])));
const ordered = { field: "return", down: true };

// What a sweep has beside figures: of each symbol the pair that it chooses, and by what.
const CHOICE = table([["fast", ["Fast", COUNT]], ["slow", ["Slow", COUNT]], ["chosen", [`${NAMES[data.objective]}, ${data.listing?.train}`, FORMS[data.objective]]]]);
const nameOf = (field) => (field === "trades_closed" ? "Closed trades" : (CHOICE[field]?.[0] ?? NAMES[field]));
const formOf = (field) => CHOICE[field]?.[1] ?? FORMS[field];

function matching() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = listed.names.map((_, at) => at).filter((at) => words.every((word) => listed.names[at].toLowerCase().includes(word)));
  const way = ordered.down ? -1 : 1;
  const values = listed.columns[ordered.field];
  if (!values) return ordered.down ? rows.reverse() : rows;
  const none = (at) => values[at] !== values[at];
  return rows.sort((one, other) => none(one) - none(other) || (none(one) ? 0 : way * (values[one] - values[other])) || one - other);
}

function showSymbols() {
  const rows = matching();
  const fields = Object.keys(listed.columns);
  byId("matches").textContent = `${figure(rows.length, 0)} of ${figure(listed.names.length, 0)}${rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : ""}`;
  byId("shown").replaceChildren(...rows.slice(0, MOST_ROWS).map((at) => symbolRow(at, fields)));
  const field = listed.columns[ordered.field] ? ordered.field : "return";
  byId("spread-title").textContent = `${nameOf(field)} of ${rows.length === 1 ? "a symbol" : `${figure(rows.length, 0)} symbols`}`;
  showHistogram(byId("spread"), rows.map((at) => listed.columns[field][at]), formOf(field), "symbols");
}

function symbolRow(at, fields) {
  const name = listed.names[at];
  const row = element("tr");
  const head = row.appendChild(element("th", "", { scope: "row" }));
  const text = element("bdi", name, { title: name });
  if (charted.has(name)) {
    row.classList.toggle("chosen", isShown(name));
    head.appendChild(element("button", "", { type: "button", "data-symbol": charted.get(name), "aria-label": `Show ${name}` })).append(text);
  } else head.append(text);
  row.append(...fields.map((field) => element("td", figureText(field, listed.columns[field][at]))));
  return row;
}

function figureText(field, value) {
  return value === value ? formOf(field)(value) : NONE;
}

function headSymbols() {
  const fields = [null, ...Object.keys(listed.columns)];
  byId("heads").replaceChildren(...fields.map((field) => {
    const head = element("th", "", { scope: "col" });
    head.append(element("button", field ? nameOf(field) : "Symbol", { type: "button", "data-field": field ?? "" }));
    if ((field ?? "") === ordered.field) head.setAttribute("aria-sort", ordered.down ? "descending" : "ascending");
    return head;
  }));
}

// By what, and on which part, a sweep chose the pairs whose figures are told.
function choiceOfPairs({ train, test }) {
  if (!train) return "";
  const on = train === "all" ? "all bars" : train;
  return `Each symbol has its best pair by ${NAMES[data.objective]} on ${on}${test ? `, and its figures on ${test}` : ""}.`;
}

function listSymbols() {
  byId("symbols").hidden = !listed;
  if (!listed) return;
  byId("pairs-chosen").textContent = choiceOfPairs(data.listing);
  byId("absent").hidden = charted.size === listed.names.length;
  headSymbols();
  showSymbols();
  byId("search").addEventListener("input", showSymbols);
  byId("heads").addEventListener("click", ({ target }) => {
    const { field } = target.dataset;
    if (field === undefined) return;
    ordered.down = ordered.field === field ? !ordered.down : field !== "";
    ordered.field = field;
    headSymbols();
    showSymbols();
    byId("heads").querySelector(`[data-field="${field}"]`).focus();
  });
  byId("shown").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    byId("symbol").value = button.dataset.symbol;
    view.show(data.symbols[button.dataset.symbol]);
    byId("title").scrollIntoView();
  });
}

// Marks the symbol whose chart is shown.
function markSymbol() {
  for (const row of byId("shown").rows) row.classList.toggle("chosen", isShown(row.querySelector("bdi").textContent));
}

function isShown(name) {
  return !view.symbol?.portfolio && name === view.symbol?.name;
}

listSymbols();
