// What a report has beside the chart: tiles, the sweep's maps and ranking, and tables of figures.

const dark = matchMedia("(prefers-color-scheme: dark)");

// Of each figure: its name, how it is written, and its group.
const SHARE = (value) => `${figure(100 * value, 2)} %`;
const SIGNED_SHARE = (value) => `${signed(100 * value, 2)} %`;
const MONEY = (value) => figure(value, 2);
const SIGNED_MONEY = (value) => signed(value, 2);
const COUNT = (value) => figure(value, 0);
const RATIO = (value) => figure(value, 3);
const WHEN = (text) => text.replace("T", " ").replace(/(:00)?Z$/, "");
const FIELDS = [
  ["pnl", "Profit and loss", SIGNED_MONEY, "Result"],
  ["return", "Return", SIGNED_SHARE, "Result"],
  ["cagr", "Return a year", SIGNED_SHARE, "Result"],
  ["buy_and_hold", "Buy and hold", SIGNED_SHARE, "Result"],
  ["alpha", "Alpha a year", SIGNED_SHARE, "Result"],
  ["beta", "Beta", RATIO, "Result"],
  ["correlation", "Correlation to buy and hold", RATIO, "Result"],
  ["final_value", "Final value", MONEY, "Result"],
  ["costs", "Costs", MONEY, "Result"],
  ["symbols", "Symbols", COUNT, "Result"],
  ["sharpe", "Sharpe ratio", RATIO, "Risk"],
  ["sortino", "Sortino ratio", RATIO, "Risk"],
  ["calmar", "Calmar ratio", RATIO, "Risk"],
  ["volatility", "Volatility a year", SHARE, "Risk"],
  ["max_drawdown", "Maximum drawdown", SHARE, "Risk"],
  ["max_drawdown_money", "Maximum drawdown in money", MONEY, "Risk"],
  ["max_drawdown_from", "Maximum drawdown, from", WHEN, "Risk"],
  ["max_drawdown_to", "Maximum drawdown, lowest", WHEN, "Risk"],
  ["max_drawdown_recovered", "Maximum drawdown, recovered", WHEN, "Risk"],
  ["max_drawdown_days", "Maximum drawdown in days", COUNT, "Risk"],
  ["max_drawdown_bars", "Maximum drawdown in bars", COUNT, "Risk"],
  ["longest_drawdown_bars", "Longest drawdown in bars", COUNT, "Risk"],
  ["average_drawdown", "Average drawdown", SHARE, "Risk"],
  ["ulcer_index", "Ulcer index", SHARE, "Risk"],
  ["skewness", "Skewness of days", RATIO, "Risk"],
  ["kurtosis", "Kurtosis of days", RATIO, "Risk"],
  ["deflated_sharpe", "Deflated Sharpe ratio", RATIO, "Risk"],
  ["ruined", "Ruined", (value) => (value ? "yes" : "no"), "Risk"],
  ["ruined_at", "Ruined at", WHEN, "Risk"],
  ["trades_total", "Trades", COUNT, "Trades"],
  ["trades_closed", "Closed", COUNT, "Trades"],
  ["trades_open", "Open", COUNT, "Trades"],
  ["won", "Won", COUNT, "Trades"],
  ["lost", "Lost", COUNT, "Trades"],
  ["win_rate", "Win rate", SHARE, "Trades"],
  ["profit_factor", "Profit factor", RATIO, "Trades"],
  ["expectancy", "Expectancy", SIGNED_MONEY, "Trades"],
  ["best_trade", "Best trade", SIGNED_SHARE, "Trades"],
  ["worst_trade", "Worst trade", SIGNED_SHARE, "Trades"],
  ["average_trade", "Average trade", SIGNED_SHARE, "Trades"],
  ["average_bars_held", "Bars held on average", (value) => figure(value, 1), "Trades"],
  ["win_streak", "Longest winning streak", COUNT, "Trades"],
  ["lose_streak", "Longest losing streak", COUNT, "Trades"],
  ["closed_pnl", "Closed trades’ profit and loss", SIGNED_MONEY, "Trades"],
  ["sqn", "SQN", RATIO, "Trades"],
  ["kelly", "Kelly criterion", RATIO, "Trades"],
  ["orders", "Orders", COUNT, "Activity"],
  ["orders_refused", "Refused orders", COUNT, "Activity"],
  ["fills_postponed", "Fills postponed", COUNT, "Activity"],
  ["exposure", "Exposure", SHARE, "Activity"],
  ["turnover", "Turnover", RATIO, "Activity"],
  ["bt_sharpe_annual", "backtrader’s Sharpe ratio", RATIO, "backtrader"],
  ["bt_sortino_annual", "Sortino ratio by years", RATIO, "backtrader"],
  ["bt_sqn", "backtrader’s SQN", RATIO, "backtrader"],
  ["bt_strike_rate", "Strike rate", SHARE, "backtrader"],
  ["bt_max_drawdown_pct", "backtrader’s maximum drawdown", (value) => `${figure(value, 2)} %`, "backtrader"],
  ["bt_max_drawdown", "The same in money", MONEY, "backtrader"],
  ["bt_max_drawdown_bars", "The longest in bars", COUNT, "backtrader"],
];
const NAMES = table(FIELDS.map(([field, name]) => [field, name]));
const FORMS = table(FIELDS.map(([field, , form]) => [field, form]));

// An object with these names alone: what every object inherits, such as toString, may be a figure's name.
function table(pairs) {
  const made = Object.create(null);
  for (const [name, value] of pairs) made[name] = value;
  return made;
}

function own(object, name) {
  return object && Object.hasOwn(object, name) ? object[name] : undefined;
}

function shown(figures, field) {
  const value = own(figures, field);
  return value === null || value === undefined || value !== value ? NONE : (FORMS[field] || RATIO)(value);
}

// A symbol's sweep, its columns unpacked.
function sweepOf({ sweep }) {
  if (!sweep) return null;
  const textsOf = (packed) => Object.fromEntries(Object.entries(packed).map(([field, { texts, which }]) => [field, { texts, which: column(which) }]));
  const part = ({ fields, reasons, times, orders, trials }) => ({
    trials,
    fields: columnsOf(fields),
    orders: columnsOf(orders),
    reasons: textsOf(reasons),
    times: textsOf(times),
  });
  const parts = Object.fromEntries(Object.entries(sweep.parts).map(([name, columns]) => [name, part(columns)]));
  return { fast: column(sweep.fast), slow: column(sweep.slow), parts };
}

// One pair's figures on a part, as a backtest's line has them.
function figuresOf(sweep, part, pair) {
  const columns = part && pair !== null && sweep.parts[part];
  if (!columns || columns.fields.pnl?.[pair] === undefined) return null;
  const figures = table(Object.entries(columns.fields).map(([field, values]) => [field, values[pair]]));
  for (const [field, { texts, which }] of Object.entries(columns.times)) figures[field] = texts[which[pair]] ?? null;
  figures.undefined = table([]);
  for (const [field, { texts, which }] of Object.entries(columns.reasons)) {
    if (which[pair] >= 0) figures.undefined[field] = texts[which[pair]];
  }
  return figures;
}

const state = { pair: null, picked: false, objective: data.objective, walk: 0, sweep: null };
const maps = [];

// The chart.

const view = new View("Prices, averages, orders, equity and drawdown", {
  panes: (symbol) => [...drawnPanes(symbol), ...markedPanes(pictured(symbol))],
  pictured: (symbol) => pictured(symbol),
  trades: (symbol) => tradeLines(symbol),
  cut: ({ cuts }) => {
    const found = cuts[state.walk];
    return found ? { at: found[0], end: found[1], labels: [walk().train, walk().test] } : null;
  },
  chosen: (symbol) => {
    Object.assign(state, { pair: null, picked: false, sweep: sweepOf(symbol) });
    byId("unmapped").hidden = !symbol.portfolio || !data.walks.length;
    showSweep(symbol);
    showPictures(symbol);
    markSymbol(symbol);
    showFigures(symbol);
    note(symbol);
  },
});
const { chart } = view;

// Whether the pictures are of the pair that is chosen: always for a sweep alone, beside a backtest once a reader chose one.
function isOfPair(symbol) {
  return state.sweep && state.pair !== null && (state.picked || !symbol.figures);
}

// A symbol with what its pictures are of: its backtest, or the curve of the pair; with neither, where there is no curve.
function pictured(symbol) {
  if (!isOfPair(symbol)) return symbol;
  const curve = symbol.curves.find(({ pair }) => pair === state.pair);
  if (!curve) return { ...symbol, figures: null, panes: [], orders: null, trades: null, sheet: null };
  const [equity, ...others] = curve.panes;
  const held = symbol.curves[0].panes[0].lines[1];
  return { ...symbol, ...curve, figures: null, panes: [{ ...equity, lines: [equity.lines[0], held] }, ...others] };
}

// Each trade that is in the pictures, from the candle of its entry to that of its exit.
function tradeLines(symbol) {
  const { trades } = pictured(symbol);
  if (!trades) return [];
  const columns = columnsOf(trades);
  const times = column(symbol.times);
  const candleOf = (time) => firstNotBelow(times, time + 1e-3) - 1;
  return Array.from(columns.pnl, (pnl, at) => ({
    from: candleOf(columns.entered[at]), to: candleOf(columns.exited[at]), entry: columns.entry_price[at], exit: columns.exit_price[at], gains: pnl > 0,
  }));
}

function showPictures(symbol) {
  const shown = pictured(symbol);
  showSheet(shown);
  showDays(shown);
  showTrades(shown);
  tellPictures(symbol, shown);
}

// What the pictures are of, above them, and below the maps where a pair is chosen.
function tellPictures(symbol, shown) {
  const [above, below] = [byId("pictured"), byId("curve")];
  above.replaceChildren();
  below.replaceChildren();
  if (!isOfPair(symbol)) return;
  if (shown.sheet) {
    above.append(`Pictures and tables are of the pair ${pairName(state.pair)}: a backtest over all bars by the sweep’s rules, whose averages go on from train to test. `);
    below.append(element("a", `The pictures above show ${pairName(state.pair)}.`, { href: "#pictured" }));
  } else {
    const [fast, slow] = namesOf(symbol, state.pair);
    const words = ["windrow backtest", `--fast ${fast} --slow ${slow}`, data.asked, "--orders --trades --equity -o DIR FILE..."];
    const told = `The curve of the pair ${pairName(state.pair)} is not on this page, its figures are; for its curve run `;
    for (const place of [above, below]) place.append(told, element("code", words.filter(Boolean).join(" ")), " with the sweep’s inputs, and report on DIR. ");
  }
  if (symbol.figures) above.append(element("button", `Show the backtest of ${symbol.figures.fast} / ${symbol.figures.slow}`, { type: "button" }));
}

function namesOf(symbol, pair) {
  const windows = [state.sweep.fast[pair], state.sweep.slow[pair]];
  return symbol.sweep.around.map(([front, back], at) => front + windows[at] + back);
}

// The averages over the prices, and below these what is of another size, as rsi and macd are.
function drawnPanes(symbol) {
  const lines = drawnLines(symbol);
  const areOver = isOfPair(symbol) ? symbol.sweep.over : symbol.over;
  const apart = lines.filter((_, at) => !areOver[at]);
  const over = { lines: lines.filter((_, at) => areOver[at]) };
  return apart.length ? [over, { lines: apart, digits: 2, suffix: "" }] : [over];
}

function drawnLines(symbol) {
  return drawnPair(symbol).map((name, at) => ({ name, values: symbol.lines[name], color: symbol.portfolio ? "benchmark" : ["fast", "slow"][at] }));
}

// The averages drawn: those of the chosen pair, if the page has them, else the best pair's.
function drawnPair(symbol) {
  if (!isOfPair(symbol)) return symbol.pair;
  const chosen = namesOf(symbol, state.pair);
  return chosen.every((name) => symbol.lines[name]) ? chosen : symbol.pair;
}

function note(symbol) {
  view.notes = isOfPair(symbol) ? [`The averages drawn are ${drawnPair(symbol).join(" and ")}.`] : [];
}

// The deepest drawdowns are marked where drawdown is drawn.
function markedPanes({ panes, sheet }) {
  return panes.map((pane) => (pane.fills && sheet ? { ...pane, marks: sheet.falls.map(({ at }) => at) } : pane));
}

// The sweep.

function walk() {
  return data.walks[state.walk];
}

function showSweep() {
  const { sweep } = state;
  byId("swept").hidden = !sweep;
  if (!sweep) return;
  const { train } = walk();
  const single = sweep.fast.length === 1;
  for (const id of ["maps", "mapped", "legend", "objectives"]) byId(id).hidden = single;
  const order = Array.from(sweep.parts[train].orders[state.objective]); // as the sweep ranks pairs, the best first
  state.best = order[0];
  if (state.pair === null) state.pair = state.best;
  showMaps(sweep);
  showRanking(sweep, order, train);
  describePair(null);
}

// The parts of a walk that have a figure: how a pair was ranked among all is known of its train alone.
function partsWith(sweep, field) {
  const { train, test } = walk();
  return [train, test].filter((part) => part && sweep.parts[part]?.fields[field]);
}

function showMaps(sweep) {
  const parts = partsWith(sweep, state.objective);
  const values = parts.map((part) => sweep.parts[part].fields[state.objective]);
  const scale = colourScale(values.flatMap((column) => [...column]), dark.matches);
  const form = FORMS[state.objective];
  if (maps.length !== parts.length) makeMaps(parts.length);
  maps.forEach((map, at) => {
    const name = parts[at] === "all" ? "All bars" : capitalised(parts[at]);
    map.title.textContent = `${name}: ${NAMES[state.objective]}`;
    map.canvas.setAttribute("aria-label", `${map.title.textContent} of every pair`);
    const shares = state.objective === "return";
    const shown = shares ? values[at].map((value) => value * 100) : values[at];
    const colour = shares ? (value) => scale.colour(value / 100) : scale.colour;
    map.show(sweep, shown, colour, state.objective === "pnl" ? 0 : 2, data.axes);
  });
  HeatMap.even(maps);
  for (const map of maps) {
    map.mark(state.best, "best");
    map.mark(state.pair, "chosen");
  }
  byId("maps").style.setProperty("--least", `${Math.max(...maps.map(({ least }) => least))}px`);
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
    const canvas = box.appendChild(element("div")).appendChild(element("canvas", "", { "aria-describedby": "described" }));
    const map = new HeatMap(canvas, describePair, choosePair);
    map.title = title;
    maps.push(map);
    map.box.addEventListener("scroll", () => scrollTogether(map));
  }
}

// Maps that are scrolled show the same pairs; one that followed another does not lead it in turn.
function scrollTogether(map) {
  const { scrollLeft } = map.box;
  if (scrollLeft === map.followed) return;
  for (const other of maps) {
    if (other === map) continue;
    other.box.scrollLeft = scrollLeft;
    other.followed = other.box.scrollLeft;
  }
}

function pairName(pair) {
  return `${state.sweep.fast[pair]} / ${state.sweep.slow[pair]}`;
}

// A pair's figure on both parts; the chosen pair's where none is pointed at.
function describePair(pair) {
  const { sweep } = state;
  for (const map of maps) map.mark(pair, "marked");
  const described = pair ?? state.pair;
  const texts = partsWith(sweep, state.objective).map((part) => {
    const figures = figuresOf(sweep, part, described);
    const reason = figures?.undefined[state.objective];
    return `${part === "all" ? "" : `${part} `}${shown(figures, state.objective)}${reason ? ` (${reason})` : ""}`;
  });
  const which = pair === null ? `, chosen${choiceText()}` : "";
  byId("described").textContent = `${pairName(described)}${which}: ${texts.join(", ")}`;
  byId("luck").textContent = luckText(sweep, described);
}

// What the deflated Sharpe ratio of a pair is, in words; nothing where the sweep does not have it.
function luckText(sweep, pair) {
  const { train } = walk();
  const figures = figuresOf(sweep, train, pair);
  if (!figures || own(figures, "deflated_sharpe") === undefined) return "";
  const { trials } = sweep.parts[train];
  const reason = figures.undefined.deflated_sharpe;
  const value = `${shown(figures, "deflated_sharpe")}${reason ? ` (${reason})` : ""}`;
  const bound = trials === 1 ? "0, as there was a single trial" : `what the best of ${figure(trials, 0)} trials without any skill is expected to reach`;
  return `Deflated Sharpe ratio of ${pairName(pair)}: ${value}. It is the probability that the pair’s true Sharpe ratio is above ${bound}, judged by its daily returns on ${train === "all" ? "all bars" : train}; below 0.95 it may be luck.`;
}

// How many pairs were tried: the more, the better the best looks by luck alone.
function choiceText() {
  const best = view.symbol.sweep.best.find((line) => (line.walk ?? 1) === state.walk + 1);
  if (!best) return ` from ${figure(state.sweep.fast.length, 0)} pairs`;
  const chance = typeof best.deflated_sharpe === "number" ? RATIO(best.deflated_sharpe) : NONE;
  return ` as the best of ${figure(best.trials, 0)} pairs by ${NAMES[best.objective]}, deflated Sharpe ratio ${chance}`;
}

function choosePair(pair, picked = true) {
  Object.assign(state, { pair, picked });
  for (const map of maps) map.mark(pair, "chosen");
  for (const row of byId("ranking").tBodies[0].rows) row.classList.toggle("chosen", Number(row.dataset.pair) === pair);
  describePair(pair);
  note(view.symbol);
  showPictures(view.symbol);
  view.change();
  showFigures(view.symbol);
}

// Ranks again, and chooses the best pair.
function rankAgain() {
  state.pair = null;
  showSweep();
  choosePair(state.best, state.picked);
  describePair(null);
}

function showRanking(sweep, order, train) {
  const fields = [state.objective, ...["return", "max_drawdown", "trades_closed", "sharpe"].filter((field) => field !== state.objective)];
  const known = fields.filter((field) => sweep.parts[train].fields[field]);
  const head = element("thead");
  const names = head.appendChild(element("tr"));
  names.append(element("th", `Best on ${train === "all" ? "all bars" : train}`, { scope: "col", rowspan: 2 }));
  const under = head.appendChild(element("tr"));
  for (const field of known) {
    names.append(element("th", field === "trades_closed" ? "Closed trades" : NAMES[field], { scope: "colgroup", colspan: partsWith(sweep, field).length }));
    for (const part of partsWith(sweep, field)) under.append(element("th", part === "all" ? "" : part, { scope: "col" }));
  }
  const body = element("tbody");
  for (const pair of order.slice(0, 8)) {
    const row = body.appendChild(element("tr", "", { "data-pair": pair }));
    row.classList.toggle("chosen", pair === state.pair);
    const name = row.appendChild(element("th", "", { scope: "row" }));
    name.append(element("button", pairName(pair), { type: "button", "aria-label": `Show pair ${pairName(pair)}` }));
    for (const field of known) for (const part of partsWith(sweep, field)) row.append(cell(figuresOf(sweep, part, pair), field));
  }
  byId("ranking").replaceChildren(head, body);
}

// Figures.

function cell(figures, field, reasons = null) {
  const text = shown(figures, field);
  const made = element("td", text);
  const reason = own(figures?.undefined, field);
  if (text !== NONE || !figures) return made;
  made.className = "none";
  if (reason) made.title = reason;
  if (reason && reasons) {
    if (!reasons.includes(reason)) reasons.push(reason);
    made.append(element("sup", ` ${reasons.indexOf(reason) + 1}`));
  }
  return made;
}

// What is set side by side: [name, figures, description, whether it is of the chosen pair].
function compared(symbol) {
  const { sweep } = state;
  const pairOf = (figures) => `${figures.fast} / ${figures.slow}`;
  const { tested } = data;
  const sides = symbol.figures ? [[symbol.portfolio ? "Portfolio" : tested, symbol.figures, `${tested.toLowerCase()} of ${pairOf(symbol.figures)}`]] : [];
  if (symbol.bought) sides.push(["Buy and hold", symbol.bought, "buying and holding with the same cash, size and costs"]);
  if (symbol.compared) sides.push(["Backtest", symbol.compared, `backtest of ${pairOf(symbol.compared)}`]);
  for (const part of sweep ? [walk().train, walk().test] : []) {
    const figures = part && figuresOf(sweep, part, state.pair);
    const name = part === "all" ? "Sweep" : capitalised(part || "");
    if (figures) sides.push([name, figures, `${part === "all" ? "sweep" : part} of ${pairName(state.pair)}`, true]);
  }
  return sides;
}

function showFigures(symbol) {
  const sides = compared(symbol);
  const fields = [...new Set(sides.flatMap(([, figures]) => Object.keys(figures)))];
  const others = fields.filter((field) => !NAMES[field] && sides.some(([, figures]) => typeof own(figures, field) === "number"));
  const known = FIELDS.filter(([field]) => fields.includes(field));
  const rows = [...known, ...others.map((field) => [field, field.replaceAll("_", " "), null, "Others"])];
  const reasons = [];
  const tables = [...new Set(rows.map(([, , , group]) => group))].map((group) => {
    const its = rows.filter((row) => row[3] === group);
    const telling = sides.filter(([, figures]) => its.some(([field]) => own(figures, field) !== undefined));
    const table = element("table");
    const names = table.createTHead().insertRow();
    names.append(element("th", group, { scope: "col" }), ...telling.map(([name]) => element("th", name, { scope: "col" })));
    const body = table.createTBody();
    for (const [field, name] of its) {
      body.insertRow().append(element("th", name, { scope: "row" }), ...telling.map(([, figures]) => cell(figures, field, reasons)));
    }
    const box = element("div");
    box.append(table);
    return box;
  });
  byId("figures").replaceChildren(...tables);
  byId("compared").textContent = sides.length > 1 ? capitalised(sides.map(([, , what]) => what).join(", ")) : "";
  byId("reasons").replaceChildren(...reasons.map((reason) => element("li", reason)));
  showTiles(symbol, sides);
}

// The first column's main figures; below them, for a sweep, those of the test part.
function showTiles(symbol, all) {
  const sides = isOfPair(symbol) ? all.filter(([, , , isOfIt]) => isOfIt) : all;
  const [, figures] = sides[0] || [];
  const second = isOfPair(symbol) && sides.length > 1 ? sides[1] : null;
  const beside = (field, otherwise) => (second ? `${second[0].toLowerCase()} ${shown(second[1], field)}` : otherwise);
  byId("tiled").textContent = second ? `Pair ${pairName(state.pair)} on ${sides[0][0].toLowerCase()}, and below on ${second[0].toLowerCase()}` : "";
  const tiles = figures
    ? [
        ["pnl", beside("pnl", `final value ${shown(figures, "final_value")}`)],
        ["return", beside("return", `buy and hold ${shown(figures, "buy_and_hold")}`)],
        ["max_drawdown", beside("max_drawdown", `longest ${shown(figures, "longest_drawdown_bars")} bars`)],
        ["sharpe", beside("sharpe", `Sortino ${shown(figures, "sortino")}`)],
        ...(symbol.portfolio ? [["volatility", `Calmar ${shown(figures, "calmar")}`], ["symbols", symbol.portfolio.replace(/^[^,]*, /, "")]] : [["trades_closed", beside("trades_closed", `${shown(figures, "won")} won, ${shown(figures, "lost")} lost`)],
        ["exposure", beside("exposure", "of bars in a position")]]),
      ]
    : [];
  byId("tiles").replaceChildren(...tiles.map(([field, small]) => {
    const tile = element("div");
    const name = field === "trades_closed" ? "Closed trades" : NAMES[field];
    const value = element("dd", shown(figures, field));
    if (["pnl", "return"].includes(field) && figures[field]) value.className = figures[field] > 0 ? "gain" : "loss";
    if (own(figures.undefined, field)) value.title = figures.undefined[field];
    tile.append(element("dt", name), value, element("dd", small));
    return tile;
  }));
}

byId("rules").textContent = data.rules.length ? `${capitalised(data.rules.join(", "))}.` : "";
byId("warning").textContent = data.warning;

data.objectives.forEach((name) => byId("objective").append(element("option", NAMES[name], { value: name })));
byId("objective").value = state.objective;
byId("objective").addEventListener("change", () => {
  state.objective = byId("objective").value;
  rankAgain();
});
data.walks.forEach(({ train }, at) => byId("walk").append(element("option", train.replace(/^\D+/, ""), { value: at })));
byId("walks").hidden = data.walks.length < 2;
byId("walk").addEventListener("change", () => {
  state.walk = Number(byId("walk").value);
  rankAgain();
});
byId("ranking").addEventListener("click", ({ target }) => {
  if (target.tagName === "BUTTON") choosePair(Number(target.closest("tr").dataset.pair));
});
byId("pictured").addEventListener("click", ({ target }) => {
  if (target.tagName === "BUTTON") choosePair(state.pair, false);
});
dark.addEventListener("change", () => {
  showSheet(pictured(view.symbol));
  rolled.chart?.recolour();
  if (state.sweep) showSweep();
});
