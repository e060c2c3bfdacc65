// The queue: which sightings are shown, in which order, and the list of them, a page at a time.
import { make } from "./api.js";

export const PAGE = 100;
export const MARKS = { confirmed: "✓", rejected: "✕", unsure: "?", "not reviewed": "○" };
const BAND_DEG = 0.0005;

/** A row of the app's answer as an object. */
export function rowOf(columns, values) {
  return Object.fromEntries(columns.map((name, k) => [name, values[k]]));
}

/** Whether somebody still has to look at it. */
export const isOpen = (row) => row.state === "not reviewed" || row.state === "unsure" || row.flag !== "";

const doubt = (row) => {
  const rank = row.flag ? 0 : { "not reviewed": 1, unsure: 2 }[row.state] ?? 3;
  return [rank, Math.abs((row.confidence ?? 1) - 0.5)];
};
const place = (row) => {
  if (row.lat === null) return [Infinity, 0];
  const band = Math.floor(-row.lat / BAND_DEG);
  return [band, band % 2 ? -row.lon : row.lon];
};
const KEYS = {
  doubt, place,
  time: (row) => [row.first === null ? 1 : 0, row.first ?? ""],
  class: (row) => [row.class, -(row.confidence ?? 0)],
};

/** The ids to show, in order. */
export function ordered(rows, show, order) {
  const wanted = [...rows.values()].filter((row) => show === "all" || (show === "open" ? isOpen(row) : row.state === show));
  const keyed = wanted.map((row) => [KEYS[order](row), row.id]);
  keyed.sort(([a, first], [b, second]) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : first < second ? -1 : 1));
  return keyed.map(([, id]) => id);
}

/** What is left and what was found, in words. */
export function countsOf(rows) {
  const all = [...rows.values()];
  const number = (state) => all.filter((row) => row.state === state).length;
  const open = all.filter(isOpen).length;
  return `${open.toLocaleString("en")} of ${all.length.toLocaleString("en")} still to judge; ${number("confirmed").toLocaleString("en")} confirmed, ${number("rejected").toLocaleString("en")} rejected`;
}

/** Draw the page of the list that holds `current`. */
export function drawList(list, rows, order, current, choose, from = null) {
  const at = order.indexOf(current);
  const start = from ?? Math.floor(Math.max(0, at) / PAGE) * PAGE;
  list.replaceChildren(...order.slice(start, start + PAGE).map((id) => {
    const row = rows.get(id);
    const sure = row.confidence === null ? "" : `${Math.round(row.confidence * 100)} %`;
    return make("li", {}, make("button", { type: "button", "data-id": id, "aria-current": id === current ? "true" : null, onclick: () => choose(id) },
      make("span", { class: `mark ${row.state.replace(" ", "-")}`, title: row.state }, MARKS[row.state]),
      make("span", { class: "name" }, row.object || row.class, make("small", {}, ` ${id}`), row.flag ? make("b", {}, ` ${row.flag}`) : null),
      make("small", {}, sure)));
  }));
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  return start;
}
