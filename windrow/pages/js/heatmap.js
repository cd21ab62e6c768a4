// A map of all pairs: fast windows from left to right, slow ones from bottom to top; the colour is a figure. In pictures
// it is Vega-Lite; on pages it is not, for they are also written where Vega is not installed, which is ten times the page.

const TOP = 6; // pixels above the highest row, for half of its label
const FEET = 40; // pixels below the lowest row, for windows and the axis' title
const LEAST_ROW = 15; // pixels of a row with numbers
const MOST_NUMBERED = 48; // columns, or rows, of a map with numbers; of larger ones the pair pointed at alone has its own

// A number in few letters, for narrow cells: 13,914 is 13.9k.
function shortFigure(value, digits) {
  const size = Math.abs(value);
  if (size < 9999.5) return figure(value, size < 9.995 ? digits : size < 99.95 ? Math.min(digits, 1) : 0);
  const [unit, letter] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([least]) => size >= 0.9995 * least);
  const shown = size / unit;
  return figure(value / unit, shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0) + letter;
}

class HeatMap {
  // `point(pair)` is called with the pair that pointer or keys point at, or null; `choose(pair)` after a click or Enter.
  constructor(canvas, point, choose) {
    Object.assign(this, { canvas, point, choose, box: canvas.parentElement, marked: null, chosen: null, best: null });
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "heat map");
    canvas.addEventListener("pointermove", (event) => point(this.pairAt(event)));
    canvas.addEventListener("pointerleave", () => point(null));
    canvas.addEventListener("click", (event) => {
      const pair = this.pairAt(event);
      if (pair !== null) choose(pair);
    });
    canvas.addEventListener("keydown", (event) => this.pressed(event));
    this.box.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.redraw()).observe(this.box);
  }

  // fast, slow: each pair's windows; values: each pair's figure, NaN where it is undefined; colour(value): see
  // colourScale; titles: of both axes.
  show({ fast, slow }, values, colour, digits, titles) {
    Object.assign(this, { fast, slow, values, colour, digits, titles });
    this.columns = [...new Set(fast)].sort((one, other) => one - other);
    this.rows = [...new Set(slow)].sort((one, other) => one - other);
    const number = (windows) => new Map(windows.map((window, at) => [window, at]));
    const [columns, rows] = [number(this.columns), number(this.rows)];
    this.places = Array.from(fast, (window, pair) => [columns.get(window), rows.get(slow[pair])]);
    this.pairs = new Map(this.places.map((place, pair) => [place.join(), pair]));
    this.measure();
  }

  // Maps side by side have cells of one size.
  static even(maps) {
    for (const name of ["whole", "short"]) {
      const most = Math.max(...maps.map(({ needs }) => needs[name]));
      for (const { needs } of maps) needs[name] = most;
    }
    for (const map of maps) map.redraw();
  }

  // How wide cells must be for numbers, whole and short, and how much room the axis of slow windows takes.
  measure() {
    const ctx = document.createElement("canvas").getContext("2d");
    ctx.font = this.font;
    const widest = (texts) => texts.reduce((most, text) => Math.max(most, ctx.measureText(text).width), 0);
    const known = [...this.values].filter((value) => value === value);
    const isFew = Math.max(this.columns.length, this.rows.length) <= MOST_NUMBERED;
    const widths = [figure, shortFigure].map((form) => (isFew ? widest(known.map((value) => form(value, this.digits))) + 7 : Infinity));
    const window = widest(this.columns.map(String)) + 8;
    this.needs = { whole: Math.max(widths[0], window), short: Math.max(widths[1], window) };
    this.left = Math.ceil(widest(this.rows.map(String))) + 30;
  }

  // The width that numbers take, below which maps are better one below the other than side by side; 0 without any.
  get least() {
    const width = this.left + this.columns.length * this.needs.short + 3;
    return width < Infinity ? width : 0;
  }

  get font() {
    return `11px ${getComputedStyle(this.canvas).fontFamily}`;
  }

  redraw() {
    this.drawn = null;
    this.draw();
  }

  mark(pair, kind) {
    if (this[kind] === pair) return;
    this[kind] = pair;
    if (kind === "chosen") this.reveal(pair);
    this.draw();
  }

  // Scrolls a pair into sight, where a map is wider than its box.
  reveal(pair) {
    if (pair === null || !this.cell) return;
    const [x] = this.place(pair);
    const { box } = this;
    box.scrollLeft = Math.min(Math.max(box.scrollLeft, x + this.cell.width - box.clientWidth), x - this.left);
  }

  pairOf(column, row) {
    return this.pairs.get(`${column},${row}`) ?? null;
  }

  pairAt({ offsetX, offsetY }) {
    if (!this.cell || offsetX < this.left + this.box.scrollLeft) return null;
    const row = this.rows.length - 1 - Math.floor((offsetY - TOP) / this.cell.height);
    return this.pairOf(Math.floor((offsetX - this.left) / this.cell.width), row);
  }

  // Arrows go to the next pair in their direction, over empty places of the grid.
  pressed(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const here = this.marked ?? this.chosen ?? 0;
    if (event.key === "Enter" || event.key === " ") this.choose(here);
    else if (event.key === "Escape") this.point(null);
    else if (way) {
      let [column, row] = this.places[here].map((place, at) => place + way[at]);
      while (column >= 0 && row >= 0 && column < this.columns.length && row < this.rows.length) {
        const pair = this.pairOf(column, row);
        if (pair !== null) {
          this.point(pair);
          this.reveal(pair);
          break;
        }
        [column, row] = [column + way[0], row + way[1]];
      }
    } else return;
    event.preventDefault();
  }

  // Cells are as wide as the box has room for; where numbers need more, as wide as these, and the box scrolls.
  size(width) {
    const fits = (width - this.left - 3) / this.columns.length;
    const { whole, short } = this.needs;
    const form = fits >= whole ? figure : shortFigure;
    const isNumbered = short < Infinity;
    const seen = (width - this.left) / (Math.floor((width - this.left) / short - 0.5) + 0.5); // of which the last is half seen
    const cell = Math.min(120, !isNumbered ? Math.max(2, fits) : fits >= short ? fits : Math.max(seen, short));
    const share = 420 / this.rows.length;
    const tall = Math.max(2, Math.min(30, cell, Math.max(share, 2)), Math.min(22, share));
    this.form = isNumbered ? form : null;
    this.cell = { width: cell, height: Math.max(tall, isNumbered ? LEAST_ROW : 0) };
  }

  draw() {
    const { canvas, box } = this;
    const visible = box.clientWidth;
    if (!this.values || !visible) return;
    const style = getComputedStyle(document.documentElement);
    const colours = (name) => style.getPropertyValue(`--${name}`).trim();
    this.size(visible);
    const width = Math.max(visible, Math.ceil(this.left + this.cell.width * this.columns.length + 3));
    const height = this.cell.height * this.rows.length + TOP + FEET;
    const scale = devicePixelRatio || 1;
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    this.drawn ??= this.drawCells(canvas, scale, colours, height);
    const ctx = canvas.getContext("2d");
    ctx.drawImage(this.drawn, 0, 0);
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.font = this.font;
    ctx.textBaseline = "middle";
    for (const kind of ["best", "chosen", "marked"]) this.drawFrame(ctx, kind, colours);
    this.drawSides(ctx, colours, visible, height);
    const told = this.marked ?? this.chosen;
    if (!this.form && told !== null) this.drawTold(ctx, told, colours, visible);
  }

  // Cells and fast windows; all else changes as the pointer moves over the map, or the box scrolls.
  drawCells({ width, height: tall }, scale, colours, height) {
    const drawn = Object.assign(document.createElement("canvas"), { width, height: tall });
    const ctx = drawn.getContext("2d");
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.font = this.font;
    ctx.textBaseline = "middle";
    const gap = this.cell.width > 8 && this.cell.height > 8 ? 1 : 0;
    for (let pair = 0; pair < this.values.length; pair++) this.drawCell(ctx, pair, gap, colours);
    this.drawColumns(ctx, colours, height);
    return drawn;
  }

  place(pair) {
    const [column, row] = this.places[pair];
    return [this.left + column * this.cell.width, TOP + (this.rows.length - 1 - row) * this.cell.height];
  }

  drawCell(ctx, pair, gap, colours) {
    const [x, y] = this.place(pair);
    const { width, height } = this.cell;
    const value = this.values[pair];
    ctx.fillStyle = value === value ? this.colour(value).ground : colours("line");
    ctx.fillRect(x, y, width - gap, height - gap);
    if (value !== value) return this.drawNone(ctx, x, y, colours);
    if (!this.form) return;
    ctx.fillStyle = this.colour(value).ink;
    ctx.textAlign = "center";
    ctx.fillText(this.form(value, this.digits), x + (width - gap) / 2, y + (height - gap) / 2 + 0.5);
  }

  // A dash marks a pair whose figure is undefined.
  drawNone(ctx, x, y, colours) {
    const { width, height } = this.cell;
    ctx.strokeStyle = colours("soft");
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x + width / 2 - Math.min(4, width / 3), y + height / 2);
    ctx.lineTo(x + width / 2 + Math.min(4, width / 3), y + height / 2);
    ctx.stroke();
  }

  drawColumns(ctx, colours, height) {
    ctx.fillStyle = colours("soft");
    ctx.textAlign = "center";
    const every = Math.ceil(28 / this.cell.width);
    this.columns.forEach((window, at) => {
      if (at % every === 0) ctx.fillText(window, this.left + (at + 0.5) * this.cell.width, height - FEET + 12);
    });
  }

  // Slow windows and both titles, which stay where they are while the box scrolls.
  drawSides(ctx, colours, visible, height) {
    const { scrollLeft } = this.box;
    const { left } = this;
    const bottom = height - FEET;
    if (scrollLeft) {
      ctx.fillStyle = colours("ground");
      ctx.fillRect(scrollLeft, 0, left - 1, height);
    }
    ctx.fillStyle = colours("soft");
    ctx.textAlign = "right";
    const every = Math.ceil(14 / this.cell.height);
    this.rows.forEach((window, at) => {
      if (at % every === 0) ctx.fillText(window, scrollLeft + left - 8, TOP + (this.rows.length - at - 0.5) * this.cell.height);
    });
    ctx.textAlign = "center";
    const wide = Math.min(visible - left, this.columns.length * this.cell.width);
    ctx.fillText(this.titles[0], scrollLeft + left + Math.max(wide, 200) / 2, height - 9, visible - left);
    ctx.save();
    ctx.translate(scrollLeft + 8, (TOP + bottom) / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(this.titles[1], 0, 0, height);
    ctx.restore();
  }

  // The figure of a pair beside it, in a map without numbers.
  drawTold(ctx, pair, colours, visible) {
    const [x, y] = this.place(pair);
    const value = this.values[pair];
    const text = `${this.fast[pair]} / ${this.slow[pair]}: ${value === value ? figure(value, this.digits) : NONE}`;
    const width = ctx.measureText(text).width + 14;
    const from = Math.min(Math.max(x + this.cell.width / 2 - width / 2, this.left), visible - width - 1);
    const top = y > 30 ? y - 27 : y + this.cell.height + 5;
    ctx.beginPath();
    ctx.roundRect(from, top, width, 21, 4);
    ctx.fillStyle = colours("card");
    ctx.strokeStyle = colours("soft");
    ctx.lineWidth = 1;
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = colours("ink");
    ctx.textAlign = "center";
    ctx.fillText(text, from + width / 2, top + 11);
  }

  drawFrame(ctx, kind, colours) {
    if (this[kind] === null) return;
    const [x, y] = this.place(this[kind]);
    const { width, height } = this.cell;
    if (kind === "best") {
      ctx.setLineDash([3, 2]);
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = colours("ink");
      ctx.strokeRect(x + 1, y + 1, width - 3, height - 3);
      ctx.setLineDash([]);
      return;
    }
    for (const [line, colour] of [[4.5, "ground"], [2, kind === "marked" ? "focus" : "ink"]]) {
      ctx.lineWidth = line;
      ctx.strokeStyle = colours(colour);
      ctx.strokeRect(x - 0.5, y - 0.5, width, height);
    }
  }
}

// Relative luminance, as WCAG 2 defines it; above 0.179 black has more contrast than white.
function luminance(colour) {
  const [red, green, blue] = colour.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// Where colours end on one side of zero: at the largest figure, or, if few are much larger, at that above most others.
function reach(figures) {
  const sizes = figures.map(Math.abs).sort((one, other) => one - other);
  const [largest, usual] = [sizes.at(-1), sizes[Math.ceil(0.95 * (sizes.length - 1))]];
  return largest > 3 * usual ? usual : largest;
}

// Colours for figures: from orange by pale to blue, pale at zero, or from pale to blue where all have one sign.
function colourScale(values, dark) {
  const known = values.filter((value) => value === value);
  const [least, most] = [known.reduce((one, other) => Math.min(one, other), Infinity), known.reduce((one, other) => Math.max(one, other), -Infinity)];
  const both = least < 0 && most > 0;
  const low = both || most <= 0 ? -reach(known.filter((value) => value < 0 || !both)) : least;
  const high = both || least >= 0 ? reach(known.filter((value) => value > 0 || !both)) : most;
  const middle = dark ? [38, 45, 55] : [243, 245, 248];
  const [above, below] = dark ? [[86, 180, 233], [255, 140, 66]] : [[0, 98, 160], [200, 84, 0]];
  const span = high - low || 1;
  const colour = (value) => {
    const place = Math.min(Math.max(value, low), high);
    const share = both ? place / (place < 0 ? -low : high) : (place - (most <= 0 ? high : low)) / span;
    const end = share < 0 ? below : above;
    const mixed = middle.map((from, at) => Math.round(from + (end[at] - from) * Math.abs(share)));
    return { ground: `rgb(${mixed})`, ink: luminance(mixed) > 0.179 ? "#0b0f14" : "#ffffff" };
  };
  return { colour, low, high, below: least < low, above: most > high, known: known.length };
}
