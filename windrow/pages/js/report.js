// Joins the page's parts: data, choosers, tiles, chart, maps and tables.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");

// Of each figure: its name, how it is read, and the group it stands in.
const SHARE = (value) => `${figure(100 * value, 2)} %`;
const SIGNED_SHARE = (value) => `${signed(100 * value, 2)} %`;
const MONEY = (value) => figure(value, 2);
const SIGNED_MONEY = (value) => signed(value, 2);
const COUNT = (value) => figure(value, 0);
const RATIO = (value) => figure(value, 3);
const FIELDS = [
  ["pnl", "Profit and loss", SIGNED_MONEY, "Result"],
  ["return", "Return", SIGNED_SHARE, "Result"],
  ["buy_and_hold", "Buy and hold", SIGNED_SHARE, "Result"],
  ["final_value", "Final value", MONEY, "Result"],
  ["max_drawdown_pct", "Maximum drawdown", (value) => `${figure(value, 2)} %`, "Risk"],
  ["max_drawdown", "Maximum drawdown in money", MONEY, "Risk"],
  ["max_drawdown_bars", "Longest drawdown in bars", COUNT, "Risk"],
  ["sharpe", "Sharpe ratio", RATIO, "Risk"],
  ["sortino", "Sortino ratio", RATIO, "Risk"],
  ["sqn", "SQN", RATIO, "Risk"],
  ["deflated_sharpe", "Deflated Sharpe ratio", RATIO, "Risk"],
  ["trades_total", "Trades", COUNT, "Trades"],
  ["trades_closed", "Closed", COUNT, "Trades"],
  ["trades_open", "Open", COUNT, "Trades"],
  ["won", "Won", COUNT, "Trades"],
  ["lost", "Lost", COUNT, "Trades"],
  ["strike_rate", "Strike rate", SHARE, "Trades"],
  ["win_streak", "Longest winning streak", COUNT, "Trades"],
  ["lose_streak", "Longest losing streak", COUNT, "Trades"],
  ["closed_pnl", "Closed trades’ profit and loss", SIGNED_MONEY, "Trades"],
  ["exposure", "Exposure", SHARE, "Activity"],
  ["turnover", "Turnover", RATIO, "Activity"],
];
const NAMES = Object.fromEntries(FIELDS.map(([field, name]) => [field, name]));
const FORMS = Object.fromEntries(FIELDS.map(([field, , form]) => [field, form]));
const NONE = "–";
const SIDES = ["buy", "sell"];
const STATUSES = ["filled", "closed only", "refused", "never filled"];

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function told(figures, field) {
  const value = figures?.[field];
  return value === null || value === undefined || value !== value ? NONE : (FORMS[field] || RATIO)(value);
}

// What a symbol's columns hold, unpacked when it is first shown.
const opened = new Map();

function open(symbol) {
  if (!opened.has(symbol)) {
    const times = unpackedTimes(symbol.times);
    const close = unpacked(symbol.close);
    const [high, low, start] = ["high", "low", "open"].map((name) => (symbol[name] ? unpacked(symbol[name]) : close));
    opened.set(symbol, {
      times,
      candles: { open: start, high, low, close },
      orders: symbol.orders && Object.fromEntries(Object.entries(symbol.orders).map(([name, column]) => [name, unpacked(column)])),
      equity: symbol.equity && unpacked(symbol.equity),
      drawdown: symbol.drawdown && unpacked(symbol.drawdown),
      lines: {},
      sweep: symbol.sweep && openSweep(symbol.sweep),
    });
  }
  return opened.get(symbol);
}

function openSweep({ fast, slow, parts }) {
  const columns = ({ fields, reasons }) => ({
    fields: Object.fromEntries(Object.entries(fields).map(([field, column]) => [field, unpacked(column)])),
    reasons: Object.fromEntries(Object.entries(reasons).map(([field, { texts, which }]) => [field, { texts, which: unpacked(which) }])),
  });
  return {
    fast: unpacked(fast),
    slow: unpacked(slow),
    parts: Object.fromEntries(Object.entries(parts).map(([part, column]) => [part, columns(column)])),
  };
}

// One pair's figures on a part, as a backtest's line tells them.
function figuresOf(sweep, part, pair) {
  const columns = part && pair !== null && sweep.parts[part];
  if (!columns || columns.fields.pnl?.[pair] === undefined) return null;
  const figures = { undefined: {} };
  for (const [field, values] of Object.entries(columns.fields)) figures[field] = values[pair];
  for (const [field, { texts, which }] of Object.entries(columns.reasons)) {
    if (which[pair] >= 0) figures.undefined[field] = texts[which[pair]];
  }
  return figures;
}

// Pairs from the best to the worst: a figure that is not there comes last, equals by (fast, slow), as they stand.
function ranked(values) {
  const key = (pair) => (values[pair] === values[pair] ? values[pair] : -Infinity);
  return Array.from(values, (_, pair) => pair).sort((one, other) => key(other) - key(one) || one - other);
}

const state = { symbol: data.symbols[0], pair: null, objective: data.objective, walk: 0 };
const chart = new Chart(byId("chart"), byId("overview"), "Prices, averages, orders, equity and drawdown", read);
const maps = [];

// The chart.

function lineOf(name) {
  const { lines } = open(state.symbol);
  if (!lines[name] && state.symbol.lines[name]) lines[name] = unpacked(state.symbol.lines[name]);
  return lines[name];
}

// The averages drawn: those of the chosen pair, if the page holds them, else the best pair's.
function drawnPair() {
  const { symbol } = state;
  const { sweep } = open(symbol);
  const chosen = sweep && state.pair !== null && [`${symbol.sweep.kinds[0]}:${sweep.fast[state.pair]}`, `${symbol.sweep.kinds[1]}:${sweep.slow[state.pair]}`];
  return chosen && !symbol.figures && chosen.every((name) => symbol.lines[name]) ? chosen : symbol.pair;
}

function drawnLines() {
  return drawnPair().map((name, at) => ({ name, values: lineOf(name), color: ["fast", "slow"][at] }));
}

function showChart() {
  const { symbol } = state;
  const { times, candles, orders, equity, drawdown } = open(symbol);
  const panes = [];
  if (equity) panes.push({ label: "Equity", values: equity, color: "equity", digits: 2 });
  if (drawdown) panes.push({ label: "Drawdown", values: drawdown, color: "fall", area: true, digits: 2, suffix: " %" });
  byId("chart").classList.toggle("alone", !panes.length);
  byId("overview").hidden = times.length < 200;
  byId("charted-title").textContent = orders ? "Prices and orders" : "Prices and averages";
  byId("title").textContent = `${symbol.name}: ${data.title}`;
  for (const does of ["earlier", "later"]) document.querySelector(`[data-does=${does}]`).hidden = !orders?.at.length;
  byId("labels").replaceChildren(...panes.map((pane, at) => {
    const label = element("span");
    label.style.top = `var(--top-${at + 1})`;
    return label;
  }));
  chart.show({
    times,
    candles,
    lines: drawnLines(),
    panes,
    bare: !symbol.high,
    orders: orders || { at: [] },
    cut: cut(),
    digits: symbol.digits,
    dated: data.dated,
    timeText: (bar) => timeText(times[bar], data.dated),
  });
  tellKey(orders);
}

// The bars of the walk's test part.
function cut() {
  const found = state.symbol.cuts[state.walk];
  return found ? { at: found[0], end: found[1], labels: [walk().train, walk().test] } : null;
}

function tellKey(orders) {
  const { symbol } = state;
  const parts = [];
  if (orders?.at.length) {
    const buy = element("i", "▲ buy", { class: "buy" });
    const sell = element("i", "▼ sell", { class: "sell" });
    parts.push(buy, " ", sell);
    if (orders.status.some((status) => status > 1)) parts.push(", outlines and pale ticks: refused, or never filled");
    if (orders.status.includes(1)) parts.push(", pale: its closing leg alone was done");
  }
  if (symbol.group > 1) parts.push(parts.length ? ". " : "", `A candle stands for ${figure(symbol.group, 0)} of ${figure(symbol.bars, 0)} bars. `);
  byId("key").replaceChildren(...parts);
}

// Tells of the bars under the cross, or of the last one.
function read(group) {
  if (!chart?.series) return;
  const { times, candles, orders, equity, drawdown } = open(state.symbol);
  const { first, last } = group || { first: times.length - 1, last: times.length - 1 };
  const { digits } = state.symbol;
  const spans = [element("b", first === last ? chart.series.timeText(first) : `${chart.series.timeText(first)} to ${chart.series.timeText(last)}`)];
  if (state.symbol.high) {
    const high = candles.high.subarray(first, last + 1).reduce((one, other) => Math.max(one, other));
    const low = candles.low.subarray(first, last + 1).reduce((one, other) => Math.min(one, other));
    for (const [letter, value] of [["O", candles.open[first]], ["H", high], ["L", low]]) spans.push(element("span", `${letter} ${figure(value, digits)}`));
  }
  spans.push(element("span", `${state.symbol.high ? "C" : data.column} ${figure(candles.close[last], digits)}`));
  for (const { name, values, color } of drawnLines()) {
    spans.push(element("span", `${name} ${values[last] === values[last] ? figure(values[last], digits + 2) : NONE}`, { class: color }));
  }
  const order = orders && ordersTold(orders, first, last);
  if (order) spans.push(element("span", order.text, { class: order.kind }));
  byId("readout").replaceChildren(...spans.flatMap((span, at) => (at ? [" ", span] : [span])));
  const labels = [...byId("labels").children];
  const values = [equity && ["Equity", figure(equity[last], 2)], drawdown && ["Drawdown", `${figure(drawdown[last], 2)} %`]];
  values.filter(Boolean).forEach(([name, value], at) => labels[at]?.replaceChildren(`${name} `, element("b", value)));
}

function ordersTold({ at, side, status, size, price }, first, last) {
  const [from, to] = [firstNotBelow(at, first), firstNotBelow(at, last + 1)];
  if (from === to) return null;
  if (to - from > 1) return { text: `${to - from} orders`, kind: "" };
  const words = `${SIDES[side[from]]} ${figure(size[from], size[from] % 1 ? 4 : 0)}`;
  const where = price[from] === price[from] ? ` at ${figure(price[from], state.symbol.digits)}` : "";
  const how = status[from] ? `, ${STATUSES[status[from]]}` : "";
  return { text: words + where + how, kind: side[from] ? "loss" : "gain" };
}

// Keys that move the cross are told to who cannot see it.
function announce() {
  const labels = [...byId("labels").children].map((label) => label.textContent);
  byId("announced").textContent = [byId("readout").textContent, ...labels].join(", ");
}

// The sweep.

function walk() {
  return data.walks[state.walk];
}

function showSweep() {
  const { sweep } = open(state.symbol);
  byId("swept").hidden = !sweep;
  if (!sweep) return;
  const { train, test } = walk();
  const single = sweep.fast.length === 1;
  for (const id of ["maps", "mapped", "legend", "objectives"]) byId(id).hidden = single;
  const order = ranked(sweep.parts[train].fields[state.objective]);
  state.best = order[0];
  if (state.pair === null) state.pair = state.best;
  showMaps(sweep);
  showRanking(sweep, order, train, test);
  tellPair(null);
}

function showMaps(sweep) {
  const { train, test } = walk();
  const parts = [train, test].filter((part) => part && sweep.parts[part]);
  const values = parts.map((part) => sweep.parts[part].fields[state.objective]);
  const scale = colourScale(values.flatMap((column) => [...column]), dark.matches);
  const form = FORMS[state.objective];
  if (maps.length !== parts.length) makeMaps(parts.length);
  maps.forEach((map, at) => {
    const name = parts[at] === "all" ? "All bars" : parts[at].replace(/^./, (letter) => letter.toUpperCase());
    map.title.textContent = `${name}: ${NAMES[state.objective]}`;
    map.canvas.setAttribute("aria-label", `${map.title.textContent} of every pair`);
    const shares = state.objective === "return";
    const shown = shares ? values[at].map((value) => value * 100) : values[at];
    const colour = shares ? (value) => scale.colour(value / 100) : scale.colour;
    map.show(sweep, shown, colour, ["sharpe", "sqn"].includes(state.objective) || shares ? 2 : 0);
    map.mark(state.best, "best");
    map.mark(state.pair, "chosen");
  });
  byId("legend").hidden ||= !scale.known;
  byId("least").textContent = scale.known ? `${scale.below ? "≤ " : ""}${form(scale.low)}` : "";
  byId("most").textContent = scale.known ? `${scale.above ? "≥ " : ""}${form(scale.high)}` : "";
  const ramp = byId("ramp");
  [ramp.width, ramp.height] = [160, 1];
  for (let x = 0; x < 160 && scale.known; x++) {
    ramp.getContext("2d").fillStyle = scale.colour(scale.low + ((x + 0.5) / 160) * (scale.high - scale.low)).ground;
    ramp.getContext("2d").fillRect(x, 0, 1, 1);
  }
}

function makeMaps(count) {
  maps.length = 0;
  byId("maps").replaceChildren();
  for (let at = 0; at < count; at++) {
    const box = byId("maps").appendChild(element("div"));
    const title = box.appendChild(element("h3"));
    const map = new HeatMap(box.appendChild(element("canvas", "", { "aria-describedby": "told" })), tellPair, choosePair);
    map.title = title;
    maps.push(map);
  }
}

function pairName(pair) {
  const { sweep } = open(state.symbol);
  return `${sweep.fast[pair]} / ${sweep.slow[pair]}`;
}

// Says what a pair came to on both parts; of the chosen one where none is pointed at.
function tellPair(pair) {
  const { sweep } = open(state.symbol);
  for (const map of maps) map.mark(pair, "marked");
  const shown = pair ?? state.pair;
  const parts = [walk().train, walk().test].filter((part) => part && sweep.parts[part]);
  const figures = parts.map((part) => {
    const its = figuresOf(sweep, part, shown);
    const reason = its?.undefined[state.objective];
    return `${part === "all" ? "" : `${part} `}${told(its, state.objective)}${reason ? ` (${reason})` : ""}`;
  });
  const which = pair === null ? `, chosen${triedTold()}` : "";
  byId("told").textContent = `${pairName(shown)}${which}: ${figures.join(", ")}`;
}

// How many pairs were tried: the more, the better the best looks by luck alone.
function triedTold() {
  const { sweep } = open(state.symbol);
  const best = state.symbol.sweep.best.find((line) => (line.walk ?? 1) === state.walk + 1);
  if (!best) return ` of ${figure(sweep.fast.length, 0)} pairs`;
  const chance = typeof best.deflated_sharpe === "number" ? RATIO(best.deflated_sharpe) : NONE;
  return ` as the best of ${figure(best.pairs, 0)} pairs by ${NAMES[best.objective]}, deflated Sharpe ratio ${chance}`;
}

function choosePair(pair) {
  state.pair = pair;
  for (const map of maps) map.mark(pair, "chosen");
  for (const row of byId("ranking").tBodies[0].rows) row.classList.toggle("chosen", Number(row.dataset.pair) === pair);
  tellPair(pair);
  chart.change(drawnLines(), cut());
  read(null);
  showFigures();
  tellNotes();
}

function showRanking(sweep, order, train, test) {
  const fields = [state.objective, ...["return", "max_drawdown_pct", "trades_closed", "sharpe"].filter((field) => field !== state.objective)];
  const known = fields.filter((field) => sweep.parts[train].fields[field]);
  const parts = [train, test].filter((part) => part && sweep.parts[part]);
  const head = element("thead");
  const names = head.appendChild(element("tr"));
  names.append(element("th", `Best on ${train === "all" ? "all bars" : train}`, { scope: "col", rowspan: 2 }));
  const under = head.appendChild(element("tr"));
  for (const field of known) {
    names.append(element("th", field === "trades_closed" ? "Closed trades" : NAMES[field], { scope: "colgroup", colspan: parts.length }));
    for (const part of parts) under.append(element("th", part === "all" ? "" : part, { scope: "col" }));
  }
  const body = element("tbody");
  for (const pair of order.slice(0, 8)) {
    const row = body.appendChild(element("tr", "", { "data-pair": pair }));
    row.classList.toggle("chosen", pair === state.pair);
    const name = row.appendChild(element("th", "", { scope: "row" }));
    name.append(element("button", pairName(pair), { type: "button", "aria-label": `Show pair ${pairName(pair)}` }));
    for (const field of known) for (const part of parts) row.append(cell(figuresOf(sweep, part, pair), field));
  }
  byId("ranking").replaceChildren(head, body);
}

// Figures.

function cell(figures, field, reasons = null) {
  const text = told(figures, field);
  const made = element("td", text);
  const reason = figures?.undefined?.[field];
  if (text !== NONE || !figures) return made;
  made.className = "none";
  if (reason) made.title = reason;
  if (reason && reasons) {
    if (!reasons.includes(reason)) reasons.push(reason);
    made.append(element("sup", ` ${reasons.indexOf(reason) + 1}`));
  }
  return made;
}

// What is set side by side: [name, figures, what of].
function columns() {
  const { symbol } = state;
  const { sweep } = open(symbol);
  const shown = symbol.figures ? [["Backtest", symbol.figures, `backtest of ${symbol.pair.join(" / ")}`]] : [];
  for (const part of sweep ? [walk().train, walk().test] : []) {
    const its = part && figuresOf(sweep, part, state.pair);
    const name = part === "all" ? "Sweep" : part?.replace(/^./, (letter) => letter.toUpperCase());
    if (its) shown.push([name, its, `${part === "all" ? "sweep" : part} of ${pairName(state.pair)}`]);
  }
  return shown;
}

function showFigures() {
  const shown = columns();
  const fields = Object.keys(Object.assign({}, ...shown.map(([, figures]) => figures)));
  const others = fields.filter((field) => !NAMES[field] && shown.some(([, figures]) => typeof figures[field] === "number"));
  const known = FIELDS.filter(([field]) => fields.includes(field));
  const rows = [...known, ...others.map((field) => [field, field.replaceAll("_", " "), null, "Others"])];
  const reasons = [];
  const tables = [...new Set(rows.map(([, , , group]) => group))].map((group) => {
    const table = element("table");
    const names = table.createTHead().insertRow();
    names.append(element("th", group, { scope: "col" }), ...shown.map(([name]) => element("th", name, { scope: "col" })));
    const body = table.createTBody();
    for (const [field, name] of rows.filter((row) => row[3] === group)) {
      body.insertRow().append(element("th", name, { scope: "row" }), ...shown.map(([, figures]) => cell(figures, field, reasons)));
    }
    const box = element("div");
    box.append(table);
    return box;
  });
  byId("figures").replaceChildren(...tables);
  byId("compared").textContent = shown.length > 1 ? shown.map(([, , what]) => what).join(", ").replace(/^./, (letter) => letter.toUpperCase()) : "";
  byId("reasons").replaceChildren(...reasons.map((reason) => element("li", reason)));
  showTiles(shown);
}

// The first column's main figures; below them, of a sweep, what they came to on test.
function showTiles(shown) {
  const [, figures] = shown[0] || [];
  const second = !state.symbol.figures && shown.length > 1 ? shown[1] : null;
  const beside = (field, otherwise) => (second ? `${second[0].toLowerCase()} ${told(second[1], field)}` : otherwise);
  byId("tiled").textContent = second ? `Pair ${pairName(state.pair)} on ${shown[0][0].toLowerCase()}, and below on ${second[0].toLowerCase()}` : "";
  const tiles = figures
    ? [
        ["pnl", beside("pnl", `final value ${told(figures, "final_value")}`)],
        ["return", beside("return", `buy and hold ${told(figures, "buy_and_hold")}`)],
        ["max_drawdown_pct", beside("max_drawdown_pct", `longest ${told(figures, "max_drawdown_bars")} bars`)],
        ["sharpe", beside("sharpe", `Sortino ${told(figures, "sortino")}`)],
        ["trades_closed", beside("trades_closed", `${told(figures, "won")} won, ${told(figures, "lost")} lost`)],
        ["exposure", beside("exposure", "of bars in a position")],
      ]
    : [];
  byId("tiles").replaceChildren(...tiles.map(([field, small]) => {
    const tile = element("div");
    const name = field === "trades_closed" ? "Closed trades" : NAMES[field];
    const value = element("dd", told(figures, field));
    if (["pnl", "return"].includes(field) && figures[field]) value.className = figures[field] > 0 ? "gain" : "loss";
    if (figures.undefined?.[field]) value.title = figures.undefined[field];
    tile.append(element("dt", name), value, element("dd", small));
    return tile;
  }));
}

function tellNotes() {
  const { symbol } = state;
  const { sweep, times } = open(symbol);
  const notes = [...data.notes];
  const pair = drawnPair().join(" and ");
  if (sweep && !symbol.figures) notes.push(`The averages drawn are ${pair}.`);
  byId("notes").textContent = notes.join(" ");
  const span = `${timeText(times[0], data.dated)} to ${timeText(times.at(-1), data.dated)}${data.dated ? "" : " UTC"}`;
  byId("subtitle").textContent = [span, `${figure(symbol.bars, 0)} bars`, ...data.rules].join(" · ");
}

function showAll() {
  state.pair = null;
  byId("symbol").title = state.symbol.name;
  showSweep();
  showChart();
  showFigures();
  tellNotes();
  read(null);
}

function begin() {
  const chooser = byId("symbol");
  data.symbols.forEach(({ name }, at) => chooser.append(element("option", name, { value: at })));
  byId("chooser").hidden = data.symbols.length < 2;
  chooser.addEventListener("change", () => {
    state.symbol = data.symbols[chooser.value];
    showAll();
  });
  data.objectives.forEach((name) => byId("objective").append(element("option", NAMES[name], { value: name })));
  byId("objective").value = state.objective;
  byId("objective").addEventListener("change", () => {
    state.objective = byId("objective").value;
    state.pair = null;
    showSweep();
    choosePair(state.best);
    tellPair(null);
  });
  data.walks.forEach(({ train }, at) => byId("walk").append(element("option", train.replace(/^\D+/, ""), { value: at })));
  byId("walks").hidden = data.walks.length < 2;
  byId("walk").addEventListener("change", () => {
    state.walk = Number(byId("walk").value);
    state.pair = null;
    showSweep();
    choosePair(state.best);
    tellPair(null);
  });
  byId("ranking").addEventListener("click", ({ target }) => {
    if (target.tagName === "BUTTON") choosePair(Number(target.closest("tr").dataset.pair));
  });
  const does = { earlier: () => chart.step(-1), later: () => chart.step(1), in: () => chart.zoom(0.6), out: () => chart.zoom(1 / 0.6), all: () => chart.all() };
  document.querySelector(".tools[role=group]").addEventListener("click", ({ target }) => {
    does[target.dataset.does]?.();
    if (["earlier", "later"].includes(target.dataset.does)) announce();
  });
  chart.over.addEventListener("keydown", ({ key, shiftKey }) => {
    if (["n", "p"].includes(key) || (shiftKey && key.startsWith("Arrow"))) announce();
  });
  dark.addEventListener("change", () => {
    chart.recolour();
    if (data.walks.length) showSweep();
  });
  showAll();
}

begin();
