// A table whose columns sort on a click and whose rows are chosen by mouse or keyboard.
const ROWS_AT_ONCE = 200;

/**
 * columns: [{title, key(row) -> value to sort by, cell(row) -> text or element, numeric,
 *   falling (sorts high to low first), wide (left out on a phone), hint (said when pointed at)}]
 * Returns {element, mark(row)}; `choose(row)` is called when a row is chosen.
 */
function sortableTable(columns, rows, choose) {
  let order = [...rows];
  let shown = Math.min(rows.length, ROWS_AT_ONCE);
  let marked = null;
  const elements = new Map();
  const body = make("tbody");
  const more = make("button", { type: "button", class: "more" });

  const looks = (column) => `${column.numeric ? "numeric" : ""} ${column.wide ? "wide" : ""}`;

  const rowElement = (row) => {
    if (elements.has(row)) return elements.get(row);
    const element = make("tr", { tabindex: "0", "aria-selected": "false" },
      ...columns.map((column) => make("td", { class: looks(column) }, column.cell(row))));
    element.addEventListener("click", () => choose(row));
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") choose(row);
      else if (event.key === "ArrowDown" && element.nextElementSibling) element.nextElementSibling.focus();
      else if (event.key === "ArrowUp" && element.previousElementSibling) element.previousElementSibling.focus();
      else return;
      event.preventDefault();
    });
    elements.set(row, element);
    return element;
  };

  const fill = () => {
    body.replaceChildren(...order.slice(0, shown).map(rowElement));
    more.hidden = shown >= order.length;
    more.textContent = `Show more (${order.length - shown} left)`;
  };

  const compare = (a, b) => {
    // What is unknown comes last, whichever way the column is sorted.
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  };

  const heads = columns.map((column) => {
    const button = make("button", { type: "button", ...(column.hint ? { title: column.hint } : {}) }, column.title);
    const head = make("th", { scope: "col", "aria-sort": "none", class: looks(column) }, button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const falling = before === "none" ? Boolean(column.falling) : before === "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => { const key = column.key(row); return key === undefined ? null : key; };
      order = [...rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        return (x === null || y === null ? 1 : falling ? -1 : 1) * compare(x, y);
      });
      fill();
    });
    return head;
  });

  more.addEventListener("click", () => {
    shown = Math.min(order.length, shown + ROWS_AT_ONCE);
    fill();
  });
  window.addEventListener("beforeprint", () => {
    shown = order.length;
    fill();
  });

  fill();
  return {
    element: make("div", {}, make("table", { class: "sortable" }, make("thead", {}, make("tr", {}, ...heads)), body), more),
    mark(row) {
      if (marked) rowElement(marked).setAttribute("aria-selected", "false");
      marked = row;
      if (!row) return;
      if (order.indexOf(row) >= shown) {
        shown = order.indexOf(row) + 1;
        fill();
      }
      rowElement(row).setAttribute("aria-selected", "true");
      rowElement(row).scrollIntoView({ block: "nearest" });
    },
  };
}
