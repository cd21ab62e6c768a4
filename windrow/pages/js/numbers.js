// Numbers and times as people read them.

const formats = new Map();

function figure(value, digits = 2) {
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  const text = formats.get(digits).format(value);
  return text.replace("-", "\u2212").replace(/^\u2212(?=[0.,]*$)/, "");
}

function signed(value, digits = 2) {
  const text = figure(value, digits);
  return /^[0.,\u2212]*$/.test(text) || value < 0 ? text : `+${text}`;
}

// As many decimals as the step between an axis' numbers has; millions and billions as M and B.
function axisNumber(value, step) {
  const millions = step < 1e5 ? 1e7 : 1e6; // of fine steps the decimals would be longer than the zeros
  const [by, letter] = Math.abs(value) >= 1e9 ? [1e9, "B"] : Math.abs(value) >= millions ? [1e6, "M"] : [1, ""];
  return figure(value / by, Math.min(20, Math.max(0, -Math.floor(Math.log10(step / by) + 1e-9)))) + letter;
}

// Milliseconds since 1970 in UTC: a date, or a date and a time of day, to the minute, second or millisecond.
function timeText(time, dated) {
  const iso = new Date(time).toISOString();
  if (dated) return iso.slice(0, 10);
  return `${iso.slice(0, 10)} ${iso.slice(11, time % 1000 ? 23 : time % 60000 ? 19 : 16)}`;
}

// Columns arrive as base64 of little-endian numbers: integers with so many decimals, or float64.

const KINDS = { i1: Int8Array, i2: Int16Array, i4: Int32Array, f8: Float64Array };

function unpacked({ kind, digits, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const raw = new KINDS[kind](bytes.buffer);
  if (kind === "f8") return raw;
  const none = -(2 ** (8 * raw.BYTES_PER_ELEMENT - 1)); // means: no value
  const unit = 10 ** digits;
  return Float64Array.from(raw, (value) => (value === none ? NaN : value / unit));
}

// Times as steps from the first.
function unpackedTimes({ first, unit, steps }) {
  const times = new Float64Array(unpacked(steps));
  for (let at = 0, sum = 0; at < times.length; at++) times[at] = first + unit * (sum += times[at]);
  return times;
}
