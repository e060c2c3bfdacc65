// A table whose columns sort on a click and whose rows are chosen by mouse or keyboard; of a long one only the rows in
// view are elements.
const WHOLE_UP_TO = 300;
const ROWS_BEYOND_VIEW = 30;
const ROWS_ON_PAPER = 2000;
const collator = new Intl.Collator("en", { numeric: true });

/**
 * columns: [{title, key(row) -> value to sort by, cell(row) -> text or element, numeric,
 *   falling (sorts high to low first), wide (left out on a phone), hint (said when pointed at)}]
 * rows: any values. `choose(row)` is called when a row is chosen; `caption` says what the table is.
 * Returns {element, mark(row), only(rows)}: `only` shows just these.
 */
function sortableTable(columns, rows, choose, caption) {
  let listed = rows;
  let order = rows;
  let sorting = null;
  let marked = null;
  let rowHeight = 0;
  let from = 0;
  let paper = 0;
  const body = make("tbody");
  const elements = new Map();
  const long = rows.length > WHOLE_UP_TO;
  const looks = (column) => `${column.numeric ? "numeric" : ""} ${column.wide ? "wide" : ""}`;

  const rowElement = (row, place) => {
    const element = make("tr", { tabindex: "0", "aria-selected": String(row === marked), ...(long ? { "aria-rowindex": place + 2 } : {}) },
      ...columns.map((column) => make("td", { class: looks(column) }, column.cell(row))));
    element.addEventListener("click", () => choose(row));
    element.addEventListener("keydown", (event) => {
      const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: order.length - 1, PageDown: place + 10, PageUp: place - 10 }[event.key];
      if (event.key === "Enter" || event.key === " ") choose(row);
      else if (next !== undefined) goTo(Math.min(order.length - 1, Math.max(0, next)));
      else return;
      event.preventDefault();
    });
    elements.set(row, element);
    return element;
  };

  const spacer = (height) => {
    const cell = make("td", { colspan: columns.length });
    cell.style.height = `${height}px`;
    return make("tr", { class: "spacer", "aria-hidden": "true" }, cell);
  };

  /** Which rows are to be elements: [first, one after the last]. */
  const wanted = () => {
    if (!long || paper || order.length <= WHOLE_UP_TO) return [0, paper ? Math.min(order.length, paper) : order.length];
    const top = body.getBoundingClientRect().top;
    const first = Math.floor(Math.max(0, -top) / (rowHeight || 26)) - ROWS_BEYOND_VIEW;
    const start = Math.min(Math.max(0, first), Math.max(0, order.length - 1));
    return [start, Math.min(order.length, start + 2 * ROWS_BEYOND_VIEW + Math.ceil(window.innerHeight / (rowHeight || 26)))];
  };

  const fill = (force) => {
    const [start, end] = wanted();
    if (!force && start === from && elements.size === end - start) return;
    const focused = document.activeElement && body.contains(document.activeElement)
      ? [...elements].find(([, element]) => element === document.activeElement) : null;
    from = start;
    elements.clear();
    const shown = order.slice(start, end);
    body.replaceChildren(
      ...(start ? [spacer(start * rowHeight)] : []), ...Array.from(shown, (row, k) => rowElement(row, start + k)),
      ...(end < order.length && !paper ? [spacer((order.length - end) * rowHeight)] : []));
    if (focused && elements.has(focused[0])) elements.get(focused[0]).focus({ preventScroll: true });
    if (!rowHeight && long && body.firstElementChild) {
      rowHeight = body.firstElementChild.getBoundingClientRect().height;
      if (rowHeight) fill(true);
    }
  };

  /** Bring the row at a place of the order into view and give it the focus. */
  const goTo = (place, focus = true) => {
    const row = order[place];
    if (!elements.has(row)) {
      const box = [...elements.values()][0].getBoundingClientRect();
      const scrolled = scroller();
      scrolled.scrollTop += box.top + (place - from) * rowHeight - window.innerHeight / 2;
      fill(true);
    }
    const element = elements.get(row);
    if (!element) return;
    element.scrollIntoView({ block: "nearest" });
    if (focus) element.focus();
  };

  const scroller = () => {
    const panel = document.getElementById("panel");
    return panel.scrollHeight > panel.clientHeight && getComputedStyle(panel).overflowY !== "visible" ? panel : document.scrollingElement;
  };

  const compare = (a, b) => {
    // What is unknown comes last, whichever way the column is sorted.
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" ? a - b : collator.compare(a, b);
  };

  const sort = () => {
    if (!sorting) { order = listed; return; }
    const { column, falling } = sorting;
    const keyed = Array.from(listed, (row) => { const key = column.key(row); return [key === undefined ? null : key, row]; });
    keyed.sort(([x], [y]) => (x === null || y === null ? 1 : falling ? -1 : 1) * compare(x, y));
    order = keyed.map(([, row]) => row);
  };

  const heads = columns.map((column) => {
    const button = make("button", { type: "button", ...(column.hint ? { title: column.hint } : {}) }, column.title);
    const head = make("th", { scope: "col", "aria-sort": "none", class: looks(column) }, button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const falling = before === "none" ? Boolean(column.falling) : before === "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      sorting = { column, falling };
      sort();
      fill(true);
    });
    return head;
  });

  const table = make("table", { class: `sortable${long ? " long" : ""}`, ...(long ? { "aria-rowcount": rows.length + 1 } : {}) },
    make("caption", { class: "unseen" }, caption), make("thead", {}, make("tr", {}, ...heads)), body);
  const cut = make("p", { class: "paper-only" });
  const element = make("div", {}, table, cut);
  let asked = false;
  const follow = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; fill(false); });
  };
  if (long) {
    document.addEventListener("scroll", follow, { capture: true, passive: true });
    window.addEventListener("resize", follow);
  }
  window.addEventListener("beforeprint", () => {
    paper = ROWS_ON_PAPER;
    cut.textContent = order.length > paper ? `The first ${paper} of ${order.length} lines; the rest are in the page itself and in its exports.` : "";
    fill(true);
  });
  window.addEventListener("afterprint", () => { paper = 0; fill(true); });
  fill(true);
  if (long) requestAnimationFrame(() => fill(true));
  return {
    element,
    mark(row) {
      if (elements.has(marked)) elements.get(marked).setAttribute("aria-selected", "false");
      marked = row;
      if (row === null) return;
      const place = order.indexOf(row);
      if (place >= 0) goTo(place, false);
      if (elements.has(row)) elements.get(row).setAttribute("aria-selected", "true");
    },
    only(kept) {
      listed = kept;
      sort();
      table.setAttribute("aria-rowcount", order.length + 1);
      fill(true);
    },
  };
}
