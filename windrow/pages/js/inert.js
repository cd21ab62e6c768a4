// CSV in which no cell is a formula to a spreadsheet.

// A cell that a spreadsheet would compute is text: a name is anything that somebody called something.
function cellOf(value) {
  const text = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Downloads lines of cells, which are texts that cellOf has made, or numbers.
function saveCsv(name, lines) {
  const link = element("a", "", { download: name });
  const text = lines.map((line) => line.join(",")).join("\r\n") + "\r\n";
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
