// Sightings on the map, in the table and one at a time in detail.
const ELLIPSE_FROM_PX = 5;
const ELLIPSES_AT_ONCE = 1500;
const APART_FROM_ZOOM = 20;
const VERDICTS = ["confirmed", "rejected", "unsure"];

/** Rows as objects, numbered in the order of the table. */
function readSightings(table) {
  return table.rows.map((row, index) => {
    const sighting = Object.fromEntries(table.columns.map((name, k) => [name, row[k]]));
    sighting.number = index + 1;
    sighting.shape = SHAPES[sighting.class] ? sighting.class : "object";
    sighting.state = VERDICTS.includes(sighting.verdict) ? sighting.verdict : "not-reviewed";
    return sighting;
  });
}

const percent = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
const metres = (value) => (value === null ? "–" : `${value < 10 ? value.toFixed(1) : Math.round(value)} m`);
const clock = (iso) => (iso === null ? "–" : iso.slice(11, 19));
/** `2026-11-22, 18:16:51 to 18:16:58 UTC`; a second date is named where it differs. */
function timeSpan(first, last) {
  if (first === null) return "time unknown";
  const end = last === null || clock(last) === clock(first) ? "" : ` to ${last.slice(0, 10) === first.slice(0, 10) ? "" : `${last.slice(0, 10)}, `}${clock(last)}`;
  return `${first.slice(0, 10)}, ${clock(first)}${end} UTC`;
}

function sightingMarker(sighting) {
  const icon = L.divIcon({
    className: `sighting-icon class-${sighting.shape} state-${sighting.state}`,
    html: symbol(SHAPES[sighting.shape], sighting.number),
    iconSize: [26, 26],
  });
  const said = `${sighting.number}: ${sighting.class}, ${sighting.verdict}`;
  return L.marker([sighting.lat, sighting.lon], { icon, title: said, alt: said, sighting });
}

/** How many sightings lie too close together to show apart, and of which classes; filled where all are confirmed. */
function clusterIcon(cluster) {
  const members = cluster.getAllChildMarkers().map((marker) => marker.options.sighting);
  const symbols = Object.keys(SHAPES).flatMap((shape) => {
    const own = members.filter((one) => one.shape === shape);
    if (!own.length) return [];
    const state = own.every((one) => one.state === "confirmed") ? "confirmed" : "mixed";
    return [symbolElement(SHAPES[shape], `class-${shape} state-${state}`)];
  });
  const holder = make("div", {}, make("b", {}, members.length), make("div", {}, ...symbols));
  return L.divIcon({ className: "cluster-icon", html: holder, iconSize: [33, 30] });
}

/** The markers, of which some can be hidden; returns {only(wanted), reveal(sighting)}. */
function addMarkers(map, sightings, choose) {
  const markers = new Map(sightings.map((sighting) => [sighting, sightingMarker(sighting)]));
  const group = L.markerClusterGroup({
    maxClusterRadius: 34, disableClusteringAtZoom: APART_FROM_ZOOM, showCoverageOnHover: false, spiderfyOnMaxZoom: false,
    animate: false, iconCreateFunction: clusterIcon, chunkedLoading: sightings.length > 5000,
  });
  for (const [sighting, marker] of markers) {
    marker.on("click", () => choose(sighting));
    marker.on("keypress", (event) => { if (event.originalEvent.key === "Enter") choose(sighting); });
  }
  group.addLayers([...markers.values()]);
  map.addLayer(group);
  const shown = new Set(sightings);
  return {
    only(wanted) {
      const come = sightings.filter((one) => !shown.has(one) && wanted(one));
      const go = sightings.filter((one) => shown.has(one) && !wanted(one));
      if (come.length) group.addLayers(come.map((one) => markers.get(one)));
      if (go.length) group.removeLayers(go.map((one) => markers.get(one)));
      come.forEach((one) => shown.add(one));
      go.forEach((one) => shown.delete(one));
    },
    reveal(sighting) {
      const crowded = group.getVisibleParent(markers.get(sighting)) !== markers.get(sighting);
      const zoom = Math.max(map.getZoom(), crowded ? APART_FROM_ZOOM : 18);
      map.setView([sighting.lat, sighting.lon], zoom, { animate: false });
    },
  };
}

/** The 95 % ellipses of what is in view, once they are large enough to see. */
function addEllipses(map, sightings, hidden) {
  const group = L.layerGroup().addTo(map);
  const draw = () => {
    group.clearLayers();
    if (!map.hasLayer(group)) return;
    const bounds = map.getBounds();
    const centre = bounds.getCenter();
    const perPixel = map.distance(centre, map.containerPointToLatLng(map.latLngToContainerPoint(centre).add([100, 0]))) / 100;
    sightings
      .filter((one) => one.major !== null && one.minor !== null && one.bearing !== null && !hidden.has(one.shape))
      .filter((one) => one.major / perPixel >= ELLIPSE_FROM_PX && bounds.contains([one.lat, one.lon]))
      .slice(0, ELLIPSES_AT_ONCE)
      .forEach((one) => ellipse([one.lat, one.lon], one.major, one.minor, one.bearing, `ellipse class-${one.shape}`).addTo(group));
  };
  map.on("moveend picket:layers", draw);
  draw();
  return group;
}

/** The details of one sighting, put into the panel. */
function showDetails(sighting, close) {
  const details = document.getElementById("details");
  const button = make("button", { type: "button", class: "close", "aria-label": "Close details" }, "×");
  button.addEventListener("click", close);
  const heading = make("h2", {}, symbolElement(SHAPES[sighting.shape], `class-${sighting.shape} state-${sighting.state}`),
    `${sighting.number}: ${sighting.class}${sighting.object ? ` “${sighting.object}”` : ""}`);
  const verdict = make("p", { class: `verdict state-${sighting.state}` }, sighting.verdict);
  const lines = [
    ["Confidence", `${percent(sighting.confidence)}, to sort by; no probability`],
    ["Place", placeText(sighting.lat, sighting.lon, 6)],
    ["MGRS", sighting.mgrs || "none"],
    ["UTM", sighting.utm || "none"],
    ["Within", sighting.ce90 === null ? "unknown" : `${metres(sighting.ce90)} of it (90 %)`],
    ["Seen", timeSpan(sighting.first, sighting.last)],
    ["Seen in", `${sighting.frames} frame${sighting.frames === 1 ? "" : "s"}`],
    ...(sighting.speed === null ? [] : [["Moving", `${sighting.speed.toFixed(1)} m/s${sighting.heading === null ? "" : ` toward ${sighting.heading.toFixed(0)}°`}; the place is where it was last seen`]]),
    ["Ground height", sighting.alt === null ? "unknown" : `${sighting.alt.toFixed(0)} m above sea level`],
    ["Identifier", sighting.id],
  ];
  const list = make("dl", {}, ...lines.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  let picture = make("p", { class: "no-picture" }, "no picture");
  if (sighting.picture) {
    picture = make("img", { alt: `What the camera saw: ${sighting.class}`, width: "160", height: "160" });
    picture.src = `data:image/jpeg;base64,${sighting.picture}`;
  }
  details.replaceChildren(button, heading, make("div", { class: "details-body" }, picture, make("div", {}, verdict, list)));
  details.hidden = false;
}

function sightingLegend(map, sightings, markers, ellipses, hidden) {
  const classes = ["person", "vehicle", "bicycle", "object"];
  const words = { person: "Person", vehicle: "Vehicle", bicycle: "Bicycle", object: "Marked object" };
  const lines = classes
    .map((shape) => [shape, sightings.filter((one) => one.shape === shape).length])
    .filter(([shape, count]) => count || shape === "person" || shape === "vehicle")
    .map(([shape, count]) => legendLine(symbolElement(SHAPES[shape], `class-${shape}`), `${words[shape]} (${count})`, true, (shown) => {
      if (shown) hidden.delete(shape); else hidden.add(shape);
      markers.only((one) => !hidden.has(one.shape));
      map.fire("picket:layers");
    }));
  const states = [["not-reviewed", "not reviewed"], ["confirmed", "confirmed"], ["unsure", "unsure"], ["rejected", "rejected"]];
  const key = make("p", { class: "legend-states" }, ...states.map(([state, text]) =>
    make("span", {}, symbolElement(SHAPES.person, `class-key state-${state}`), text)),
  make("span", { class: "legend-cluster" }, make("b", {}, "2"), "several together"));
  const swatch = make("span", { class: "symbol" });
  swatch.innerHTML = '<svg viewBox="0 0 26 26" aria-hidden="true"><ellipse class="ellipse class-person" cx="13" cy="13" rx="11" ry="6"/></svg>';
  const shape = legendLine(swatch, "95 % ellipse, close up", true, (shown) => {
    if (shown) ellipses.addTo(map); else ellipses.remove();
    map.fire("picket:layers");
  });
  return [...lines, key, shape];
}

/** `45Q XF` of `45Q XF 94169 49204`. */
function squareOf(mgrs) {
  return mgrs ? mgrs.split(" ").slice(0, -2).join(" ") : "";
}

/** Everything about sightings; returns {legend, seenBy}: the elements the legend starts with, and what shows only the
 *  sightings first seen before a moment (null = all). */
function addSightings(map, data) {
  const sightings = readSightings(data.sightings);
  const hidden = new Set();
  const ring = L.circleMarker([0, 0], { radius: 19, className: "chosen", interactive: false });
  let table = null;
  const close = () => {
    document.getElementById("details").hidden = true;
    ring.remove();
    table.mark(null);
  };
  const choose = (sighting, move) => {
    if (move) markers.reveal(sighting);
    ring.setLatLng([sighting.lat, sighting.lon]).addTo(map);
    showDetails(sighting, close);
    table.mark(sighting);
  };
  const markers = addMarkers(map, sightings, (sighting) => choose(sighting, false));
  const ellipses = addEllipses(map, sightings, hidden);
  const named = sightings.some((one) => one.object);
  const marked = sightings.every((one) => one.object); // how sure a search was says nothing of a person's marks
  // What all references begin with stands in the head of the column, not in every line.
  const squares = new Set(sightings.map((one) => squareOf(one.mgrs)));
  const square = squares.size === 1 ? [...squares][0] : "";
  const columns = [
    { title: "#", key: (one) => one.number, cell: (one) => String(one.number), numeric: true },
    { title: "What", key: (one) => one.class, cell: (one) => make("span", { class: "what" },
      symbolElement(SHAPES[one.shape], `class-${one.shape} state-${one.state}`), one.class) },
    ...(named ? [{ title: "Name", key: (one) => one.object || null, cell: (one) => make("span", { class: "name" }, one.object) }] : []),
    ...(marked ? [] : [{ title: "Conf.", hint: "Confidence: how sure the search was, to sort by; no probability", key: (one) => one.confidence, cell: (one) => percent(one.confidence), numeric: true, falling: true, wide: named }]),
    { title: "Within", hint: "9 times in 10 it is no farther off than this", key: (one) => one.ce90, cell: (one) => metres(one.ce90), numeric: true },
    { title: `MGRS ${square}`.trim(), hint: "Military grid, to the metre", key: (one) => one.mgrs, cell: (one) => (one.mgrs || "–").slice(square.length).trim(), wide: true, numeric: true },
    { title: "UTC", hint: "When it was first seen", key: (one) => one.first, cell: (one) => clock(one.first) },
    { title: "Review", key: (one) => one.verdict, cell: (one) => make("span", { class: `verdict state-${one.state}` }, one.verdict) },
  ];
  table = sortableTable(columns, sightings, (sighting) => choose(sighting, true));
  document.getElementById("table-title").textContent = `Sightings (${sightings.length})`;
  document.getElementById("table-hint").textContent = sightings.length
    ? `Choose a row or a symbol for its picture and details. ${marked ? "" : "“Conf.” is how sure the search was, to sort by. "}“Within”: 9 times in 10 it is no farther off than this.`
    : "None.";
  if (sightings.length) document.getElementById("table-holder").append(table.element);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  const seenBy = (moment) => {
    markers.only((one) => !hidden.has(one.shape) && (moment === null || (one.first !== null && Date.parse(one.first) <= moment)));
  };
  return { legend: sightingLegend(map, sightings, markers, ellipses, hidden), seenBy };
}
