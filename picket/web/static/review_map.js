// The map beside a sighting: where it is with its ellipse, the others around it, and moving its dot.
import { underlay } from "./basemap.js";

const METRES_PER_DEGREE = 111_195;
const COLOURS = { person: "--person", vehicle: "--vehicle", bicycle: "--bicycle", object: "--object" };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** `lat`, `lon` moved by metres to the east and the north. */
export function shifted(lat, lon, east, north) {
  return [lat + north / METRES_PER_DEGREE, lon + east / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180))];
}

function ellipsePoints(one) {
  const turn = ((one.bearing || 0) * Math.PI) / 180;
  return Array.from({ length: 48 }, (_, k) => {
    const angle = (k * Math.PI) / 24;
    const along = one.major * Math.cos(angle), across = one.minor * Math.sin(angle);
    return shifted(...one.measured, along * Math.sin(turn) + across * Math.cos(turn), along * Math.cos(turn) - across * Math.sin(turn));
  });
}

/** The map in `holder`. `choose(id)` is called for a click on another sighting, `dragged()` when the dot is taken. */
export function makeMap(holder, choose, dragged) {
  const map = L.map(holder, { zoomControl: true, attributionControl: false, preferCanvas: true, keyboard: false, maxZoom: 22, zoomSnap: 0.5 });
  map.setView([0, 0], 2);
  L.control.scale({ imperial: false }).addTo(map);
  underlay(map);
  const around = L.layerGroup().addTo(map), here = L.layerGroup().addTo(map), ground = L.layerGroup().addTo(map);
  const dots = new Map();
  let dot = null, shown = null;

  const style = (row) => ({
    radius: row.state === "rejected" ? 4 : 6, weight: 2, color: colour(row.state === "rejected" ? "--quiet" : COLOURS[row.class] || "--object"),
    fillOpacity: { confirmed: 1, unsure: 0.45 }[row.state] ?? 0.05, opacity: row.state === "rejected" ? 0.6 : 1,
    dashArray: row.state === "not reviewed" ? "3 3" : null,
  });
  const put = (row) => {
    dots.get(row.id)?.remove();
    dots.delete(row.id);
    if (row.lat === null || row.lon === null) return;
    const made = L.circleMarker([row.lat, row.lon], style(row)).on("click", () => choose(row.id));
    dots.set(row.id, made.addTo(around));
  };

  return {
    /** All sightings, and the area to watch (GeoJSON geometry or null). */
    all(rows, area) {
      around.clearLayers();
      ground.clearLayers();
      dots.clear();
      if (area) L.geoJSON(area, { interactive: false, style: { color: colour("--area"), weight: 2, fillOpacity: 0.04 } }).addTo(ground);
      rows.forEach(put);
    },
    put,
    /** Show one sighting; the map moves to it where it is another than before. */
    show(one, movable) {
      here.clearLayers();
      dot = null;
      const before = shown;
      shown = one;
      if (one.lat === null || one.lon === null) return;
      if (one.major && one.minor) {
        L.polygon(ellipsePoints(one), { color: colour("--ink"), weight: 1.5, fillOpacity: 0.12, interactive: false, dashArray: one.moved ? "4 4" : null }).addTo(here);
      }
      if (one.moved && one.measured[0] !== null) {
        L.polyline([one.measured, [one.lat, one.lon]], { color: colour("--ink"), weight: 1.5, dashArray: "2 5", interactive: false }).addTo(here);
      }
      const icon = L.divIcon({ className: "here", iconSize: [34, 34], html: '<svg viewBox="0 0 34 34" aria-hidden="true"><g class="halo"><circle class="halo" cx="17" cy="17" r="9"/></g><circle cx="17" cy="17" r="9"/><path d="M17 1v9M17 24v9M1 17h9M24 17h9"/></svg>' });
      dot = L.marker([one.lat, one.lon], { icon, draggable: movable, keyboard: false, autoPan: true, title: movable ? "Drag to move it" : "" }).addTo(here);
      dot.on("dragstart", dragged);
      if (!before || before.id !== one.id) {
        const reach = Math.max(50, 6 * (one.major || 0));
        map.fitBounds([shifted(one.lat, one.lon, -reach, -reach), shifted(one.lat, one.lon, reach, reach)], { animate: false });
      }
    },
    /** Where the dot is now, [lat, lon]; null where there is none. */
    place() { const at = dot?.getLatLng(); return at ? [at.lat, at.lng] : null; },
    nudge(east, north) {
      const at = this.place();
      if (!at) return;
      dot.setLatLng(shifted(...at, east, north));
      if (!map.getBounds().pad(-0.1).contains(dot.getLatLng())) map.panTo(dot.getLatLng(), { animate: false });
    },
    resize() { map.invalidateSize(); },
  };
}
