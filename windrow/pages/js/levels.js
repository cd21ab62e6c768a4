// Columns of values, and of groups of 2, 4, 8 ... of them, which are summed up once, when they are first needed.

// A column's values, and the open, high, low and close of its groups of 2^level values.
class Levels {
  constructor(open, high, low, close, join = halved) {
    this.levels = [{ open, high, low, close }];
    this.join = join;
  }

  static ofLine(values) {
    return new Levels(values, values, values, values);
  }

  // Of values that add up, such as volumes.
  static ofSums(values) {
    return new Levels(values, values, values, values, added);
  }

  at(level) {
    while (this.levels.length <= level) this.levels.push(this.join(this.levels.at(-1)));
    return this.levels[level];
  }
}

// Each two groups as one. A missing value is NaN, which is passed over.
function halved({ open, high, low, close }) {
  const size = Math.ceil(open.length / 2);
  const group = { open: new Float64Array(size), high: new Float64Array(size) };
  Object.assign(group, { low: new Float64Array(size), close: new Float64Array(size) });
  for (let at = 0; at < size; at++) {
    const one = 2 * at;
    const other = Math.min(one + 1, open.length - 1);
    group.open[at] = open[one] === open[one] ? open[one] : open[other];
    group.close[at] = close[other] === close[other] ? close[other] : close[one];
    group.high[at] = high[one] >= high[other] || high[other] !== high[other] ? high[one] : high[other];
    group.low[at] = low[one] <= low[other] || low[other] !== low[other] ? low[one] : low[other];
  }
  return group;
}

// The same of values that add up.
function added({ close }) {
  const sums = new Float64Array(Math.ceil(close.length / 2));
  for (let at = 0; at < sums.length; at++) sums[at] = sumOf(close, 2 * at, 2 * at + 1);
  return { open: sums, high: sums, low: sums, close: sums };
}

// The sum of the values from `first` to `last`, as far as there are any.
function sumOf(values, first, last) {
  let sum = NaN;
  for (const value of values.subarray(first, last + 1)) if (value === value) sum = sum === sum ? sum + value : value;
  return sum;
}

// The first position whose value is not below `value`; `values` ascend.
function firstNotBelow(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
