// A chart of panes over one axis of bars: candles, lines, orders. The cost of drawing depends on pixels, never on bars:
// where bars are narrower than a candle, groups of 2, 4, 8 ... are drawn, which are summed up when they are first seen.

const CANDLE = 3; // least width of a candle in pixels, its gap included
const LINE = 2; // least distance of a line's points in pixels
const SMALLEST_VIEW = 12; // bars
const RUG = 14; // pixels below the prices, for orders that are too dense for triangles
const DASHES = { solid: [], dashed: [6, 4], dotted: [1.5, 3] }; // as in theme.py

const sum = (values) => values.reduce((one, other) => one + other, 0);

// A pane below the prices: values, which are read in detail, are twice as high as others.
const heightOf = ({ grows }) => (grows ? 2 : 1);

class Chart {
  // `box` gets two canvases: one that is drawn when the view changes, and over it one for the crosshair.
  // `read(group)` is called with the bars under the crosshair, or null, whenever they change.
  constructor(box, overview, label, read) {
    this.box = box;
    this.read = read;
    this.canvas = box.appendChild(document.createElement("canvas"));
    this.over = box.appendChild(document.createElement("canvas"));
    this.overview = overview;
    Object.assign(this.over, { tabIndex: 0, role: "application" });
    this.over.setAttribute("aria-roledescription", "chart");
    this.over.setAttribute("aria-label", label);
    this.over.setAttribute("aria-describedby", "keys");
    this.pointers = new Map();
    this.cross = null;
    this.listen();
    new ResizeObserver(() => this.resize()).observe(box);
  }

  // series: {times, candles: {open, high, low, close}, bare: whether close alone is known, color: of its line,
  //          panes: [{lines: [{values, color, dash, sparse}], fills, sums, digits, suffix}], of which the first has the prices,
  //          orders: {at, side, status}, trades: [{from, to, entry, exit, gains}], of bars and prices, cut: {at, end, labels} or null, digits, dated, even, timeText(bar)}
  show(series) {
    this.series = series;
    this.bars = series.times.length;
    const { open, high, low, close } = series.candles;
    this.candles = new Levels(open, high, low, close);
    this.panes = series.panes.map(levelled);
    this.cross = null;
    this.group = undefined;
    this.box.style.setProperty("--below", sum(this.panes.slice(1).map(heightOf)));
    this.look(0, this.bars);
    this.resize();
  }

  // Other lines, other orders, or another test part, over the same bars.
  change(panes, cut, orders, trades) {
    this.panes = panes.map(levelled);
    Object.assign(this.series, { cut, orders, trades });
    this.box.style.setProperty("--below", sum(this.panes.slice(1).map(heightOf)));
    this.resize();
    this.ask();
  }

  // The view: bars [from, to), of any fraction.

  look(from, to) {
    const most = this.bars * 1.02 + 1;
    const span = Math.min(Math.max(to - from, Math.min(SMALLEST_VIEW, this.bars)), most);
    const middle = (from + to) / 2;
    const slack = Math.max(span * 0.02, 0.5);
    this.from = Math.min(Math.max(middle - span / 2, -slack), Math.max(this.bars + slack - span, -slack));
    this.to = this.from + span;
    this.follow();
    this.ask();
  }

  pan(share) {
    const by = (this.to - this.from) * share;
    this.look(this.from + by, this.to + by);
  }

  // Zooms about a place of the view, which stays where it is.
  zoom(factor, about = (this.from + this.to) / 2) {
    const span = Math.min(Math.max((this.to - this.from) * factor, Math.min(SMALLEST_VIEW, this.bars)), this.bars * 1.02 + 1);
    const share = (about - this.from) / (this.to - this.from);
    this.look(about - share * span, about - share * span + span);
  }

  all() {
    this.look(0, this.bars);
  }

  // Shows the next order after the crosshair, or the one before it, in the middle; returns whether there is one.
  step(direction) {
    const { at } = this.series.orders;
    const here = this.cross ? this.cross.bar : (this.from + this.to) / 2;
    const next = direction > 0 ? firstNotBelow(at, Math.floor(here) + 1) : firstNotBelow(at, Math.ceil(here)) - 1;
    if (next < 0 || next >= at.length) return false;
    const span = Math.min(this.to - this.from, 160);
    this.look(at[next] - span / 2, at[next] + span / 2);
    this.point(at[next]);
    return true;
  }

  // The crosshair.

  point(bar, y = null) {
    this.cross = bar === null ? null : { bar: Math.min(Math.max(bar, 0), this.bars - 1), y };
    this.follow();
    this.ask();
  }

  // Reads the bars under the crosshair, if they are others than before: it was moved, or zooming or another width of the
  // chart joined other bars to the candle at which it is.
  follow() {
    const group = this.cross && this.groupOf(this.cross.bar);
    if (group?.first === this.group?.first && group?.last === this.group?.last && this.group !== undefined) return;
    this.group = group;
    this.read(group);
  }

  // The bars that are drawn together with one: first, last and level.
  groupOf(bar) {
    const level = this.candleLevel();
    const first = (bar >> level) << level;
    return { first, last: Math.min(first + (1 << level), this.bars) - 1, level };
  }

  // Measures.

  resize() {
    if (!this.series) return;
    const scale = devicePixelRatio || 1;
    const fit = (canvas) => {
      const { clientWidth: width, clientHeight: height } = canvas;
      if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
      }
      canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    };
    [this.canvas, this.over, this.overview].forEach(fit);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.right = this.width - (this.width < 560 ? 54 : 68);
    this.small = null;
    this.placePanes();
    this.follow();
    this.ask();
  }

  // Heights: the prices have three times that of another pane, unless all are to be even; what grows has twice that.
  placePanes() {
    const bottom = this.height - 24;
    const heights = this.panes.map((pane, number) => (this.series.even ? 1 : number ? heightOf(pane) : 3));
    const shares = heights.map((height) => height / sum(heights));
    let top = 0;
    this.tops = shares.map((share) => {
      const place = { top: Math.round(top), bottom: Math.round(top + share * bottom) - 8 };
      top += share * bottom;
      return place;
    });
    this.tops.forEach(({ top }, number) => this.box.style.setProperty(`--top-${number}`, `${top}px`));
  }

  x(bar) {
    return ((bar + 0.5 - this.from) / (this.to - this.from)) * this.right;
  }

  // The middle of a group: of the bars it has, which for the last one may be fewer.
  middle(group, level) {
    const first = group << level;
    return this.x((first + Math.min(first + (1 << level), this.bars) - 1) / 2);
  }

  // The place of the view at x; bar 3 extends from 3 to 4.
  at(x) {
    return this.from + (x / this.right) * (this.to - this.from);
  }

  level(pixels) {
    return Math.max(0, Math.ceil(Math.log2((pixels * (this.to - this.from)) / Math.max(1, this.right))));
  }

  candleLevel() {
    return this.level(CANDLE);
  }

  // Drawing.

  ask() {
    if (this.asked || !this.series) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = null;
      if (!(this.right > 0)) return; // not laid out yet: the observer calls resize then
      this.draw();
      this.drawCross();
    });
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    this.colours = (name) => style.getPropertyValue(`--${name}`).trim();
    this.ask();
  }

  draw() {
    if (!this.colours) this.recolour();
    const ctx = this.canvas.getContext("2d");
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.font = `11px ${getComputedStyle(this.box).fontFamily}`;
    ctx.textBaseline = "middle";
    this.drawCut(ctx);
    const ticks = this.timeTicks(ctx);
    const [, ...below] = this.panes;
    this.scales = [this.drawPrices(ctx, ticks), ...below.map((pane, number) => this.drawPane(ctx, pane, number + 1, ticks))];
    this.drawTimes(ctx, ticks);
    this.drawOverview();
  }

  // Groups of a level that the view shows, in part at least.
  seen(level) {
    const size = 2 ** level;
    const last = Math.ceil(this.bars / size) - 1;
    return [Math.max(0, Math.floor(this.from / size)), Math.min(last, Math.ceil(this.to / size))];
  }

  // The same of a line, and, where it is sparse, on to its nearest values outside the view, to which it is drawn.
  seenOf({ levels, sparse }, level) {
    let [first, last] = this.seen(level);
    if (!sparse) return [first, last];
    const { close } = levels.at(level);
    while (first > 0 && close[first] !== close[first]) first--;
    while (last < close.length - 1 && close[last] !== close[last]) last++;
    return [first, last];
  }

  // Lowest and highest of what is seen, over several columns.
  range(columns) {
    let low = Infinity;
    let high = -Infinity;
    for (const [line, level] of columns) {
      const group = line.levels.at(level);
      const [first, last] = this.seenOf(line, level);
      for (let at = first; at <= last; at++) {
        if (group.low[at] < low) low = group.low[at];
        if (group.high[at] > high) high = group.high[at];
      }
    }
    if (low > high) [low, high] = [0, 1];
    if (low === high) [low, high] = [low - (Math.abs(low) * 0.01 || 1), high + (Math.abs(high) * 0.01 || 1)];
    return [low, high];
  }

  // `grows`: logarithmic where that is asked for and all that is seen is above 0.
  scale(low, high, top, bottom, grows = false) {
    const log = grows && this.log && low > 0;
    const [to, from] = log ? [Math.log, Math.exp] : [(value) => value, (value) => value];
    const [least, span] = [to(low), to(high) - to(low)];
    const y = (value) => bottom - ((to(value) - least) / span) * (bottom - top);
    const value = (at) => from(least + ((bottom - at) / (bottom - top)) * span);
    return { y, value, top, bottom, low, high, log };
  }

  toggleLog() {
    this.log = !this.log;
    this.ask();
    return this.log;
  }

  drawPrices(ctx, ticks) {
    const { top, bottom } = this.tops[0];
    const level = this.candleLevel();
    const lineLevel = this.level(LINE);
    const price = { levels: this.candles, color: this.series.color ?? "soft" };
    const { lines } = this.panes[0];
    const columns = [[price, level], ...lines.map((line) => [line, lineLevel])];
    const room = this.series.orders.at.length ? 12 : 4;
    const scale = this.scale(...this.range(columns), top + 8 + room, bottom - RUG - room, true);
    this.drawGrid(ctx, { ...scale, top, bottom }, scale, ticks, this.series.digits);
    this.clipped(ctx, top, bottom, () => {
      if (this.series.bare) this.drawLine(ctx, price, scale, this.series.color === "equity" ? 1.6 : 1.2);
      else this.drawCandles(ctx, level, scale);
      for (const line of lines) this.drawLine(ctx, line, scale, 1.6);
      this.drawTrades(ctx, scale);
      this.drawOrders(ctx, level, scale, bottom);
    });
    return { ...scale, digits: this.series.digits, edge: bottom };
  }

  drawPane(ctx, pane, number, ticks) {
    const { top, bottom } = this.tops[number];
    const level = pane.sums ? this.candleLevel() : this.level(LINE);
    let [low, high] = this.range(pane.lines.map((line) => [line, level]));
    if (pane.fills) [low, high] = [Math.min(low, -1e-9), 0];
    if (pane.sums) [low, high] = [Math.min(low, 0), Math.max(high, 1e-9)];
    const scale = this.scale(low, high, top + 24, bottom - 4, pane.grows);
    this.drawGrid(ctx, { top, bottom }, scale, ticks, pane.digits, pane.suffix);
    this.clipped(ctx, top, bottom, () => {
      (pane.marks ?? []).forEach((mark, at) => this.drawMark(ctx, mark, at + 1, scale));
      for (const line of pane.lines) {
        if (pane.sums) this.drawColumns(ctx, line, level, scale);
        else this.drawLine(ctx, line, scale, 1.4, pane.fills);
      }
    });
    return { ...scale, digits: pane.digits, suffix: pane.suffix, edge: bottom };
  }

  // A span of bars, tinted and numbered at its foot.
  drawMark(ctx, [first, last], number, { top, bottom }) {
    const [from, to] = [this.x(first), Math.max(this.x(last), this.x(first) + 1)];
    if (to < 0 || from > this.right) return;
    ctx.fillStyle = this.colours("brush");
    ctx.fillRect(from, top, to - from, bottom - top + 4);
    ctx.fillStyle = this.colours("ink");
    ctx.textAlign = "center";
    ctx.fillText(number, (Math.max(from, 0) + Math.min(to, this.right)) / 2, bottom - 4);
  }

  clipped(ctx, top, bottom, draw) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, top, this.right + 4, bottom - top); // with room for the last candle's other half
    ctx.clip();
    draw();
    ctx.restore();
  }

  drawGrid(ctx, place, scale, ticks, digits, suffix = "") {
    ctx.strokeStyle = this.colours("line");
    ctx.fillStyle = this.colours("soft");
    ctx.lineWidth = 1;
    ctx.textAlign = "left";
    ctx.beginPath();
    for (const { x } of ticks) {
      ctx.moveTo(Math.round(x) + 0.5, place.top);
      ctx.lineTo(Math.round(x) + 0.5, place.bottom);
    }
    const values = (scale.log ? logValues : roundValues)(scale.low, scale.high, Math.max(3, Math.floor((scale.bottom - scale.top) / 44)));
    for (const value of values) {
      const y = Math.round(scale.y(value)) + 0.5;
      ctx.moveTo(0, y);
      ctx.lineTo(this.right, y);
      ctx.fillText(axisNumber(value, values.step ?? 10 ** Math.floor(Math.log10(value)), digits) + suffix, this.right + 8, y);
    }
    ctx.moveTo(0, place.bottom + 0.5);
    ctx.lineTo(this.width, place.bottom + 0.5);
    ctx.stroke();
  }

  // Two paths for each direction, bodies and wicks, however many candles there are.
  drawCandles(ctx, level, { y }) {
    const { open, high, low, close } = this.candles.at(level);
    const [first, last] = this.seen(level);
    const width = this.widthOf(level);
    for (const rises of [true, false]) {
      ctx.beginPath();
      for (let at = first; at <= last; at++) {
        if (close[at] >= open[at] !== rises || close[at] !== close[at]) continue;
        const middle = Math.round(this.middle(at, level));
        const [from, to] = [Math.round(y(Math.max(open[at], close[at]))), Math.round(y(Math.min(open[at], close[at])))];
        const [tip, foot] = [Math.round(y(high[at])), Math.round(y(low[at]))];
        ctx.rect(middle - (width >> 1), from, width, Math.max(1, to - from));
        ctx.rect(middle - (width >> 1) + ((width - 1) >> 1), tip, 1, Math.max(1, foot - tip));
      }
      ctx.fillStyle = this.colours(rises ? "up" : "down");
      ctx.fill();
    }
  }

  // Columns that stand on 0 below the candles, in their colours.
  drawColumns(ctx, line, level, { y }) {
    const { close: values } = line.levels.at(level);
    const { open, close } = this.candles.at(level);
    const [first, last] = this.seen(level);
    const width = this.widthOf(level);
    const foot = Math.round(y(0));
    ctx.globalAlpha = 0.6;
    for (const rises of [true, false]) {
      ctx.beginPath();
      for (let at = first; at <= last; at++) {
        if (values[at] !== values[at] || close[at] >= open[at] !== rises) continue;
        const tip = Math.round(y(values[at]));
        ctx.rect(Math.round(this.middle(at, level)) - (width >> 1), Math.min(tip, foot), width, Math.abs(foot - tip));
      }
      ctx.fillStyle = this.colours(this.series.bare ? line.color : rises ? "up" : "down");
      ctx.fill();
    }
    ctx.globalAlpha = 1;
  }

  // How wide a candle is, in pixels, without the gap to the next.
  widthOf(level) {
    const pitch = (2 ** level / (this.to - this.from)) * this.right;
    return Math.max(1, Math.min(24, Math.round(pitch * 0.68)));
  }

  // Through all values, or the lowest and the highest of each group of bars, at 2 pixels: longer paths would cost frames.
  drawLine(ctx, line, { y }, width, fills = false) {
    const level = this.level(LINE);
    const { open, high, low, close } = line.levels.at(level);
    const size = 2 ** level;
    const seen = this.seenOf(line, level);
    const [first, last] = [Math.max(0, seen[0] - 1), Math.min(seen[1] + 1, open.length - 1)];
    const quarter = level && !fills ? ((size / (this.to - this.from)) * this.right) / 4 : 0;
    const path = new Path2D();
    const shade = new Path2D();
    let begun = false;
    let x = 0;
    for (let at = first; at <= last; at++) {
      if (close[at] !== close[at]) {
        if (line.sparse) continue;
        if (begun) shade.lineTo(x, y(0));
        begun = false;
        continue;
      }
      x = this.middle(at, level);
      const [one, other] = fills ? [low[at], low[at]] : close[at] < open[at] ? [high[at], low[at]] : [low[at], high[at]];
      if (!begun) path.moveTo(x - quarter, y(one));
      if (!begun) shade.moveTo(x, y(0));
      if (quarter) path.lineTo(x - quarter, y(one));
      path.lineTo(x + quarter, y(other));
      shade.lineTo(x, y(other));
      begun = true;
    }
    if (begun) shade.lineTo(x, y(0));
    ctx.lineJoin = "bevel";
    ctx.lineWidth = width;
    ctx.strokeStyle = ctx.fillStyle = this.colours(line.color);
    ctx.setLineDash(DASHES[line.dash] || []);
    ctx.stroke(path);
    ctx.setLineDash([]);
    if (!fills) return;
    ctx.globalAlpha = 0.22;
    ctx.fill(shade);
    ctx.globalAlpha = 1;
  }

  // A dashed line from each trade's entry to its exit, where there is room, in the colour of its gain or loss.
  drawTrades(ctx, { y, log }) {
    const seen = (this.series.trades ?? []).filter(({ from, to }) => to >= this.from && from < this.to);
    if (seen.length * 10 > this.right) return;
    ctx.lineWidth = 1.6;
    ctx.setLineDash([4, 3]);
    for (const { from, to, entry, exit, gains } of seen) {
      if (log && Math.min(entry, exit) <= 0) continue;
      ctx.strokeStyle = this.colours(gains ? "buy" : "sell");
      ctx.beginPath();
      ctx.moveTo(this.x(from), y(entry));
      ctx.lineTo(this.x(to), y(exit));
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  // Triangles at the orders' candles, where there is room; otherwise two rows of ticks below the prices. Orders that were
  // not filled, of which there may be one at each bar, crowd out no others.
  drawOrders(ctx, level, { y }, bottom) {
    const { at, side, status } = this.series.orders;
    const [first, last] = [firstNotBelow(at, Math.floor(this.from)), firstNotBelow(at, Math.ceil(this.to))];
    const filled = [];
    const others = [];
    for (let order = first; order < last; order++) (status[order] < 2 ? filled : others).push(order);
    const { high, low } = this.candles.at(level);
    for (const orders of [others, filled]) {
      if (orders.length * 10 > this.right) {
        this.drawTicks(ctx, orders, bottom, orders === filled ? 1 : 0.35);
        continue;
      }
      for (const order of orders) {
        const group = at[order] >> level;
        const tip = side[order] === 0 ? y(low[group]) + 4 : y(high[group]) - 4;
        this.drawTriangle(ctx, this.middle(group, level), tip, side[order] === 0, status[order]);
      }
    }
  }

  drawTicks(ctx, orders, bottom, alpha) {
    const columns = [new Set(), new Set()];
    for (const order of orders) columns[this.series.orders.side[order]].add(Math.round(this.x(this.series.orders.at[order])));
    ctx.globalAlpha = alpha;
    columns.forEach((pixels, number) => {
      ctx.fillStyle = this.colours(number ? "sell" : "buy");
      for (const x of pixels) ctx.fillRect(x, bottom - (number ? 11 : 5), 1, 5);
    });
    ctx.globalAlpha = 1;
  }

  // Filled orders (0) are solid, those of which only the closing leg was filled (1) pale, others (2 and 3) outlines.
  drawTriangle(ctx, x, tip, buys, status) {
    const way = buys ? 1 : -1;
    ctx.beginPath();
    ctx.moveTo(x, tip);
    ctx.lineTo(x + 5, tip + 8 * way);
    ctx.lineTo(x - 5, tip + 8 * way);
    ctx.closePath();
    ctx.strokeStyle = this.colours("ground");
    ctx.lineWidth = 3;
    ctx.stroke();
    ctx.strokeStyle = ctx.fillStyle = this.colours(buys ? "buy" : "sell");
    ctx.lineWidth = 1.2;
    ctx.globalAlpha = [1, 0.45, 0, 0][status];
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.stroke();
  }

  // The test part, tinted.
  drawCut(ctx) {
    if (!this.series.cut) return;
    const { at, end, labels } = this.series.cut;
    const [x, to] = [Math.round(this.x(at - 0.5)), Math.min(this.right, Math.round(this.x(end - 0.5)))];
    const bottom = this.tops.at(-1).bottom;
    ctx.fillStyle = this.colours("tint");
    ctx.fillRect(Math.max(x, 0), 0, Math.max(0, to - Math.max(x, 0)), bottom);
    if (x < 0 || x > this.right) return;
    ctx.strokeStyle = this.colours("soft");
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x + 0.5, 0);
    ctx.lineTo(x + 0.5, bottom);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = this.colours("soft");
    ctx.textAlign = "right";
    ctx.fillText(labels[0], x - 6, 10);
    ctx.textAlign = "left";
    ctx.fillText(labels[1], x + 6, 10);
  }

  // Labels of time: beginnings of a unit some 60 pixels long; of two that are too near, the one of lower rank gives way.
  timeTicks(ctx) {
    const { times } = this.series;
    const [first, last] = [Math.max(0, Math.floor(this.from)), Math.min(this.bars - 1, Math.ceil(this.to))];
    const wanted = ((times[last] - times[first]) * 62) / (this.x(last) - this.x(first) || 1);
    const unit = UNITS.find(([, , length]) => length >= wanted && (!this.series.dated || length >= DAY)) || UNITS.at(-1);
    const ticks = [];
    for (const time of beginnings(unit, times[first], times[last])) {
      const bar = firstNotBelow(times, time);
      if (bar < Math.max(1, first) || bar > last) continue;
      const tick = { x: this.x(bar), bar, ...timeLabel(times[bar], times[bar - 1], unit[0]) };
      const before = ticks.at(-1);
      if (!before || tick.x - before.x > 46) ticks.push(tick);
      else if (tick.rank > before.rank) ticks[ticks.length - 1] = tick;
    }
    return ticks.filter(({ x }) => x > 14 && x < this.right - 14);
  }

  drawTimes(ctx, ticks) {
    ctx.textAlign = "center";
    for (const { x, text, rank } of ticks) {
      ctx.fillStyle = this.colours(rank > 1 ? "ink" : "soft");
      ctx.fillText(text, x, this.height - 10);
    }
  }

  // All bars in small, drawn once, and a frame around those in view.
  drawOverview() {
    const { clientWidth: width, clientHeight: height } = this.overview;
    if (!width) return;
    const ctx = this.overview.getContext("2d");
    this.small ??= this.smallLine(width, height);
    const [from, to] = [this.from, this.to].map((bar) => Math.min(Math.max(bar / this.bars, 0), 1) * this.right);
    ctx.clearRect(0, 0, width, height);
    ctx.lineWidth = 1;
    ctx.strokeStyle = this.colours("soft");
    ctx.stroke(this.small);
    ctx.fillStyle = this.colours("brush");
    ctx.fillRect(from, 0, Math.max(3, to - from), height);
    ctx.strokeStyle = this.colours("focus");
    ctx.strokeRect(from + 0.5, 0.5, Math.max(3, to - from) - 1, height - 1);
  }

  smallLine(width, height) {
    const level = Math.max(0, Math.ceil(Math.log2((LINE * this.bars) / width)));
    const { close } = this.candles.at(level);
    const known = close.filter((value) => value === value);
    const [least, most] = [known.reduce((one, other) => Math.min(one, other), Infinity), known.reduce((one, other) => Math.max(one, other), -Infinity)];
    const path = new Path2D();
    close.forEach((value, at) => {
      const y = height - 4 - ((value - least) / (most - least || 1)) * (height - 8);
      if (value === value) path.lineTo((((at + 0.5) * 2 ** level) / this.bars) * this.right, y);
    });
    return path;
  }

  drawCross() {
    const ctx = this.over.getContext("2d");
    if (this.crossed) ctx.clearRect(0, 0, this.width, this.height);
    this.crossed = Boolean(this.cross);
    if (!this.cross) return;
    const { first, level } = this.groupOf(this.cross.bar);
    const x = Math.round(this.middle(first >> level, level)) + 0.5;
    if (x < 0 || x > this.right) return;
    ctx.font = `11px ${getComputedStyle(this.box).fontFamily}`;
    ctx.textBaseline = "middle";
    ctx.strokeStyle = this.colours("soft");
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(x, 0);
    ctx.lineTo(x, this.height - 22);
    const scale = this.scales.find(({ edge }) => this.cross.y !== null && this.cross.y <= edge);
    if (scale) {
      ctx.moveTo(0, this.cross.y);
      ctx.lineTo(this.right, this.cross.y);
    }
    ctx.stroke();
    ctx.setLineDash([]);
    if (scale) {
      const text = figure(scale.value(this.cross.y), scale.digits) + (scale.suffix || "");
      this.drawTag(ctx, text, this.right + 4, this.cross.y, "left");
    }
    this.drawTag(ctx, this.series.timeText(first), x, this.height - 10, "center");
  }

  drawTag(ctx, text, x, y, align) {
    const width = ctx.measureText(text).width + 10;
    const left = align === "center" ? Math.min(Math.max(x - width / 2, 0), this.width - width) : Math.min(x, this.width - width);
    ctx.fillStyle = this.colours("ink");
    ctx.fillRect(left, y - 9, width, 18);
    ctx.fillStyle = this.colours("ground");
    ctx.textAlign = "left";
    ctx.fillText(text, left + 5, y);
  }

  // Pointer, wheel and keys.

  listen() {
    const { over } = this;
    over.addEventListener("pointerdown", (event) => {
      over.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event.offsetX);
      if (event.pointerType === "touch") this.point(Math.floor(this.at(event.offsetX)), event.offsetY);
    });
    over.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"]) {
      over.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    // A finger that is lifted leaves the crosshair where it touched.
    over.addEventListener("pointerleave", ({ pointerType }) => this.series && pointerType !== "touch" && this.point(null));
    over.addEventListener("dblclick", () => this.all());
    over.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    over.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.altKey && !event.metaKey && this.pressed(event.key, event.shiftKey)) event.preventDefault();
    });
    const brush = ({ offsetX }) => {
      const [middle, half] = [(offsetX / this.right) * this.bars, (this.to - this.from) / 2];
      this.look(middle - half, middle + half);
    };
    this.overview.addEventListener("pointerdown", (event) => {
      this.overview.setPointerCapture(event.pointerId);
      brush(event);
    });
    this.overview.addEventListener("pointermove", (event) => event.buttons && brush(event));
  }

  // One pointer that is pressed pans, two zoom; one that is not points.
  moved(event) {
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) return this.point(Math.floor(this.at(event.offsetX)), event.offsetY);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
    this.pointers.set(event.pointerId, event.offsetX);
    if (others.length) {
      const [gap, was] = [Math.abs(event.offsetX - others[0]), Math.abs(before - others[0])];
      return this.zoom(Math.max(was, 8) / Math.max(gap, 8), this.at((event.offsetX + others[0]) / 2));
    }
    return this.pan((before - event.offsetX) / this.right);
  }

  // The wheel alone scrolls the page; with Ctrl, or by pinching, which browsers report so, it zooms; sideways it pans.
  wheeled(event) {
    if (event.ctrlKey) this.zoom(Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 120), this.at(event.offsetX));
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.pan((event.deltaX || event.deltaY) / this.right);
    } else return;
    event.preventDefault();
  }

  // Does what a key is for; returns whether it is for something.
  pressed(key, shift) {
    const bars = (by) => this.stepCross(by);
    const does = {
      ArrowLeft: () => (shift ? bars(-1) : this.pan(-0.12)),
      ArrowRight: () => (shift ? bars(1) : this.pan(0.12)),
      ArrowUp: () => this.zoom(0.7),
      ArrowDown: () => this.zoom(1 / 0.7),
      "+": () => this.zoom(0.7),
      "=": () => this.zoom(0.7),
      "-": () => this.zoom(1 / 0.7),
      Home: () => this.look(0, this.to - this.from),
      End: () => this.look(this.bars - (this.to - this.from), this.bars),
      0: () => this.all(),
      n: () => this.step(1),
      p: () => this.step(-1),
      Escape: () => this.point(null),
    }[key];
    if (does) does();
    return Boolean(does);
  }

  // Moves the crosshair by candles, and the view after it.
  stepCross(by) {
    const here = this.cross ? this.cross.bar : Math.floor((this.from + this.to) / 2);
    const { first, last } = this.groupOf(here);
    const bar = Math.min(Math.max(by > 0 ? last + 1 : first - 1, 0), this.bars - 1);
    if (bar < this.from || bar > this.to) this.look(bar - (this.to - this.from) / 2, bar + (this.to - this.from) / 2);
    this.point(bar);
  }
}

// A pane whose lines know their groups.
function levelled(pane) {
  const levelsOf = (values) => (pane.sums ? Levels.ofSums(values) : Levels.ofLine(values));
  return { ...pane, lines: pane.lines.map((line) => ({ ...line, levels: levelsOf(line.values) })) };
}
