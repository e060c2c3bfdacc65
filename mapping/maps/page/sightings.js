// Sightings in the table and one at a time in detail; what is drawn of them on the map is symbols.js.
const ELLIPSE_FROM_PX = 5;
const ELLIPSES_AT_ONCE = 300;
const STATES = ["not-reviewed", "confirmed", "unsure", "rejected"];
const STATE_WORDS = { "not-reviewed": "not reviewed", confirmed: "confirmed", unsure: "unsure", rejected: "rejected" };

/** The sightings by column, each a function from a row's number; `at(row)` is one sighting as an object. */
function readSightings(packed) {
  const columns = unpackTable(packed);
  const shapes = {};
  columns.shape = (row) => { const name = columns.class(row); return (shapes[name] = shapes[name] || (SHAPES[name] ? name : "object")); };
  columns.state = (row) => { const word = columns.verdict(row); return STATE_WORDS[word] ? word : "not-reviewed"; };
  columns.mgrs = (row) => (columns.square(row) ? `${columns.square(row)} ${digits(columns, row)}` : "");
  columns.at = (row) => ({
    number: row + 1,
    ...Object.fromEntries(Object.entries(columns).filter(([name]) => !["count", "at"].includes(name)).map(([name, read]) => [name, read(row)])),
  });
  return columns;
}

/** `94169 49204` of a place's MGRS reference. */
function digits(columns, row) {
  return [columns.square_east(row), columns.square_north(row)].map((value) => String(value).padStart(5, "0")).join(" ");
}

const percent = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
const metres = (value) => (value === null ? "–" : `${value < 10 ? value.toFixed(1) : Math.round(value)} m`);
const isoTime = (seconds) => new Date(Math.round(seconds * 10) * 100).toISOString();
const clock = (seconds) => (seconds === null ? "–" : isoTime(seconds).slice(11, 19));
const day = (seconds) => isoTime(seconds).slice(0, 10);
/** `2026-11-22, 18:16:51 to 18:16:58 UTC`; a second date is named where it differs. */
function timeSpan(first, last) {
  if (first === null) return "time unknown";
  const end = last === null || clock(last) === clock(first) ? "" : ` to ${day(last) === day(first) ? "" : `${day(last)}, `}${clock(last)}`;
  return `${day(first)}, ${clock(first)}${end} UTC`;
}

/** The 95 % ellipses of the sightings drawn apart, once they are large enough to see. */
function addEllipses(map, sightings, symbols) {
  const group = L.layerGroup().addTo(map);
  const draw = () => {
    group.clearLayers();
    if (!map.hasLayer(group)) return;
    const centre = map.getCenter();
    const perPixel = map.distance(centre, map.containerPointToLatLng(map.latLngToContainerPoint(centre).add([100, 0]))) / 100;
    symbols.apart()
      .filter((row) => sightings.major(row) !== null && sightings.minor(row) !== null && sightings.bearing(row) !== null)
      .filter((row) => sightings.major(row) / perPixel >= ELLIPSE_FROM_PX)
      .slice(0, ELLIPSES_AT_ONCE)
      .forEach((row) => ellipse([sightings.lat(row), sightings.lon(row)], sightings.major(row), sightings.minor(row), sightings.bearing(row),
        `ellipse class-${sightings.shape(row)}`).addTo(group));
  };
  map.on("picket:symbols picket:layers", draw);
  return group;
}

/** The pictures of the sightings; read when the first is asked for. */
function pictureReader() {
  let pictures = null;
  return (row) => {
    pictures = pictures || JSON.parse(document.getElementById("picket-pictures").textContent);
    return pictures[row] || null;
  };
}

/** The details of one sighting, put into the panel. */
function showDetails(one, picture, close) {
  const details = document.getElementById("details");
  const button = make("button", { type: "button", class: "close", "aria-label": "Close details" }, "×");
  button.addEventListener("click", close);
  const heading = make("h2", {}, symbolElement(SHAPES[one.shape], `class-${one.shape} state-${one.state}`),
    `${one.number}: ${one.class}${one.object ? ` “${one.object}”` : ""}`);
  const judged = [one.by && `by ${one.by}`, one.judged !== null && `${day(one.judged)} ${clock(one.judged).slice(0, 5)} UTC`].filter(Boolean).join(", ");
  const verdict = make("p", { class: `verdict state-${one.state}` }, make("span", {}, one.verdict), judged ? ` ${judged}` : "");
  const lines = [
    ...(one.note ? [["Note", one.note]] : []),
    ...(one.remark ? [["Review", one.remark]] : []),
    ["Confidence", `${percent(one.confidence)}, to sort by; no probability`],
    ["Place", placeText(one.lat, L.latLng(one.lat, one.lon).wrap().lng, 6)],
    ["MGRS", one.mgrs || "none"],
    ["UTM", one.zone ? `${one.zone} ${one.easting} E ${one.northing} N` : "none"],
    ["Within", one.ce90 === null ? "unknown" : `${metres(one.ce90)} of it (90 %)`],
    ["Seen", timeSpan(one.first, one.last)],
    ["Seen in", `${one.frames} frame${one.frames === 1 ? "" : "s"}`],
    ...(one.speed === null ? [] : [["Moving", `${one.speed.toFixed(1)} m/s${one.heading === null ? "" : ` toward ${one.heading.toFixed(0)}°`}; the place is where it was last seen`]]),
    ["Ground height", one.alt === null ? "unknown" : `${one.alt.toFixed(0)} m above sea level`],
    ["Identifier", one.id],
  ];
  const list = make("dl", {}, ...lines.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  let shown = make("p", { class: "no-picture" }, "no picture");
  if (picture) {
    shown = make("img", { alt: `What the camera saw: ${one.class}`, width: "160", height: "160" });
    shown.src = `data:image/jpeg;base64,${picture}`;
  }
  details.replaceChildren(button, heading, make("div", { class: "details-body" }, shown, make("div", {}, verdict, list)));
  details.hidden = false;
}

/** What is shown: by class, by review, by words and, while the flight is played, by time. `apply` is called with the
 *  rows for the map and those for the table when any of it changes. */
function makeFilter(sightings, apply) {
  const state = { classes: new Set(), states: new Set(), words: "", until: null };
  const all = Uint32Array.from({ length: sightings.count }, (_, row) => row);
  const fits = (row) => !state.classes.has(sightings.shape(row)) && !state.states.has(sightings.state(row)) && (!state.words || text(row).includes(state.words));
  const text = (row) => [row + 1, sightings.class(row), sightings.object(row), sightings.id(row), sightings.mgrs(row), sightings.verdict(row),
    sightings.by(row) || "", sightings.note(row) || ""].join(" ").toLowerCase();
  let kept = all;
  const change = (listed) => {
    if (listed) kept = state.classes.size || state.states.size || state.words ? all.filter(fits) : all;
    const seen = state.until === null ? kept : kept.filter((row) => sightings.first(row) !== null && sightings.first(row) <= state.until);
    apply(seen, listed ? kept : null);
  };
  return {
    all,
    hide(kind, value, hidden) { if (hidden) state[kind].add(value); else state[kind].delete(value); change(true); },
    find(words) { state.words = words.trim().toLowerCase(); change(true); },
    until(seconds) { state.until = seconds; change(false); },
  };
}

function sightingLegend(map, sightings, filter, ellipses) {
  const counts = {};
  for (let row = 0; row < sightings.count; row += 1) {
    for (const name of [sightings.shape(row), sightings.state(row)]) counts[name] = (counts[name] || 0) + 1;
  }
  const words = { person: "Person", vehicle: "Vehicle", bicycle: "Bicycle", object: "Marked object" };
  const number = (name) => (counts[name] || 0).toLocaleString("en");
  const classes = CLASS_ORDER.filter((shape) => counts[shape] || shape === "person" || shape === "vehicle")
    .map((shape) => legendLine(symbolElement(SHAPES[shape], `class-${shape}`), `${words[shape]} (${number(shape)})`, true,
      (shown) => filter.hide("classes", shape, !shown)));
  const states = STATES.map((state) => legendLine(symbolElement(SHAPES.person, `class-key state-${state}`),
    `${STATE_WORDS[state][0].toUpperCase()}${STATE_WORDS[state].slice(1)} (${number(state)})`, true, (shown) => filter.hide("states", state, !shown)));
  const key = make("p", { class: "legend-cluster" }, make("b", {}, "2"), "several together");
  const swatch = make("span", { class: "symbol" });
  swatch.innerHTML = '<svg viewBox="0 0 26 26" aria-hidden="true"><ellipse class="ellipse class-person" cx="13" cy="13" rx="11" ry="6"/></svg>';
  const shape = legendLine(swatch, "95 % ellipse, close up", true, (shown) => {
    if (shown) ellipses.addTo(map); else ellipses.remove();
    map.fire("picket:layers");
  });
  return [make("div", { role: "group", "aria-label": "Show by class" }, ...classes),
    make("div", { role: "group", "aria-label": "Show by review", class: "legend-states" }, ...states), key, shape];
}

/** The field to look for words in, over the table. */
function findField(filter) {
  const field = make("input", { type: "search", placeholder: "Find: class, name, MGRS, verdict, note", "aria-label": "Find sightings", autocomplete: "off" });
  let waiting = null;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => filter.find(field.value), 120);
  });
  return make("div", { class: "find", role: "search" }, field);
}

function sightingColumns(sightings, filter) {
  const rows = filter.all;
  const named = rows.some((row) => sightings.object(row));
  const marked = rows.every((row) => sightings.object(row)); // how sure a search was says nothing of a person's marks
  // What all references begin with stands in the head of the column, not in every line.
  const first = sightings.count ? sightings.square(0) : "";
  const square = rows.every((row) => sightings.square(row) === first) ? first : "";
  const columns = [
    { title: "#", key: (row) => row + 1, cell: (row) => String(row + 1), numeric: true },
    { title: "What", key: sightings.class, cell: (row) => make("span", { class: "what" },
      symbolElement(SHAPES[sightings.shape(row)], `class-${sightings.shape(row)} state-${sightings.state(row)}`), sightings.class(row)) },
    ...(named ? [{ title: "Name", key: (row) => sightings.object(row) || null, cell: (row) => make("span", { class: "name" }, sightings.object(row)) }] : []),
    ...(marked ? [] : [{ title: "Conf.", hint: "Confidence: how sure the search was, to sort by; no probability", key: sightings.confidence, cell: (row) => percent(sightings.confidence(row)), numeric: true, falling: true, wide: named }]),
    { title: "Within", hint: "9 times in 10 it is no farther off than this", key: sightings.ce90, cell: (row) => metres(sightings.ce90(row)), numeric: true, wide: true },
    { title: `MGRS ${square}`.trim(), hint: "Military grid, to the metre", key: (row) => sightings.mgrs(row) || null, cell: (row) => (sightings.mgrs(row) || "–").slice(square.length).trim(), numeric: true },
    { title: "UTC", hint: "When it was first seen", key: sightings.first, cell: (row) => clock(sightings.first(row)), wide: true },
    { title: "Review", key: sightings.verdict, cell: (row) => make("span", { class: `verdict state-${sightings.state(row)}` }, sightings.verdict(row)) },
  ];
  return { columns, marked };
}

/** Everything about sightings; returns {legend, seenBy}: the elements the legend starts with, and what shows only the
 *  sightings first seen before a moment (milliseconds since 1970; null = all). */
function addSightings(map, data) {
  const sightings = readSightings(data.sightings);
  const ring = L.circleMarker([0, 0], { radius: 19, className: "chosen", interactive: false });
  const picture = pictureReader();
  let table = null;
  let from = null;
  const close = () => {
    document.getElementById("details").hidden = true;
    ring.remove();
    table.mark(null);
    if (from && from.isConnected) from.focus({ preventScroll: true });
  };
  const choose = (row, move) => {
    from = document.activeElement;
    if (move) symbols.reveal(row);
    ring.setLatLng([sightings.lat(row), sightings.lon(row)]).addTo(map);
    showDetails(sightings.at(row), picture(row), close);
    table.mark(row);
  };
  const symbols = addSymbols(map, sightings, (row) => choose(row, false));
  const ellipses = addEllipses(map, sightings, symbols);
  const total = sightings.count.toLocaleString("en");
  const filter = makeFilter(sightings, (seen, listed) => {
    symbols.only(seen);
    if (!listed || !table) return;
    table.only(listed);
    const text = listed.length === sightings.count ? `Sightings (${total})` : `Sightings (${listed.length.toLocaleString("en")} of ${total} shown)`;
    setText("table-title", text);
    setText("announcement", text);
  });
  const { columns, marked } = sightingColumns(sightings, filter);
  table = sortableTable(columns, filter.all, (row) => choose(row, true), "Sightings: choose a line to see it on the map");
  setText("table-title", `Sightings (${total})`);
  setText("table-hint", sightings.count
    ? `Choose a row or a symbol for its picture and details. ${marked ? "" : "“Conf.” is how sure the search was, to sort by. "}“Within”: 9 times in 10 it is no farther off than this.`
    : "None.");
  if (sightings.count) document.getElementById("table-holder").append(findField(filter), table.element);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !document.getElementById("details").hidden) close(); });
  symbols.only(filter.all);
  const legend = sightingLegend(map, sightings, filter, ellipses);
  return { legend, seenBy: (moment) => filter.until(moment === null ? null : moment / 1000) };
}
