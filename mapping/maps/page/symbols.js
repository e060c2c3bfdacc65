// Sightings as symbols on the map: apart where there is room, counted together where there is not.
const APART_FROM_ZOOM = 20;
const APART_AT_ONCE = 600;
const NEAR_PX = 36;
const CLUSTER_PX = [34, 31];
const SYMBOL_PX = [26, 26];
const CLASS_ORDER = ["person", "vehicle", "bicycle", "object"];
const CLASS_WORDS = { person: "people", vehicle: "vehicles", bicycle: "bicycles", object: "marked objects" };

function symbolIcon(one) {
  return L.divIcon({
    className: `sighting-icon class-${one.shape} state-${one.state}`, html: symbol(SHAPES[one.shape], one.number), iconSize: SYMBOL_PX,
  });
}

/** How many lie too close together to show apart, and of which classes; filled where all are confirmed. Bit k of `mask`:
 *  class k is there; bit k + 4: some of it is not confirmed. */
function clusterIcon(count, mask) {
  const symbols = CLASS_ORDER.filter((_, k) => mask & (1 << k)).map((shape) =>
    symbolElement(SHAPES[shape], `class-${shape} state-${mask & (1 << (CLASS_ORDER.indexOf(shape) + 4)) ? "mixed" : "confirmed"}`));
  const number = count < 1000 ? String(count) : count < 9950 ? `${(count / 1000).toFixed(1)}k` : `${Math.round(count / 1000)}k`;
  return L.divIcon({ className: "cluster-icon", html: make("div", {}, make("b", { "data-count": count }, number), make("div", {}, ...symbols)), iconSize: CLUSTER_PX });
}

/** Symbols that would lie on one another become one: each is put to the first larger one it touches. */
function mergedOnScreen(map, items) {
  let left = items.sort((a, b) => b.count - a.count);
  for (let again = true; again;) {
    again = false;
    const kept = [];
    const cells = new Map();
    for (const item of left) {
      const [wide, high] = item.count > 1 ? CLUSTER_PX : SYMBOL_PX;
      const [column, row] = [Math.floor(item.at.x / 40), Math.floor(item.at.y / 40)];
      let under = null;
      for (let dx = -1; dx <= 1 && !under; dx += 1) {
        for (let dy = -1; dy <= 1 && !under; dy += 1) {
          under = (cells.get(`${column + dx},${row + dy}`) || []).find((other) => {
            const [otherWide, otherHigh] = other.count > 1 ? CLUSTER_PX : SYMBOL_PX;
            return Math.abs(other.at.x - item.at.x) < (wide + otherWide) / 2 && Math.abs(other.at.y - item.at.y) < (high + otherHigh) / 2;
          });
        }
      }
      if (under) {
        again = again || under.count === 1;
        Object.assign(under, { count: under.count + item.count, mask: under.mask | item.mask, row: null, key: `${under.key}+` });
      } else {
        kept.push(item);
        const cell = `${column},${row}`;
        cells.set(cell, [...(cells.get(cell) || []), item]);
      }
    }
    left = kept;
  }
  return left;
}

/** Draws the rows of `sightings` that `only(rows)` was last given; `choose(row)` is called when one is chosen.
 *  Returns {only(rows), reveal(row), apart() -> rows drawn one by one}. */
function addSymbols(map, sightings, choose) {
  const middle = map.getCenter().lng; // Supercluster wraps at 180 degrees, and so may the sightings: count from the middle
  const group = L.layerGroup().addTo(map);
  const drawn = new Map();
  let single = [];
  let index = null;
  const points = Array.from({ length: sightings.count }, (_, row) => ({
    type: "Feature", properties: { row, mask: (1 << CLASS_ORDER.indexOf(sightings.shape(row))) * (sightings.state(row) === "confirmed" ? 1 : 17) },
    geometry: { type: "Point", coordinates: [sightings.lon(row) - middle, sightings.lat(row)] },
  }));
  const itemOf = (feature) => {
    const [lon, lat] = feature.geometry.coordinates;
    const place = L.latLng(lat, lon + middle);
    const { cluster_id: id, point_count: count, mask, row } = feature.properties;
    return { key: id === undefined ? `r${row}` : `c${id}`, id, count: count || 1, mask, row: id === undefined ? row : null, place, at: map.latLngToContainerPoint(place) };
  };
  const markerOf = (item) => {
    if (item.row !== null) {
      const one = sightings.at(item.row);
      const said = `${one.number}: ${one.class}, ${one.verdict}`;
      const marker = L.marker(item.place, { icon: symbolIcon(one), title: said, alt: said });
      marker.on("click", () => choose(item.row));
      marker.on("keypress", (event) => { if (event.originalEvent.key === "Enter") choose(item.row); });
      return marker;
    }
    const kinds = CLASS_ORDER.filter((_, k) => item.mask & (1 << k)).map((shape) => CLASS_WORDS[shape]).join(", ");
    const said = `${item.count} sightings together: ${kinds}; choose to come closer`;
    const marker = L.marker(item.place, { icon: clusterIcon(item.count, item.mask), title: said, alt: said });
    const closer = () => {
      const zoom = item.id === undefined ? 0 : index.getClusterExpansionZoom(item.id);
      map.setView(item.place, Math.min(APART_FROM_ZOOM, Math.max(zoom, Math.floor(map.getZoom()) + 1)), { animate: false });
    };
    marker.on("click", closer);
    marker.on("keypress", (event) => { if (event.originalEvent.key === "Enter") closer(); });
    return marker;
  };
  const draw = () => {
    if (!index) return;
    const bounds = map.getBounds().pad(0.1);
    const box = [Math.max(-180, bounds.getWest() - middle), bounds.getSouth(), Math.min(180, bounds.getEast() - middle), bounds.getNorth()];
    const zoom = Math.floor(map.getZoom());
    let features = index.getClusters(box, Math.min(zoom, APART_FROM_ZOOM));
    const apart = zoom >= APART_FROM_ZOOM && features.length <= APART_AT_ONCE;
    if (zoom >= APART_FROM_ZOOM && !apart) features = index.getClusters(box, APART_FROM_ZOOM - 1);
    const items = apart ? features.map(itemOf) : mergedOnScreen(map, features.map(itemOf));
    single = items.filter((item) => item.row !== null).map((item) => item.row);
    const wanted = new Set(items.map((item) => `${item.key} ${item.count}`));
    for (const [key, marker] of drawn) {
      if (wanted.has(key)) continue;
      group.removeLayer(marker);
      drawn.delete(key);
    }
    for (const item of items) {
      const key = `${item.key} ${item.count}`;
      if (drawn.has(key)) continue;
      const marker = markerOf(item);
      drawn.set(key, marker);
      group.addLayer(marker);
    }
    map.fire("picket:symbols");
  };
  map.on("moveend resize", draw);
  return {
    only(rows) {
      index = new Supercluster({
        radius: NEAR_PX, extent: 256, maxZoom: APART_FROM_ZOOM - 1, map: ({ mask }) => ({ mask }), reduce: (all, one) => { all.mask |= one.mask; },
      }).load(Array.from(rows, (row) => points[row]));
      for (const [key, marker] of drawn) if (key.startsWith("c")) { group.removeLayer(marker); drawn.delete(key); }
      draw();
    },
    reveal(row) {
      const place = [sightings.lat(row), sightings.lon(row)];
      map.setView(place, Math.max(map.getZoom(), 18), { animate: false });
      if (!single.includes(row)) map.setView(place, APART_FROM_ZOOM, { animate: false });
    },
    apart: () => single,
  };
}
