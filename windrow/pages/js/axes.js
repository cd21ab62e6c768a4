// Labels of axes: round numbers, and beginnings of calendar units from seconds to centuries.

// Round values to label an axis with: multiples of 1, 2 or 5 times a power of ten.
function roundValues(low, high, most) {
  const span = high - low;
  if (!(span > 0) || most < 1) return [];
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = power * [1, 2, 5, 10].find((factor) => span / (factor * power) <= most);
  const first = Math.ceil(low / step) * step;
  const values = [];
  for (let count = 0; count <= most && first + count * step <= high; count++) values.push(first + count * step);
  values.step = step;
  return values;
}

// The same of a logarithmic axis: 1, 2 and 5 times powers of ten, or fewer where they are too many; round values where the
// axis is short. Both ends are above 0.
function logValues(low, high, most) {
  if (high < 4 * low) return roundValues(low, high, most);
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  for (const [factors, every] of [[[1, 2, 5], 1], [[1, 3], 1], ...[1, 2, 3, 5, 10, 20, 50, 100].map((count) => [[1], count])]) {
    const values = [];
    for (let power = first; power <= last; power += every) {
      values.push(...factors.map((factor) => Number(`${factor}e${power}`)).filter((value) => value >= low && value <= high));
    }
    if (values.length <= most) return values;
  }
  return [];
}

// Times are labelled at the first bars of calendar units: [unit, how many of it, its length in ms].
const SECOND = 1e3;
const DAY = 864e5;
const UNITS = [
  ...[1, 5, 15, 30].map((count) => ["second", count, count * SECOND]),
  ...[1, 2, 5, 10, 15, 30].map((count) => ["minute", count, count * 60 * SECOND]),
  ...[1, 2, 3, 6, 12].map((count) => ["hour", count, count * 3600 * SECOND]),
  ...[1, 2, 5, 10].map((count) => ["day", count, count * DAY]),
  ...[1, 2, 3, 6].map((count) => ["month", count, count * 30.4 * DAY]),
  ...[1, 2, 5, 10, 20, 50, 100].map((count) => ["year", count, count * 365 * DAY]),
];

// Beginnings of units from `from` to `to` (ms). Days are counted from the first of each month, so that labels do not move.
function* beginnings([unit, count, length], from, to) {
  const date = new Date(from);
  let year = date.getUTCFullYear();
  let month = date.getUTCMonth();
  if (unit === "year") {
    for (year -= year % count; Date.UTC(year, 0) <= to; year += count) yield Date.UTC(year, 0);
  } else if (unit === "month") {
    for (month -= month % count; Date.UTC(year, month) <= to; month += count) yield Date.UTC(year, month);
  } else if (unit === "day" && count > 1) {
    for (; Date.UTC(year, month) <= to; month++) {
      for (let day = 1; day <= 31 - count / 2; day += count) yield Date.UTC(year, month, day);
    }
  } else {
    for (let time = Math.floor(from / length) * length; time <= to; time += length) yield time;
  }
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// A label shows what changed since the bar before: the year, the month, the day or the time of day.
function timeLabel(time, before, unit) {
  const [now, then] = [new Date(time), new Date(before)];
  if (now.getUTCFullYear() !== then.getUTCFullYear()) return { text: String(now.getUTCFullYear()), rank: 3 };
  if (now.getUTCMonth() !== then.getUTCMonth()) {
    const month = MONTHS[now.getUTCMonth()];
    return { text: unit === "month" || unit === "day" ? month : `${now.getUTCDate()} ${month}`, rank: 2 };
  }
  const day = now.getUTCDate();
  if (unit === "day") return { text: String(day), rank: 1 };
  if (day !== then.getUTCDate()) return { text: `${day} ${MONTHS[now.getUTCMonth()]}`, rank: 1 };
  return { text: now.toISOString().slice(11, unit === "second" ? 19 : 16), rank: 0 };
}
