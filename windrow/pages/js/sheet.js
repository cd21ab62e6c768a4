// What a report tells of an equity curve beside the chart: returns of months and years, and the deepest drawdowns.

function showSheet({ sheet }) {
  byId("sheet").hidden = !sheet;
  if (!sheet) return;
  showMonths(sheet);
  showFalls(sheet.falls);
}

// A row for each year, the last one first: its months, coloured as they are gains or losses, and the year's return.
function showMonths({ months, years, bought }) {
  const [monthly, yearly, held] = [column(months.returns), column(years.returns), bought && column(bought.returns)];
  const head = element("thead");
  head.append(rowOf("th", ["Year", ...MONTHS, "Year", ...(held ? ["Buy and hold"] : [])], { scope: "col" }));
  const colours = [monthly, held ? Float64Array.of(...yearly, ...held) : yearly].map((values) => colourScale([...values], matchMedia("(prefers-color-scheme: dark)").matches));
  const body = element("tbody");
  for (let at = yearly.length - 1; at >= 0; at--) {
    const year = 1970 + years.first + at;
    const row = body.appendChild(element("tr"));
    row.append(element("th", String(year), { scope: "row" }));
    for (let month = 0; month < 12; month++) row.append(shareCell(monthly[12 * (year - 1970) + month - months.first], colours[0]));
    for (const values of held ? [yearly, held] : [yearly]) row.append(shareCell(values[at], colours[1], "year"));
  }
  byId("months").replaceChildren(element("caption", "Returns of months and years in %"), head, body);
}

function rowOf(kind, texts, attributes = {}) {
  const row = element("tr");
  row.append(...texts.map((text) => element(kind, text, attributes)));
  return row;
}

// A return in %, on its colour; empty where there is none.
function shareCell(value, { colour }, kind = "month") {
  if (value === undefined || value !== value) return element("td", "", { class: kind });
  const cell = element("td", figure(100 * value, 1), { class: kind });
  const { ground, ink } = colour(value);
  Object.assign(cell.style, { backgroundColor: ground, color: ink });
  return cell;
}

function showFalls(falls) {
  const head = element("thead");
  head.append(rowOf("th", ["Drawdown", "Depth", "From", "Lowest", "Recovered", "Days"], { scope: "col" }));
  const body = element("tbody");
  falls.forEach(({ depth, from, lowest, recovered, until }, at) => {
    const times = [from, lowest, recovered].map((time) => (time === null ? "not yet" : timeText(time, data.dated)));
    const row = body.appendChild(rowOf("td", [`${figure(100 * depth, 2)} %`, ...times, figure((until - from) / DAY, data.dated ? 0 : 1)]));
    row.prepend(element("th", String(at + 1), { scope: "row" }));
  });
  byId("falls").replaceChildren(element("caption", falls.length ? "The deepest drawdowns, numbered as in the chart" : "There was no drawdown."), ...(falls.length ? [head, body] : []));
}
