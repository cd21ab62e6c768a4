// A map of all pairs: fast windows from left to right, slow ones from bottom to top; the colour is a figure. In pictures
// it is Vega-Lite; on pages it is not, for they are also written where Vega is not installed, which is ten times the page.

const TOP = 6; // pixels above the highest row, for half of its label

class HeatMap {
  // `point(pair)` is called with the pair that pointer or keys point at, or null; `choose(pair)` after a click or Enter.
  constructor(canvas, point, choose) {
    Object.assign(this, { canvas, point, choose, marked: null, chosen: null, best: null });
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
    new ResizeObserver(() => this.redraw()).observe(canvas.parentElement);
  }

  // fast, slow: each pair's windows; values: each pair's figure, NaN where it is undefined; colour(value): see colourScale.
  show({ fast, slow }, values, colour, digits) {
    Object.assign(this, { fast, slow, values, colour, digits });
    this.columns = [...new Set(fast)].sort((one, other) => one - other);
    this.rows = [...new Set(slow)].sort((one, other) => one - other);
    const number = (windows) => new Map(windows.map((window, at) => [window, at]));
    const [columns, rows] = [number(this.columns), number(this.rows)];
    this.places = Array.from(fast, (window, pair) => [columns.get(window), rows.get(slow[pair])]);
    this.pairs = new Map(this.places.map((place, pair) => [place.join(), pair]));
    this.redraw();
  }

  redraw() {
    this.drawn = null;
    this.draw();
  }

  mark(pair, kind) {
    if (this[kind] === pair) return;
    this[kind] = pair;
    this.draw();
  }

  pairOf(column, row) {
    return this.pairs.get(`${column},${row}`) ?? null;
  }

  pairAt({ offsetX, offsetY }) {
    if (!this.cell || offsetX < this.left) return null;
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
          break;
        }
        [column, row] = [column + way[0], row + way[1]];
      }
    } else return;
    event.preventDefault();
  }

  draw() {
    if (!this.values || !this.canvas.parentElement.clientWidth) return;
    const style = getComputedStyle(document.documentElement);
    const colours = (name) => style.getPropertyValue(`--${name}`).trim();
    const { canvas } = this;
    const width = canvas.parentElement.clientWidth;
    this.left = 36;
    const cell = Math.max(2, Math.min(120, (width - this.left - 3) / this.columns.length));
    const tall = Math.max(2, Math.min(30, cell, Math.max(420 / this.rows.length, 2)));
    this.cell = { width: cell, height: Math.max(tall, Math.min(22, 420 / this.rows.length)) };
    const height = this.cell.height * this.rows.length + TOP + 22;
    const scale = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    this.drawn ??= this.drawCells(canvas, scale, colours, height);
    const ctx = canvas.getContext("2d");
    ctx.drawImage(this.drawn, 0, 0);
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    for (const kind of ["best", "chosen", "marked"]) this.drawFrame(ctx, kind, colours);
  }

  // Everything but the frames, which alone change as the pointer moves over the map.
  drawCells({ width, height: tall }, scale, colours, height) {
    const drawn = Object.assign(document.createElement("canvas"), { width, height: tall });
    const ctx = drawn.getContext("2d");
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    ctx.textBaseline = "middle";
    const gap = this.cell.width > 8 && this.cell.height > 8 ? 1 : 0;
    for (let pair = 0; pair < this.values.length; pair++) this.drawCell(ctx, pair, gap, colours);
    this.drawLabels(ctx, colours, height);
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
    const text = figure(value, this.digits);
    if (height < 13 || ctx.measureText(text).width > width - 6) return;
    ctx.fillStyle = this.colour(value).ink;
    ctx.textAlign = "center";
    ctx.fillText(text, x + (width - gap) / 2, y + (height - gap) / 2 + 0.5);
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

  drawLabels(ctx, colours, height) {
    ctx.fillStyle = colours("soft");
    ctx.textAlign = "center";
    const every = Math.ceil(28 / this.cell.width);
    this.columns.forEach((window, at) => {
      if (at % every === 0) ctx.fillText(window, this.left + (at + 0.5) * this.cell.width, height - 10);
    });
    ctx.textAlign = "right";
    const rows = Math.ceil(14 / this.cell.height);
    this.rows.forEach((window, at) => {
      if (at % rows === 0) ctx.fillText(window, this.left - 8, TOP + (this.rows.length - at - 0.5) * this.cell.height);
    });
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
