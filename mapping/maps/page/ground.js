// What stands in for a base map where there is no internet: graticule, scale, north, coordinates and the locator.
const STEPS_DEG = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001, 0.00005];
const OUTLINE_BELOW_ZOOM = 9;

/** `23.03512° N`, with as many decimals as asked for. */
function degrees(value, positive, negative, decimals) {
  return `${Math.abs(value).toFixed(decimals)}° ${value < 0 ? negative : positive}`;
}

function placeText(lat, lon, decimals) {
  return `${degrees(lat, "N", "S", decimals)}, ${degrees(lon, "E", "W", decimals)}`;
}

/** The MGRS reference of a place to the metre; the library knows it between 80 S and 84 N. */
function gridText(lat, lng) {
  if (lat < -80 || lat >= 84) return "";
  const [, zone, east, north] = /^(.*?)(\d{5})(\d{5})$/.exec(mgrs.forward([lng, lat], 5)) || [];
  return zone ? `${zone.slice(0, -2)} ${zone.slice(-2)} ${east} ${north}` : "";
}

function gridValues(low, high, step) {
  const values = [];
  for (let k = Math.ceil(low / step); k * step <= high && values.length < 200; k += 1) values.push(k * step);
  return values;
}

/** Lines of latitude and longitude, about 120 pixels apart, with their numbers along the left and lower edge. */
function addGraticule(map) {
  map.createPane("graticule").style.zIndex = 210;
  const group = L.layerGroup().addTo(map);
  const draw = () => {
    group.clearLayers();
    const bounds = map.getBounds();
    const size = map.getSize();
    const perPixel = (bounds.getEast() - bounds.getWest()) / Math.max(1, size.x);
    const step = [...STEPS_DEG].reverse().find((value) => value >= perPixel * 120) || STEPS_DEG[0];
    const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    const lons = gridValues(bounds.getWest(), bounds.getEast(), step);
    const lats = gridValues(Math.max(-85, bounds.getSouth()), Math.min(85, bounds.getNorth()), step);
    const lines = [
      ...lons.map((lon) => [[bounds.getSouth(), lon], [bounds.getNorth(), lon]]),
      ...lats.map((lat) => [[lat, bounds.getWest()], [lat, bounds.getEast()]]),
    ];
    L.polyline(lines, { pane: "graticule", className: "graticule", interactive: false, smoothFactor: 0 }).addTo(group);
    const label = (pixel, text, className) => L.marker(map.containerPointToLatLng(pixel), {
      pane: "graticule", interactive: false, keyboard: false,
      icon: L.divIcon({ className: `graticule-label ${className}`, html: make("span", {}, text), iconSize: null }),
    }).addTo(group);
    for (const lon of lons) {
      const x = map.latLngToContainerPoint([bounds.getCenter().lat, lon]).x;
      if (x > 150 && x < size.x - (hasLocator(map) ? 180 : 60)) label([x, size.y - 2], degrees(L.latLng(0, lon).wrap().lng, "E", "W", decimals), "along");
    }
    for (const lat of lats) {
      const y = map.latLngToContainerPoint([lat, bounds.getCenter().lng]).y;
      if (y > 180 && y < size.y - 80) label([3, y], degrees(lat, "N", "S", decimals), "up");
    }
  };
  map.on("moveend resize", draw);
  draw();
}

/** Country outlines, only where they are not mistaken for a border: when zoomed far out. */
function addOutline(map, world) {
  map.createPane("outline").style.zIndex = 205;
  let outline = null;
  const follow = () => {
    if (map.getZoom() >= OUTLINE_BELOW_ZOOM) { outline?.remove(); return; }
    outline = outline || L.layerGroup([-360, 0, 360].map((turn) => L.geoJSON(world, {
      pane: "outline", interactive: false, style: { className: "world" }, coordsToLatLng: ([lon, lat]) => L.latLng(lat, lon + turn),
    })));
    outline.addTo(map);
  };
  map.on("zoomend", follow);
  follow();
}

/** Whether the map in the corner is shown, which would cut the labels behind it. */
function hasLocator(map) {
  const box = map.getContainer().querySelector(".locator");
  return box !== null && box.offsetWidth > 0;
}

/** A small map in the corner that shows where in the world this is. */
function addLocator(map, world, middle) {
  const centre = middle.wrap();
  const control = L.control({ position: "bottomright" });
  control.onAdd = () => make("div", { class: "locator", role: "img", "aria-label": "Where in the world this is" });
  control.addTo(map);
  const small = L.map(control.getContainer(), {
    center: centre, zoom: 2.25, zoomSnap: 0.25, zoomControl: false, attributionControl: false, dragging: false, keyboard: false,
    scrollWheelZoom: false, doubleClickZoom: false, boxZoom: false, touchZoom: false, fadeAnimation: false, zoomAnimation: false,
  });
  L.geoJSON(world, { interactive: false, style: { className: "world" } }).addTo(small);
  L.circleMarker(centre, { radius: 5, className: "locator-here", interactive: false }).addTo(small);
}

function addNorth(map) {
  const control = L.control({ position: "topleft" });
  control.onAdd = () => {
    const box = make("div", { class: "north", role: "img", "aria-label": "North is up", title: "True north is up" });
    box.innerHTML = '<svg viewBox="0 0 26 36" aria-hidden="true"><path d="M13 2 22 34 13 27 4 34Z"/></svg>';
    box.append(make("span", {}, "N"));
    return box;
  };
  control.addTo(map);
}

function addFitButton(map, fit) {
  const control = L.control({ position: "topleft" });
  control.onAdd = () => {
    const button = make("button", { type: "button", class: "fit", title: "Show everything", "aria-label": "Show everything" });
    button.innerHTML = '<svg viewBox="0 0 26 26" aria-hidden="true"><path d="M4 10V4h6M16 4h6v6M22 16v6h-6M10 22H4v-6"/></svg>';
    L.DomEvent.disableClickPropagation(button);
    button.addEventListener("click", fit);
    return button;
  };
  control.addTo(map);
}

/** The coordinates under the pointer (or where a finger touched). */
function addCoordinates(map) {
  const control = L.control({ position: "bottomleft" });
  const box = make("div", { class: "coordinates" }, "WGS 84");
  control.onAdd = () => box;
  control.addTo(map);
  const say = (event) => {
    const { lat, lng } = event.latlng.wrap();
    box.replaceChildren(make("span", {}, placeText(lat, lng, 6)), make("span", {}, gridText(lat, lng)));
  };
  map.on("mousemove click", say);
}

function addGround(map, world, centre, fit) {
  addOutline(map, world);
  addFitButton(map, fit);
  addNorth(map);
  addCoordinates(map);
  L.control.scale({ imperial: false, maxWidth: 140, position: "bottomleft" }).addTo(map);
  addLocator(map, world, centre);
  addGraticule(map);
}
