// Reads packed columns (mapping/maps/columns.py): numbers as typed arrays, texts by number.
const PACKED = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f64: Float64Array };

function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k += 1) bytes[k] = raw.charCodeAt(k);
  return bytes;
}

/** The numbers of a packed column; NaN where nothing is known. */
function unpackNumbers(column) {
  const steps = new PACKED[column.type](bytesOf(column.data).buffer);
  const unknown = column.type === "f64" ? NaN : 256 ** steps.BYTES_PER_ELEMENT - 1;
  const numbers = new Float64Array(steps.length);
  for (let k = 0; k < steps.length; k += 1) numbers[k] = steps[k] === unknown ? NaN : (steps[k] + column.low) * column.step;
  return numbers;
}

/** A function from a row's number to its text. */
function unpackTexts(column) {
  if (!column.codes) return (row) => column.values[row];
  const codes = Uint32Array.from(unpackNumbers(column.codes));
  return (row) => column.values[codes[row]];
}

/** {count, name: function from a row's number to a text, a number or null} for every column. */
function unpackTable(table) {
  const columns = { count: table.count };
  for (const [name, column] of Object.entries(table.columns)) {
    if (column.values) {
      columns[name] = unpackTexts(column);
    } else {
      const numbers = unpackNumbers(column);
      columns[name] = (row) => (Number.isNaN(numbers[row]) ? null : numbers[row]);
    }
  }
  return columns;
}
