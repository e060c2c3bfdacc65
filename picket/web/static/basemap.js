// What lies under a map where the app was given an aerial image or map tiles: asked for as the map moves, for what it
// shows and a bit around it.
import { get } from "./api.js";

/* global L, backgroundLayer */
const FROM_ZOOM = 11;
const AFTER_MS = 250;
const AROUND = 0.2;

/** Keep the ground under `map`. Does nothing on pages that have none. */
export function underlay(map) {
  if (!window.backgroundLayer) return;
  let layer = null, covered = null, atZoom = 0, timer = 0, asked = 0;
  const follow = async () => {
    const view = map.getBounds();
    if (map.getZoom() < FROM_ZOOM || (covered?.contains(view) && Math.abs(map.getZoom() - atZoom) <= 1)) return;
    const number = ++asked;
    const box = { west: view.getWest(), south: view.getSouth(), east: view.getEast(), north: view.getNorth() };
    const found = await get(`/api/basemap?${new URLSearchParams(box)}`).catch(() => null);
    if (number !== asked) return;
    const before = layer;
    layer = found ? backgroundLayer(map, found).addTo(map) : null;
    before?.remove();
    covered = view.pad(AROUND);
    atZoom = map.getZoom();
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(follow, AFTER_MS); };
  map.on("moveend resize", soon);
  soon();
}
