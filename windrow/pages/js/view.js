// The part that all pages with a chart have: the chooser of symbols, the chart with its readout and legend, buttons, keys.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const NONE = "–";
const SIDES = ["buy", "sell"];
const STATUSES = ["filled", "closing leg only", "refused", "never filled"];

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Columns are unpacked when they are first needed.
const columns = new Map();

function column(packed) {
  if (!columns.has(packed)) columns.set(packed, packed.steps ? unpackedTimes(packed) : unpacked(packed));
  return columns.get(packed);
}

function columnsOf(packed) {
  return Object.fromEntries(Object.entries(packed).map(([name, values]) => [name, column(values)]));
}

class View {
  // `panes(symbol)`: what is drawn over its prices, and below them; `cut(symbol)`: the test part, or null;
  // `chosen(symbol)` is called when another symbol is chosen, before it is shown; `pictured(symbol)` has the orders to draw,
  // and `trades(symbol)` are lines from entries to exits.
  constructor(label, { panes, cut = () => null, chosen = () => {}, pictured = (symbol) => symbol, trades = () => [] }) {
    Object.assign(this, { panes, cut, chosen, pictured, trades });
    this.chart = new Chart(byId("chart"), byId("overview"), label, (group) => this.read(group));
    data.symbols.forEach(({ name }, at) => byId("symbol").append(element("option", name, { value: at })));
    byId("chooser").hidden = data.symbols.length < 2;
    this.listen();
    // The page's own script runs to its end first.
    queueMicrotask(() => this.show(data.symbols[0]));
  }

  listen() {
    const { chart } = this;
    byId("symbol").addEventListener("change", ({ target }) => this.show(data.symbols[target.value]));
    const does = { earlier: () => chart.step(-1), later: () => chart.step(1), in: () => chart.zoom(0.6), out: () => chart.zoom(1 / 0.6), all: () => chart.all(), log: () => byId("log").setAttribute("aria-pressed", chart.toggleLog()) };
    document.querySelector(".tools[role=group]").addEventListener("click", ({ target }) => {
      does[target.dataset.does]?.();
      if (["earlier", "later"].includes(target.dataset.does)) this.announce();
    });
    chart.over.addEventListener("keydown", ({ key, shiftKey }) => {
      if (["n", "p"].includes(key) || (shiftKey && key.startsWith("Arrow"))) this.announce();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.recolour());
  }

  show(symbol) {
    this.symbol = symbol;
    this.chosen(symbol);
    const times = column(symbol.times);
    const close = column(symbol.close);
    const [open, high, low] = ["open", "high", "low"].map((name) => (symbol[name] ? column(symbol[name]) : close));
    this.candles = { open, high, low, close };
    this.drawn = this.unpackedPanes();
    byId("title").textContent = `${symbol.name}: ${data.title}`;
    byId("symbol").title = symbol.name;
    byId("overview").hidden = times.length < 200;
    this.takeOrders();
    byId("readout").style.minHeight = "";
    this.placeLabels();
    this.chart.show({
      times,
      candles: this.candles,
      panes: this.drawn,
      bare: !symbol.high,
      color: symbol.portfolio ? "equity" : "soft",
      orders: this.orders,
      trades: this.trades(symbol),
      cut: this.cut(symbol),
      digits: symbol.digits,
      dated: data.dated,
      timeText: (bar) => this.timeText(bar),
    });
    this.explain();
    this.describe();
  }

  // The same symbol with other lines, other orders, or another test part.
  change() {
    this.drawn = this.unpackedPanes();
    this.takeOrders();
    this.placeLabels();
    this.chart.change(this.drawn, this.cut(this.symbol), this.orders, this.trades(this.symbol));
    this.read(this.chart.group);
    this.explain();
    this.describe();
  }

  takeOrders() {
    const { symbol } = this;
    const { orders } = this.pictured(symbol);
    this.orders = orders ? columnsOf(orders) : { at: [] };
    const drawn = symbol.high ? "Prices" : capitalised(this.priceName());
    const beside = symbol.portfolio ? "drawdown" : orders ? "orders" : (data.beside ?? "averages");
    byId("charted-title").textContent = beside ? `${drawn} and ${beside}` : drawn;
    const hasOrders = this.orders.at.length > 0;
    for (const does of ["earlier", "later"]) document.querySelector(`[data-does=${does}]`).hidden = !hasOrders;
    byId("order-keys").hidden = !hasOrders;
  }

  unpackedPanes() {
    return this.panes(this.symbol).map((pane) => ({
      ...pane,
      lines: pane.lines.map((line) => ({ ...line, values: column(line.values) })),
    }));
  }

  placeLabels() {
    const labels = this.drawn.slice(1).map((_, at) => {
      const label = element("div");
      label.style.top = `var(--top-${at + 1})`;
      return label;
    });
    byId("labels").replaceChildren(...labels);
  }

  // What the line in place of candles is of.
  priceName() {
    return this.symbol.portfolio ? "value" : data.column;
  }

  timeText(bar) {
    return timeText(column(this.symbol.times)[bar], data.dated);
  }

  // Shows the bars under the crosshair, or the last one.
  read(group) {
    const { candles, symbol } = this;
    const last = group ? group.last : candles.close.length - 1;
    const first = group ? group.first : last;
    const { digits } = symbol;
    const until = first === last ? "" : ` to ${this.timeText(last)}`;
    const spans = [element("b", this.timeText(first) + until)];
    if (symbol.high) {
      const high = candles.high.subarray(first, last + 1).reduce((one, other) => Math.max(one, other));
      const low = candles.low.subarray(first, last + 1).reduce((one, other) => Math.min(one, other));
      for (const [letter, value] of [["O", candles.open[first]], ["H", high], ["L", low]]) spans.push(element("span", `${letter} ${written(value, digits)}`));
    }
    const { portfolio } = symbol;
    const value = { name: capitalised(this.priceName()), values: candles.close, color: "equity" };
    spans.push(portfolio ? lineLabel(value, last, digits) : element("span", `${symbol.high ? "C" : data.column} ${written(candles.close[last], digits)}`));
    for (const line of this.drawn[0].lines) spans.push(lineLabel(line, last, portfolio ? digits : digits + 2));
    const orders = this.orderText(first, last);
    if (orders) spans.push(element("span", orders.text, { class: orders.kind }));
    const readout = byId("readout");
    readout.replaceChildren(...spaced(spans));
    // It never becomes lower again, lest the chart below it jump while the pointer moves over it.
    const { offsetHeight } = readout;
    if (offsetHeight > (parseFloat(readout.style.minHeight) || 0)) readout.style.minHeight = `${offsetHeight}px`;
    this.drawn.slice(1).forEach(({ lines, digits: decimals, suffix = "", sums }, at) => {
      const read = (line) => (sums ? { ...line, values: { [last]: sumOf(line.values, first, last) } } : line);
      byId("labels").children[at].replaceChildren(
        ...spaced(lines.map((line) => lineLabel(read(line), last, decimals, suffix))),
      );
    });
  }

  orderText(first, last) {
    const { at, side, status, size, price } = this.orders;
    const [from, to] = [firstNotBelow(at, first), firstNotBelow(at, last + 1)];
    if (from === to) return null;
    if (to - from > 1) return { text: `${to - from} orders`, kind: "" };
    const words = `${SIDES[side[from]]} ${figure(size[from], size[from] % 1 ? 4 : 0)}`;
    const where = price[from] === price[from] ? ` at ${figure(price[from], this.symbol.digits)}` : "";
    const how = status[from] ? `, ${STATUSES[status[from]]}` : "";
    return { text: words + where + how, kind: side[from] ? "loss" : "gain" };
  }

  // Reads the readout to those who cannot see it, after keys that move the crosshair.
  announce() {
    const labels = [...byId("labels").children].map((label) => label.textContent);
    byId("announced").textContent = [byId("readout").textContent, ...labels].join(", ");
  }

  // What the marks of orders mean, and how many bars a candle joins.
  explain() {
    const { status = [] } = this.orders;
    const { group, bars } = this.symbol;
    const parts = [];
    if (status.length) {
      parts.push(element("i", "▲ buy", { class: "buy" }), " ", element("i", "▼ sell", { class: "sell" }));
      if (status.some((each) => each > 1)) parts.push(", outlines and pale ticks: refused, or never filled");
      if (status.includes(1)) parts.push(", pale: only the closing leg was filled");
    }
    if (this.chart.series.trades?.length) parts.push(", dashed: trades, in the colour of a buy where they gained");
    if (group > 1) parts.push(parts.length ? ". " : "", `A candle stands for ${figure(group, 0)} of ${figure(bars, 0)} bars. `);
    byId("key").replaceChildren(...parts);
  }

  // What is shown: below the title, and at the end of the page.
  describe() {
    const { bars, portfolio } = this.symbol;
    const last = this.candles.close.length - 1;
    const span = `${this.timeText(0)} to ${this.timeText(last)}${data.dated ? "" : " UTC"}`;
    byId("subtitle").textContent = [span, portfolio ?? `${figure(bars, 0)} bars`].join(" · ");
    byId("notes").textContent = [...data.notes, ...(this.notes || [])].join(" ");
  }
}

function capitalised(text) {
  return text.replace(/^./, (letter) => letter.toUpperCase());
}

function written(value, digits) {
  return value === value ? figure(value, digits) : NONE;
}

// A line's name and value, in its colour and underlined as it is dashed.
function lineLabel({ name, values, color, dash }, at, digits, suffix = "") {
  const value = written(values[at], digits);
  const label = element("span", `${name} ${value === NONE ? value : value + suffix}`, { class: "line" });
  label.style.color = `var(--${color})`;
  label.style.borderBottomStyle = dash || "solid";
  return label;
}

function spaced(spans) {
  return spans.flatMap((span, at) => (at ? [" ", span] : [span]));
}
