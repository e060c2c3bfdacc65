// A map without internet: the world's outline, a graticule, scale, north and coordinates, as on Picket's pages.
import { get } from "./api.js";
import { underlay } from "./basemap.js";

/* global L, addGraticule, addOutline, addNorth, addFitButton, addCoordinates, mgrs */
const VIEW = "picket-view";

/** Where somebody last looked: {center, zoom}, or the world. */
function lastView() {
  try {
    const kept = JSON.parse(localStorage.getItem(VIEW));
    if ([kept.lat, kept.lng, kept.zoom].every(Number.isFinite)) return { center: [kept.lat, kept.lng], zoom: kept.zoom };
  } catch { /* nothing kept */ }
  return { center: [20, 20], zoom: 3 };
}

/** A map in the element with this id; `fit()` is what its button does. More options are Leaflet's. */
export function chart(id, fit, options = {}) {
  const map = L.map(id, {
    ...lastView(), minZoom: 2, maxZoom: 22, zoomSnap: 0.25, worldCopyJump: false, attributionControl: false, zoomAnimation: false,
    fadeAnimation: false, markerZoomAnimation: false, keyboardPanDelta: 60, ...options,
  });
  addFitButton(map, fit);
  addNorth(map);
  addCoordinates(map);
  L.control.scale({ imperial: false, maxWidth: 140, position: "bottomleft" }).addTo(map);
  addGraticule(map);
  underlay(map);
  get("/assets/world.geojson").then((world) => addOutline(map, world), () => {});
  map.on("moveend", () => {
    const { lat, lng } = map.getCenter();
    localStorage.setItem(VIEW, JSON.stringify({ lat, lng, zoom: map.getZoom() }));
  });
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
  return map;
}

/** A place somebody typed, "23.0412, 88.8972" or an MGRS reference, as [lat, lon]; null where it is none. */
export function typedPlace(text) {
  const pair = /^\s*(-?\d+(?:\.\d+)?)\s*°?\s*([NS]?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*°?\s*([EW]?)\s*$/i.exec(text);
  if (pair) {
    const lat = Number(pair[1]) * (/s/i.test(pair[2]) ? -1 : 1);
    const lon = Number(pair[3]) * (/w/i.test(pair[4]) ? -1 : 1);
    return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lat, lon] : null;
  }
  try {
    const [lon, lat] = mgrs.toPoint(text.replace(/\s+/g, ""));
    return Number.isFinite(lat) && Number.isFinite(lon) ? [lat, lon] : null;
  } catch {
    return null;
  }
}
