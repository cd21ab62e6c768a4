// The list of all tables: sorted, filtered and searched as columns, of which only the rows in sight are elements.

const list = data.listing;
const HEIGHT = 34; // of a row, in pixels, as in page.css
const SPARE = 8; // rows above and below those in sight
const NO_SIZE = 255;
const DAY = 86400000;

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const coded = Object.fromEntries(Object.entries(list.coded).map(([name, { names, codes }]) => [name, { names, codes: unpacked(codes) }]));
const numbers = Object.fromEntries(Object.entries(list.numbers).map(([name, column]) => [name, unpacked(column)]));
const sparks = bytesOf(list.sparks);
const POINTS = list.rows ? sparks.length / list.rows : 0;

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
function sizeText(value) {
  let amount = Math.abs(value), unit = 0;
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1000, unit + 1];
  return `${value < 0 ? "\u2212" : ""}${unit ? amount.toPrecision(3).replace(/\.?0+$/, "") : amount} ${UNITS[unit]}`;
}
const grownText = (value) => (value > 0 ? "+" : "") + sizeText(value);
const countText = (value) => figure(value, 0);
const agoText = (value) => (value < 1 ? "today" : value < 2 ? "a day ago" : `${figure(Math.floor(value), 0)} days ago`);
const dateText = (value) => new Date(value * DAY).toISOString().slice(0, 10);

const text = (name) => ({ of: (at) => coded[name].names[coded[name].codes[at]], by: coded[name].codes, plain: true });
const number = (name, form) => ({ of: (at) => (Number.isNaN(numbers[name][at]) ? "" : form(numbers[name][at])), by: numbers[name], raw: (at) => numbers[name][at] });
const order = Float64Array.from({ length: list.rows }, (_, at) => at); // they come in order of their full names
const byName = [...list.names.keys()].sort((one, other) => (list.names[one] < list.names[other] ? -1 : list.names[one] > list.names[other] ? 1 : 0));
const rankOfName = new Float64Array(list.rows);
byName.forEach((at, rank) => (rankOfName[at] = rank));

const COLUMNS = [
  { name: "Table", of: (at) => list.names[at], by: rankOfName, plain: true },
  { name: "Database", ...text("databasename") },
  { name: "Stored", ...number("bytes", sizeText), down: true },
  { name: "52 weeks", spark: true },
  { name: "In 30 days", ...number("grown", grownText), down: true },
  { name: "Files", ...number("totalfilesons3", countText), down: true },
  { name: "Updated", ...number("stale_days", agoText) },
  { name: "Queries", ...number("queries", countText), down: true },
  { name: "Last used", ...number("used", dateText), down: true },
  { name: "Format", ...text("format") },
  { name: "Partitions", ...number("partitions", countText), down: true },
  { name: "Columns", ...number("columns", countText), down: true },
  { name: "Live", ...number("live_bytes", sizeText), down: true },
  { name: "Account", ...text("account") },
  { name: "Region", ...text("region") },
  { name: "Type", ...text("tabletype") },
  { name: "Owner", ...text("owner") },
  { name: "No size, because", ...text("unmeasured") },
].filter((column) => column.spark || !column.by || !coldly(column)); // columns in which nothing is

function coldly({ plain, by, of, name }) {
  if (name === "Table" || name === "Database") return false;
  return plain ? by.every((_, at) => !of(at)) : by.every(Number.isNaN);
}

let rows = Uint32Array.from(order);
const sorted = { column: COLUMNS.find(({ name }) => name === "Stored"), down: true };
const box = document.getElementById("rows");

// Each table's name and database in lower case, once: a search looks at every one at each key.
const haystack = list.names.map((name, at) => `${coded.databasename.names[coded.databasename.codes[at]]}.${name}`.toLowerCase());
const chosen = {};

function filtered() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const codes = list.filters.filter((name) => chosen[name] !== undefined).map((name) => [coded[name].codes, chosen[name]]);
  rows = Uint32Array.from(order).filter((at) => codes.every(([of, code]) => of[at] === code) && words.every((word) => haystack[at].includes(word)));
  document.getElementById("matches").textContent = `${figure(rows.length, 0)} of ${figure(list.rows, 0)}`;
  arranged();
}

// What has no value is last, whichever way the others are; equal ones stay in order of their names.
function arranged() {
  const { column, down } = sorted;
  const way = down ? -1 : 1;
  const empty = (at) => (column.plain ? column.of(at) === "" : Number.isNaN(column.by[at]));
  rows.sort((one, other) => empty(one) - empty(other) || way * (column.by[one] - column.by[other]) || one - other);
  heads();
  box.scrollTop = 0;
  drawRows();
}

function heads() {
  const line = document.getElementById("heads");
  line.replaceChildren(
    ...COLUMNS.map((column) => {
      const head = element("th", "", { scope: "col" });
      if (column.spark) head.textContent = column.name;
      else {
        const button = element("button", column.name, { type: "button" });
        const now = sorted.column === column;
        if (now) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
        button.addEventListener("click", () => {
          sorted.down = now ? !sorted.down : Boolean(column.down);
          sorted.column = column;
          arranged();
          line.children[COLUMNS.indexOf(column)].firstChild.focus();
        });
        head.append(button);
      }
      if (column.plain) head.className = "text";
      return head;
    }),
  );
}

function sparkOf(at) {
  const canvas = element("canvas", "", { width: 2 * POINTS, height: 44, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  pen.strokeStyle = getComputedStyle(document.body).getPropertyValue("--series-1");
  pen.lineWidth = 2;
  pen.beginPath();
  let before = NO_SIZE;
  for (let point = 0; point < POINTS; point++) {
    const share = sparks[at * POINTS + point];
    if (share !== NO_SIZE) pen[before === NO_SIZE ? "moveTo" : "lineTo"](2 * point + 1, 42 - (share / 254) * 40);
    before = share;
  }
  pen.stroke();
  return canvas;
}

let drawnFrom = -1;
function drawRows() {
  const seen = Math.ceil(box.clientHeight / HEIGHT);
  const from = Math.max(0, Math.min(rows.length, Math.floor(box.scrollTop / HEIGHT) - SPARE));
  const to = Math.min(rows.length, from + seen + 2 * SPARE);
  drawnFrom = from;
  document.getElementById("shown").replaceChildren(
    ...[...rows.subarray(from, to)].map((at, place) => {
      const line = element("tr", "", { "aria-rowindex": from + place + 2 });
      line.append(
        ...COLUMNS.map((column, place) => {
          const cell = element(place ? "td" : "th", "", place ? {} : { scope: "row" });
          if (column.spark) cell.append(sparkOf(at));
          else if (column.plain) {
            const words = column.of(at);
            cell.append(element("bdi", words, { title: words }));
            cell.className = "text";
          } else cell.textContent = column.of(at);
          return cell;
        }),
      );
      return line;
    }),
  );
  for (const [name, rest] of [["above", from], ["below", rows.length - to]]) {
    const gap = document.getElementById(name);
    gap.replaceChildren();
    if (!rest) continue;
    const line = element("tr", "", { "aria-hidden": "true" });
    const cell = element("td", "", { colspan: COLUMNS.length });
    cell.style.height = `${rest * HEIGHT}px`;
    line.append(cell);
    gap.append(line);
  }
  box.firstElementChild.setAttribute("aria-rowcount", rows.length + 1);
  document.body.dataset.listed = rows.length;
}

function csvLines() {
  const written = COLUMNS.filter(({ spark }) => !spark);
  const value = (column, at) => {
    if (column.plain) return cellOf(column.of(at));
    const number = column.raw(at);
    return Number.isNaN(number) ? "" : column.name === "Last used" ? dateText(number) : String(number);
  };
  const units = { Stored: "Stored (bytes)", Live: "Live (bytes)", "In 30 days": "In 30 days (bytes)", Updated: "Updated (days ago)" };
  return [written.map(({ name }) => cellOf(units[name] ?? name)), ...Array.from(rows, (at) => written.map((column) => value(column, at)))];
}

document.getElementById("save").addEventListener("click", () => saveCsv(`catalog-${list.day}.csv`, csvLines()));

const TITLES = { account: "Account", region: "Region", databasename: "Database", format: "Format" };
for (const name of list.filters) {
  if (coded[name].names.length < 2) continue;
  const select = element("select", "", { "aria-label": TITLES[name] });
  select.append(element("option", `${TITLES[name]}: all`, { value: "" }));
  coded[name].names.forEach((one, code) => select.append(element("option", one || "none", { value: code })));
  select.addEventListener("change", () => {
    chosen[name] = select.value === "" ? undefined : Number(select.value);
    filtered();
  });
  document.getElementById("filters").append(select);
}
document.getElementById("search").addEventListener("input", filtered);

let waiting = 0;
box.addEventListener("scroll", () => {
  if (Math.abs(Math.floor(box.scrollTop / HEIGHT) - SPARE - drawnFrom) < SPARE / 2) return;
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawRows);
});
addEventListener("resize", drawRows);
dark.addEventListener("change", drawRows);

for (const [name, amount, words] of data.tiles) {
  const tile = element("div");
  tile.append(element("dt", name), element("dd", amount), element("dd", words));
  document.getElementById("tiles").append(tile);
}
document.getElementById("sections").children[list.before].before(document.getElementById("listing"));

// page.html#table=sales.orders finds that table.
function linked() {
  const found = /^#table=(.+)/.exec(location.hash);
  if (!found) return;
  let name = found[1];
  try {
    name = decodeURIComponent(name);
  } catch {} // a sign of per cent is one
  document.getElementById("search").value = name;
  filtered();
  document.getElementById("listing").scrollIntoView();
}
addEventListener("hashchange", linked);
filtered();
linked();
