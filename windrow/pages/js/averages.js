// Bundled with Vega, which brings vegaEmbed; `data` holds the chart and the two themes' configurations.
(() => {
  const { spec, light, dark } = JSON.parse(document.getElementById("data").textContent);
  const chart = document.getElementById("chart");
  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  let turn = 0;
  let shown;

  // An average that is not full yet has no value, which Vega-Lite would show as NaN.
  function table(values, escaped) {
    const rows = Object.entries(values).filter(([, value]) => value !== "NaN");
    const cells = ([name, value]) => `<td class="key">${escaped(name)}</td><td class="value">${escaped(value)}</td>`;
    return `<table>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</table>`;
  }

  function embed(box, width, narrow) {
    const config = structuredClone(wantsDark.matches ? dark : light);
    const sized = structuredClone(spec);
    const tooltip = { theme: wantsDark.matches ? "dark" : "light", formatTooltip: table };
    if (narrow) config.legend.columns = 2;
    sized.spec.width = Math.max(160, width);
    sized.spec.height = narrow ? 190 : 240;
    return vegaEmbed(box, sized, { config, tooltip, ast: true, renderer: "svg", actions: false });
  }

  async function show() {
    const mine = ++turn;
    let width = chart.clientWidth - 60;
    // A panel's width is given without its labels, and beside the scroll bar it may bring: a first drawing tells both.
    for (const pass of ["measure", "fit"]) {
      const box = document.createElement("div");
      const { view } = await embed(box, width, chart.clientWidth < 560);
      if (mine !== turn) return view.finalize();
      chart.replaceChildren(box);
      shown?.finalize();
      shown = view;
      width += Math.floor(chart.clientWidth - box.querySelector("svg").getBoundingClientRect().width);
    }
  }

  let waiting;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar changes the height alone
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(show, 120);
  });
  wantsDark.addEventListener("change", show);
  show();
})();
