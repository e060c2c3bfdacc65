// The layers of the map, its legend and its place names. All text from the data goes in through textContent.
/** A new element: tag, attributes, children (elements or text). Text never becomes markup. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

const SHAPES = {
  person: '<circle cx="13" cy="13" r="10"/>',
  vehicle: '<rect x="3.5" y="3.5" width="19" height="19" rx="1.5"/>',
  bicycle: '<path d="M13 1.8 24.6 22.6H1.4Z"/>',
  object: '<path d="M13 1.5 24.5 13 13 24.5 1.5 13Z"/>',
};
const PLACES = {
  home: '<path d="M3 13 13 3l10 10h-3v10H6V13Z"/>',
  rally: '<path d="M7 24V3l14 5-14 6"/>',
};

/** A symbol as SVG text; `shape` comes from the tables above, never from the data, and `label` is a number. */
function symbol(shape, label) {
  const text = label === undefined ? "" : `<text x="13" y="${shape === SHAPES.bicycle ? 20.5 : 17}">${Number(label)}</text>`;
  return `<svg viewBox="0 0 26 26" aria-hidden="true">${shape}${text}</svg>`;
}

/** A symbol as an element, for legend and tables. */
function symbolElement(shape, className) {
  const holder = make("span", { class: `symbol ${className}` });
  holder.innerHTML = symbol(shape);
  return holder;
}

function placeMarker(role, name, words, point) {
  const icon = L.divIcon({ className: `place place-${role}`, html: symbol(PLACES[role]), iconSize: [24, 24] });
  const said = name ? `${words}: ${name}` : words;
  const marker = L.marker(point, { icon, keyboard: false, title: said, alt: said, interactive: true, zIndexOffset: -500 });
  marker.bindTooltip(make("span", {}, name || words), {
    permanent: true, direction: "bottom", offset: [0, 10], className: "place-label",
  });
  return marker;
}

/** Points as one path of dots: lines of no length with round ends. */
function dots(coordinates, className) {
  const ends = coordinates.map(([lon, lat]) => [[lat, lon], [lat, lon]]);
  return L.polyline(ends, { className, noClip: true, smoothFactor: 0, interactive: false });
}

function featureLayer(layer, feature) {
  const sortie = feature.sortie === null ? "" : ` sortie sortie-${Number(feature.sortie)} sortie-colour-${(feature.sortie - 1) % 6}`;
  const tone = feature.tone === null || feature.tone === undefined ? "" : ` tone-${Number(feature.tone)}`;
  const className = `layer layer-${layer.role}${sortie}${tone}`;
  if (layer.shape === "dots") return dots(feature.geometry.type === "Point" ? [feature.geometry.coordinates] : feature.geometry.coordinates, className);
  if (layer.shape === "place") {
    return L.geoJSON(feature.geometry, { pointToLayer: (_, point) => placeMarker(layer.role, feature.name, layer.label, point) });
  }
  const zone = layer.role.startsWith("zone_");
  const interactive = zone || ["patrol", "hole", "gap", "no_fly", "border"].includes(layer.role);
  const drawn = L.geoJSON(feature.geometry, { style: { className, interactive, noClip: false } });
  const said = [feature.name ? `${layer.label}: ${feature.name}` : layer.label, feature.limits].filter(Boolean);
  if (interactive) drawn.bindTooltip(make("span", {}, said.join("; ")), { sticky: true, className: zone ? "zone-words" : "" });
  return zone && feature.name ? L.featureGroup([drawn, zoneLabel(feature.name, layer.role, drawn.getBounds().getCenter())]) : drawn;
}

/** The name of a zone from its middle on; what it asks is said where it is pointed at. */
function zoneLabel(name, role, middle) {
  const marker = L.marker(middle, { icon: L.divIcon({ className: "zone-middle", iconSize: [0, 0] }), keyboard: false, interactive: false });
  marker.bindTooltip(make("span", {}, name), { permanent: true, direction: "right", className: `place-label zone-name ${role}` });
  return marker;
}

/** All layers of the data as Leaflet groups in order of drawing: [{layer, group}]. */
function drawLayers(map, layers) {
  return layers.map((layer) => {
    const group = L.layerGroup(layer.features.map((feature) => featureLayer(layer, feature)));
    if (layer.on) group.addTo(map);
    return { layer, group };
  });
}

function legendSwatch(layer) {
  if (layer.shape === "place") return symbolElement(PLACES[layer.role], `place-${layer.role}`);
  const holder = make("span", { class: "symbol" });
  const shape = layer.shape === "area" ? '<rect x="2" y="5" width="22" height="16"/>'
    : layer.shape === "line" ? '<path d="M1 13H25"/>' : '<path d="M5 13H5M13 13H13M21 13H21"/>';
  holder.innerHTML = `<svg viewBox="0 0 26 26" aria-hidden="true">${shape}</svg>`;
  holder.querySelector("svg").firstChild.setAttribute("class", `layer layer-${layer.role}`);
  return holder;
}

/** One line of the legend with a tick box; `toggle(shown)` is called on change. */
function legendLine(swatch, words, shown, toggle) {
  const box = make("input", { type: "checkbox" });
  box.checked = shown;
  box.addEventListener("change", () => toggle(box.checked));
  return make("label", { class: "legend-line" }, box, swatch, make("span", {}, words));
}

/** What the colours of the track mean: a swatch for each band of height. */
function heightKey(scale) {
  const { limits, over } = scale;
  const bands = limits.slice(1).map((_, tone) => {
    const swatch = make("i", { class: `tone-swatch tone-${tone}` });
    swatch.title = `${limits[tone]} to ${limits[tone + 1]} m`;
    return swatch;
  });
  const words = `${limits[0]} to ${limits[limits.length - 1]} m over ${over}`;
  return make("p", { class: "height-key" }, make("span", { class: "height-bands", role: "img", "aria-label": `Colours of the track, low to high: ${words}` }, ...bands), words);
}

/** The legend, which is also the layer control. `first` are elements shown above the layers, `last` below; layers that
 *  are off to begin with stand under "More layers". Closed where it would hide much of the map. */
function addLegend(map, drawn, first, last, heights) {
  const size = map.getSize();
  const control = L.control({ position: "topright" });
  control.onAdd = () => {
    const box = make("details", { class: "legend" }, make("summary", {}, "Legend"), ...first);
    box.open = size.x > 640 && size.y > 480;
    const more = make("details", { class: "legend-more" }, make("summary", {}, "More layers"));
    for (const { layer, group } of drawn) {
      (layer.on ? box : more).append(legendLine(legendSwatch(layer), layer.label, layer.on, (shown) => {
        if (shown) group.addTo(map); else group.remove();
        // What is drawn later lies on top: put the order of the legend back.
        for (const other of drawn) if (map.hasLayer(other.group)) other.group.eachLayer((item) => item.bringToFront && item.bringToFront());
        map.fire("picket:layers");
      }));
      if (layer.role === "track" && heights && heights.limits.length > 2) (layer.on ? box : more).append(heightKey(heights));
    }
    box.append(...last);
    if (more.children.length > 1) box.append(more);
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    return box;
  };
  control.addTo(map);
}

/** Hide the names that would lie on one another or on a sighting; run again after every move. */
function keepLabelsApart(map) {
  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const tidy = () => {
    const taken = [...map.getContainer().querySelectorAll(".sighting-icon, .cluster-icon, .place, .leaflet-control")]
      .map((element) => element.getBoundingClientRect());
    // What the flight keeps out of is named before all else.
    const first = (label) => Number(label.classList.contains("zone_closed"));
    const labels = [...map.getContainer().querySelectorAll(".place-label")].sort((a, b) => first(b) - first(a));
    for (const label of labels) {
      const box = label.getBoundingClientRect();
      const hidden = taken.some((other) => overlap(box, other));
      label.classList.toggle("crowded", hidden);
      if (!hidden) taken.push(box);
    }
  };
  map.on("moveend zoomend picket:layers picket:symbols", () => requestAnimationFrame(tidy));
  requestAnimationFrame(tidy);
}

/** A point `east` and `north` metres from a place, on the WGS 84 ellipsoid (radii of curvature; exact enough for 1 km). */
function offset([lat, lon], east, north) {
  const phi = (lat * Math.PI) / 180;
  const e2 = 0.00669437999014;
  const w = 1 - e2 * Math.sin(phi) ** 2;
  const meridian = (6378137 * (1 - e2)) / w ** 1.5;
  const normal = 6378137 / Math.sqrt(w);
  return [lat + ((north / meridian) * 180) / Math.PI, lon + ((east / (normal * Math.cos(phi))) * 180) / Math.PI];
}

/** An ellipse with semi-axes in metres and the bearing of the major one from true north, drawn smooth at any zoom. */
function ellipse(centre, major, minor, bearing, className) {
  const names = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(names, "svg");
  picture.setAttribute("viewBox", "-1 -1 2 2");
  const outline = document.createElementNS(names, "ellipse");
  outline.setAttribute("rx", 1);
  outline.setAttribute("ry", minor / major);
  outline.setAttribute("transform", `rotate(${Number(bearing) - 90})`);
  outline.setAttribute("class", className);
  picture.append(outline);
  return L.svgOverlay(picture, [offset(centre, -major, -major), offset(centre, major, major)], { interactive: false });
}
