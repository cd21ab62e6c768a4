// A histogram of a column: bars that are elements, so that they have words, and colours of the page.

const BINS = 28;

// At most so many bins of a round width; few values that are far out are in the first and the last one.
function binned(values, most = BINS) {
  const known = Array.from(values).filter((value) => value === value).sort((one, other) => one - other);
  if (!known.length) return [];
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const [low, high] = known.length > 100 ? [at(0.005), at(0.995)] : [known[0], known.at(-1)];
  const { step = Math.abs(low) || 1 } = roundValues(low, high, most);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first, Math.ceil(high / step - 1e-9) - 1);
  const bins = Array.from({ length: last - first + 1 }, (_, bin) => ({ from: (first + bin) * step, to: (first + bin + 1) * step, count: 0 }));
  for (const value of known) bins[Math.min(Math.max(Math.floor(value / step + 1e-9), first), last) - first].count += 1;
  return bins;
}

// Fills a box. `form` writes a value, `what` is what is counted; `marks` are values to point at, each with its name, and
// `most` is how many bins there may be.
function showHistogram(box, values, form, what, { most = BINS, marks = [] } = {}) {
  const bins = binned(values, most);
  const highest = bins.reduce((one, { count }) => Math.max(one, count), 1);
  const bars = element("div", "", { class: "bars", role: "img" });
  const ends = element("div", "", { class: "ends", "aria-hidden": "true" });
  bins.forEach(({ from, to, count }) => {
    const bar = element("span", "", { class: (from + to) / 2 < 0 ? "below" : "above", title: `${form(from)} to ${form(to)}: ${figure(count, 0)} ${what}` });
    bar.style.height = `${(100 * count) / highest}%`;
    bars.append(bar);
  });
  bars.setAttribute("aria-label", `${what}: ${bins.filter(({ count }) => count).map(({ from, to, count }) => `${form(from)} to ${form(to)} ${count}`).join(", ")}`);
  if (bins.length) {
    const { from } = bins[0];
    const { to } = bins.at(-1);
    ends.append(element("span", form(from)), element("span", `${figure(highest, 0)} ${highest === 1 ? what.replace(/s$/, "") : what} at most`), element("span", form(to)));
    const zero = -from / (to - from);
    if (zero > 0.12 && zero < 0.88) {
      const label = ends.appendChild(element("span", "0", { class: "zero" }));
      label.style.left = `${100 * zero}%`;
    }
    for (const [name, value] of marks) bars.append(markOf(name, (value - from) / (to - from)));
  }
  box.replaceChildren(bars, ends);
}

// A line over the bars with its name above; of a value beyond them, at their end.
function markOf(name, share) {
  const mark = element("i", name, { class: share < 0.1 ? "mark first" : share > 0.9 ? "mark last" : "mark" });
  mark.style.left = `${100 * Math.min(Math.max(share, 0), 1)}%`;
  return mark;
}
