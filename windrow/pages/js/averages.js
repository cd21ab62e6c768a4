// A page of averages, or of bars alone, has the chart alone.

const charted = data.beside ? `Prices and ${data.beside}` : "Prices";
const view = new View(charted, { panes: (symbol) => [{ lines: symbol.lines }, ...symbol.panes] });
const { chart } = view;
