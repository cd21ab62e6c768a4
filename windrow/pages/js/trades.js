// The trades of the symbol that is shown: sorted by any column, filtered by side and result, saved as CSV.

const MOST_TRADES = 600; // rows of the table; CSV has all
const POSITIONS = ["long", "short"];
const CLOSED_BY = ["cross", "ruin", "open"];
const OPEN = 2;
const ROUNDING = 2 ** -48; // of the money traded, by which a profit may be below 0 and the trade is won: trades.py

// Of each column: its name, its field, how it is written, and what it is.
const TRADE_COLUMNS = [
  ["Trade", "number", COUNT],
  ["Entry", "entered", (time) => timeText(time, data.dated)],
  ["Exit", "exited", (time) => timeText(time, data.dated)],
  ["Side", "side", (side) => POSITIONS[side]],
  ["Return", "return", SIGNED_SHARE],
  ["Profit and loss", "pnl", SIGNED_MONEY],
  ["Bars", "bars", COUNT],
  ["Size", "size", (value) => figure(value, value % 1 ? 4 : 0)],
  ["Entry price", "entry_price", (value) => figure(value, view.symbol.digits)],
  ["Exit price", "exit_price", (value) => figure(value, view.symbol.digits)],
  ["MAE", "mae", SHARE, "Maximum adverse excursion: the worst return while the trade was held, before costs"],
  ["MFE", "mfe", SHARE, "Maximum favourable excursion: the best return while the trade was held, before costs"],
  ["Closed by", "closed_by", (reason) => CLOSED_BY[reason]],
];
const TEXTS = ["entered", "exited", "side", "closed_by"];
const SAVED = [["entry_time", "entered"], ["exit_time", "exited"], ...["side", "size", "entry_price", "exit_price", "pnl", "return", "bars", "mae", "mfe", "closed_by"].map((field) => [field, field])];
const traded = { columns: null, field: "number", down: false };

const RESULTS = {
  won: (at) => traded.columns.closed_by[at] !== OPEN && isWon(at),
  lost: (at) => traded.columns.closed_by[at] !== OPEN && !isWon(at),
  open: (at) => traded.columns.closed_by[at] === OPEN,
};

function isWon(at) {
  const { pnl, size, exit_price: price } = traded.columns;
  return pnl[at] >= -ROUNDING * Math.abs(size[at] * price[at]);
}

function showTrades(symbol) {
  const isRun = Boolean(symbol.figures) && data.tested === "Backtest" && !symbol.portfolio;
  byId("traded").hidden = !symbol.trades && !isRun;
  byId("untold").hidden = Boolean(symbol.trades);
  for (const part of document.querySelectorAll("#trade-tools, #trade-rows, #traded-sum")) part.hidden = !symbol.trades;
  if (!symbol.trades) return;
  const columns = columnsOf(symbol.trades);
  traded.columns = { ...columns, number: columns.pnl.map((_, at) => at + 1) };
  listTrades();
}

// The numbers of the trades that pass the filters, in the table's order.
function chosenTrades() {
  const [side, result] = [byId("trade-side").value, byId("trade-result").value];
  const { columns, field, down } = traded;
  const rows = Array.from(columns.pnl.keys()).filter((at) => (!side || POSITIONS[columns.side[at]] === side) && (!result || RESULTS[result](at)));
  const values = columns[field];
  return rows.sort((one, other) => (down ? -1 : 1) * (values[one] - values[other]) || one - other);
}

function listTrades() {
  const rows = chosenTrades();
  const { columns } = traded;
  const sum = rows.reduce((total, at) => total + columns.pnl[at], 0);
  const cut = rows.length > MOST_TRADES ? `, the first ${MOST_TRADES} shown` : "";
  byId("traded-sum").textContent = `${figure(rows.length, 0)} of ${figure(columns.pnl.length, 0)} trades${cut}, profit and loss ${SIGNED_MONEY(sum)}.`;
  headTrades();
  byId("trade-lines").replaceChildren(...rows.slice(0, MOST_TRADES).map(tradeRow));
}

function headTrades() {
  byId("trade-heads").replaceChildren(...TRADE_COLUMNS.map(([name, field, , title]) => {
    const head = element("th", "", title ? { scope: "col", title } : { scope: "col" });
    head.append(element("button", name, { type: "button", "data-field": field }));
    if (field === traded.field) head.setAttribute("aria-sort", traded.down ? "descending" : "ascending");
    return head;
  }));
}

function tradeRow(at) {
  const row = element("tr");
  const [, ...rest] = TRADE_COLUMNS;
  const head = row.appendChild(element("th", "", { scope: "row" }));
  head.append(element("button", COUNT(at + 1), { type: "button", "data-trade": at, "aria-label": `Show trade ${at + 1}` }));
  for (const [, field, form] of rest) {
    const value = traded.columns[field][at];
    const kind = ["pnl", "return"].includes(field) && value ? { class: value > 0 ? "gain" : "loss" } : {};
    row.append(element("td", value === value ? form(value) : NONE, kind));
  }
  return row;
}

// Shows a trade in the chart, with as many bars about it as it has.
function goToTrade(at) {
  const times = column(view.symbol.times);
  const [first, last] = [traded.columns.entered, traded.columns.exited].map((of) => Math.max(firstNotBelow(times, of[at] + 0.5) - 1, 0));
  const room = Math.max(last - first, 20);
  chart.look(first - room, last + room);
  chart.point(first);
  byId("charted").scrollIntoView();
}

// As backtest --trades writes them, with a head.
function saveTrades() {
  const { columns } = traded;
  const { name } = view.symbol;
  const texts = table(TRADE_COLUMNS.filter(([, field]) => TEXTS.includes(field)).map(([, field, form]) => [field, form]));
  const text = (field, value) => (texts[field] ? cellOf(texts[field](value)) : value === value ? String(value) : "");
  const lines = chosenTrades().map((at) => [cellOf(name), ...SAVED.map(([, field]) => text(field, columns[field][at]))]);
  saveCsv(`trades-${name.replace(/[^\w.-]+/g, "_")}.csv`, [["symbol", ...SAVED.map(([title]) => title)], ...lines]);
}

for (const id of ["trade-side", "trade-result"]) byId(id).addEventListener("change", listTrades);
byId("trade-save").addEventListener("click", saveTrades);
byId("trade-heads").addEventListener("click", ({ target }) => {
  const { field } = target.dataset;
  if (!field) return;
  traded.down = traded.field === field ? !traded.down : field !== "number";
  traded.field = field;
  listTrades();
  byId("trade-heads").querySelector(`[data-field="${field}"]`).focus();
});
byId("trade-lines").addEventListener("click", ({ target }) => {
  if (target.dataset.trade !== undefined) goToTrade(Number(target.dataset.trade));
});
