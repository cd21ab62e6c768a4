// What a report tells of returns of days: Sharpe ratio and volatility over a rolling window, and their distribution.

const DAY_BINS = 40;
const daysOf = ({ sheet }) => sheet?.daily ?? null;
const rolled = { chart: null, times: null, panes: [] };

function showDays(symbol) {
  const daily = daysOf(symbol);
  showRolling(daily);
  showDistribution(daily);
}

// The rolling figures: two panes over the days that have a whole window behind them.
function showRolling(daily) {
  const rolling = daily?.rolling;
  byId("rolled").hidden = !rolling;
  if (!rolling) return;
  const { window: wide, sharpe, volatility } = rolling;
  byId("rolled-title").textContent = `Rolling Sharpe ratio and volatility, ${figure(wide, 0)} ${daily.unit}`;
  rolled.times = column(daily.times).subarray(wide - 1);
  rolled.panes = [paneOf("Sharpe ratio", sharpe, 2, ""), paneOf("Volatility", volatility, 1, " %")];
  rolled.chart ??= new Chart(byId("rolling"), element("canvas"), "Rolling Sharpe ratio and volatility", readRolling);
  const none = new Float64Array(rolled.times.length).fill(NaN);
  rolled.chart.show({
    times: rolled.times,
    candles: { open: none, high: none, low: none, close: none },
    panes: rolled.panes,
    bare: true,
    even: true,
    orders: { at: [] },
    cut: null,
    digits: 2,
    dated: true,
    timeText: (day) => timeText(rolled.times[day], true),
  });
}

function paneOf(name, columns, digits, suffix) {
  const lines = columns.map((values, at) => ({ name: at ? "Buy and hold" : name, values: column(values), color: at ? "benchmark" : "equity", dash: "solid" }));
  return { lines: lines.reverse(), digits, suffix };
}

// The figures under the crosshair, or the last ones.
function readRolling(group) {
  const at = group ? group.last : rolled.times.length - 1;
  const labels = rolled.panes.map(({ lines, digits, suffix }) => spaced(lines.toReversed().map((line) => lineLabel(line, at, digits, suffix))));
  byId("rolled-read").replaceChildren(element("b", timeText(rolled.times[at], true)), " ", ...labels[0]);
  const below = byId("rolled-labels").firstElementChild;
  below.style.top = "var(--top-1)";
  below.replaceChildren(...labels[1]);
}

// The distribution of the days on which the value changed.
function showDistribution(daily) {
  const returns = daily && column(daily.returns);
  const changed = returns ? returns.filter((value) => value === value && value !== 0) : [];
  byId("distribution").hidden = changed.length < 10;
  if (byId("distribution").hidden) return;
  const { unit } = daily;
  const known = returns.filter((value) => value === value);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const [worst, best] = [changed.reduce((one, other) => Math.min(one, other)), changed.reduce((one, other) => Math.max(one, other))];
  const on = (value) => timeText(column(daily.times)[returns.indexOf(value)], true);
  byId("distribution-title").textContent = `Returns of ${figure(changed.length, 0)} ${unit}`;
  showHistogram(byId("days"), changed, SHARE, unit, { most: DAY_BINS, marks: [["worst", worst], ["mean", mean], ["best", best]] });
  const text = (words, value) => [`${words} `, element("b", SIGNED_SHARE(value), { class: value < 0 ? "loss" : "gain" })];
  const still = known.length - changed.length;
  byId("extremes").replaceChildren(
    ...text("Mean", mean), ...text(", worst", worst), ` on ${on(worst)}`, ...text(", best", best), ` on ${on(best)}.`,
    still === 1 ? ` A ${unit.replace(/s$/, "")} without a change counts for the mean alone.` : "",
    still > 1 ? ` ${figure(still, 0)} ${unit} without a change count for the mean alone.` : "",
  );
}
