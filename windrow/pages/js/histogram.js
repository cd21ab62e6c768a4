// A histogram of a column: bars that are elements, so that they have words, and colours of the page.

const BINS = 28;

// Bins of a round width, at least 1 of `step`; few values that are far out are in the first and the last one.
function binned(values) {
  const known = Array.from(values).filter((value) => value === value).sort((one, other) => one - other);
  if (!known.length) return [];
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const [low, high] = known.length > 100 ? [at(0.005), at(0.995)] : [known[0], known.at(-1)];
  const { step = Math.abs(low) || 1 } = roundValues(low, high, BINS);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first, Math.ceil(high / step - 1e-9) - 1);
  const bins = Array.from({ length: last - first + 1 }, (_, bin) => ({ from: (first + bin) * step, to: (first + bin + 1) * step, count: 0 }));
  for (const value of known) bins[Math.min(Math.max(Math.floor(value / step + 1e-9), first), last) - first].count += 1;
  return bins;
}

// Fills a box. `form` writes a value, `what` is what is counted.
function showHistogram(box, values, form, what) {
  const bins = binned(values);
  const most = bins.reduce((one, { count }) => Math.max(one, count), 1);
  const bars = element("div", "", { class: "bars", role: "img" });
  const ends = element("div", "", { class: "ends", "aria-hidden": "true" });
  bins.forEach(({ from, to, count }) => {
    const bar = element("span", "", { class: (from + to) / 2 < 0 ? "below" : "above", title: `${form(from)} to ${form(to)}: ${figure(count, 0)} ${what}` });
    bar.style.height = `${(100 * count) / most}%`;
    bars.append(bar);
  });
  bars.setAttribute("aria-label", `${what}: ${bins.filter(({ count }) => count).map(({ from, to, count }) => `${form(from)} to ${form(to)} ${count}`).join(", ")}`);
  if (bins.length) {
    const { from } = bins[0];
    const { to } = bins.at(-1);
    ends.append(element("span", form(from)), element("span", `${figure(most, 0)} ${what} at most`), element("span", form(to)));
    const zero = -from / (to - from);
    if (zero > 0.12 && zero < 0.88) {
      const label = ends.appendChild(element("span", "0", { class: "zero" }));
      label.style.left = `${100 * zero}%`;
    }
  }
  box.replaceChildren(bars, ends);
}
