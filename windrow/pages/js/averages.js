// A page of averages has the chart alone.

const view = new View("Prices and averages", { panes: (symbol) => [{ lines: symbol.lines }, ...symbol.panes] });
const { chart } = view;
