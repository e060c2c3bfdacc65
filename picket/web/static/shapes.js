// Drawing: the shapes on the map and in the list, by mouse, by touch and by keyboard.
import { make, toast } from "./api.js";
import { typedPlace } from "./chart.js";

/* global L, placeMarker */
export const ROLES = {
  patrol: { words: "Area to watch", kind: "polygon" },
  home: { words: "Take-off place", kind: "point" },
  no_fly: { words: "No-fly area", kind: "polygon" },
  border: { words: "Border line", kind: "line" },
  rally: { words: "Landing place", kind: "point" },
};
const HELP = {
  polygon: "Click the corners, then the first one again. Keyboard: arrows move, Space sets a corner, Enter finishes.",
  line: "Click along the line, then its last point again. Keyboard: arrows move, Space sets a point, Enter finishes.",
  point: "Click the place. Keyboard: arrows move the map, Space sets it.",
};
const MOST_UNDONE = 50;

// The library asks markers where they are that it has taken off the map already, once a corner was taken back.
const placed = L.Editable.MiddleMarker.prototype.setVisibility;
L.Editable.MiddleMarker.include({ setVisibility() { if (this._map) placed.call(this); } });

/** The shapes of a drawing. `changed()` is called after every change, also while something is dragged. */
export class Shapes {
  constructor(map, list, { editable, changed }) {
    Object.assign(this, { map, list, editable, changed, shapes: [], chosen: null, drawing: null, editing: false, past: [] });
    this.group = L.featureGroup().addTo(map);
    this.last = this.text();
    map.on("editable:editing editable:dragend editable:vertex:drag editable:vertex:deleted", () => this.changed());
    map.on("editable:dragend editable:vertex:dragend editable:vertex:deleted editable:vertex:new editable:middlemarker:mousedown", () => this.note());
    map.on("editable:drawing:commit", (event) => this.committed(event.layer));
    map.on("editable:drawing:move editable:drawing:clicked", () => this.drawing && this.changed());
    map.on("click", () => { if (!this.drawing) this.choose(null); });
    map.getContainer().addEventListener("keydown", (event) => this.key(event));
  }

  /** All shapes as GeoJSON; one being drawn counts once it has three corners, so that its plan is seen while drawing. */
  collection() {
    const features = this.shapes.map((shape) => this.feature(shape));
    if (this.drawing && this.drawing.layer) {
      const feature = this.feature(this.drawing);
      if (feature.geometry.type === "Polygon" && this.drawing.layer.getLatLngs()[0]?.length >= 3) features.push(feature);
    }
    return { type: "FeatureCollection", features };
  }

  feature({ role, name, layer }) {
    const { geometry } = layer.toGeoJSON(7);
    return { type: "Feature", properties: { role, ...(name ? { name } : {}) }, geometry };
  }

  /** Put the shapes of a GeoJSON collection on the map beside what is there. */
  add(collection) {
    for (const { properties, geometry } of collection.features || []) {
      const role = ROLES[properties?.role] ? properties.role : "patrol";
      const name = typeof properties?.name === "string" ? properties.name : "";
      for (const part of parts(geometry)) this.take(role, name, this.layer(role, part));
    }
    this.show();
  }

  layer(role, geometry) {
    const options = { className: `layer layer-${role}`, noClip: true, smoothFactor: 0 };
    const points = (line) => line.map(([lon, lat]) => [lat, lon]);
    if (geometry.type === "Polygon") return L.polygon(geometry.coordinates.map((ring) => points(ring.slice(0, -1))), options);
    if (geometry.type === "LineString") return L.polyline(points(geometry.coordinates), options);
    return this.marker(role, [geometry.coordinates[1], geometry.coordinates[0]]);
  }

  marker(role, place) {
    return placeMarker(role, "", ROLES[role].words, place);
  }

  take(role, name, layer) {
    const shape = { role, name, layer };
    this.shapes.push(shape);
    this.group.addLayer(layer);
    layer.on("click", (event) => { if (!this.drawing) { L.DomEvent.stop(event); this.choose(shape); } });
    return shape;
  }

  remove(shape) {
    shape.layer.disableEdit?.();
    this.group.removeLayer(shape.layer);
    this.shapes = this.shapes.filter((one) => one !== shape);
    if (this.chosen === shape) this.chosen = null;
    this.done();
  }

  clear() {
    this.stop();
    for (const shape of this.shapes) { shape.layer.disableEdit?.(); this.group.removeLayer(shape.layer); }
    this.shapes = [];
    this.chosen = null;
  }

  bounds() {
    return this.shapes.length ? this.group.getBounds() : null;
  }

  // ---- drawing ----

  start(role) {
    this.stop();
    this.choose(null);
    const { kind } = ROLES[role];
    const options = { className: `layer layer-${role}`, noClip: true, smoothFactor: 0 };
    const tools = this.map.editTools;
    this.drawing = { role, kind, name: "", layer: null };
    if (kind === "polygon") this.drawing.layer = tools.startPolygon(undefined, options);
    else if (kind === "line") this.drawing.layer = tools.startPolyline(undefined, options);
    else this.map.once("click", this.placed, this);
    this.map.getContainer().classList.toggle("leaflet-editable-drawing", true);
    this.map.getContainer().focus({ preventScroll: true });
    this.show();
  }

  placed(event) {
    const { role } = this.drawing;
    this.stop(true);
    this.setPlace(role, event.latlng);
  }

  setPlace(role, latlng) {
    if (role === "home") for (const old of this.shapes.filter((one) => one.role === "home")) this.remove(old);
    const place = L.latLng(latlng).wrap();
    this.choose(this.take(role, "", this.marker(role, place)));
    this.done();
  }

  committed(layer) {
    const drawn = this.drawing;
    if (!drawn || drawn.layer !== layer) return;
    this.drawing = null;
    this.map.editTools.featuresLayer.removeLayer(layer);
    layer.disableEdit();
    const enough = drawn.kind === "polygon" ? layer.getLatLngs()[0]?.length >= 3 : layer.getLatLngs().length >= 2;
    if (enough) this.choose(this.take(drawn.role, "", layer));
    else toast(drawn.kind === "polygon" ? "An area needs at least three corners." : "A line needs at least two points.");
    this.done();
  }

  finish() {
    if (this.drawing?.layer) this.map.editTools.commitDrawing();
  }

  /** Leave what is being drawn undone. */
  stop(quiet) {
    const drawn = this.drawing;
    if (!drawn) return;
    this.drawing = null;
    this.map.off("click", this.placed, this);
    if (drawn.layer) {
      this.map.editTools.stopDrawing();
      drawn.layer.disableEdit();
      drawn.layer.remove();
    }
    this.map.getContainer().classList.remove("leaflet-editable-drawing");
    if (!quiet) { this.show(); this.changed(); }
  }

  key(event) {
    const target = event.target;
    if (target !== this.map.getContainer()) return;
    if (event.key === "Delete" && this.chosen && !this.drawing && this.editable) { this.remove(this.chosen); return; }
    if (!this.drawing) return;
    const { layer, role } = this.drawing;
    const used = { " ": () => {
      if (!layer) { this.stop(true); this.setPlace(role, this.map.getCenter()); return; }
      layer.editor.push(this.map.getCenter().clone());
      this.changed();
    }, Enter: () => this.finish(), Escape: () => this.stop(), Backspace: () => { layer?.editor.pop(); this.changed(); } }[event.key];
    if (!used) return;
    event.preventDefault();
    used();
  }

  // ---- choosing and changing ----

  choose(shape) {
    if (this.chosen === shape) return;
    const before = this.chosen;
    this.chosen = shape;
    if (before) { before.layer.disableEdit?.(); before.layer.getElement?.()?.classList.remove("chosen-shape"); }
    if (shape) {
      if (this.editable) shape.layer.enableEdit(this.map);
      shape.layer.getElement?.()?.classList.add("chosen-shape");
    }
    this.show();
  }

  text() { return JSON.stringify(this.collection()); }

  /** Keep what was before this change, for undo. */
  note() {
    const now = this.drawing ? this.last : this.text();
    if (now === this.last) return;
    this.past.push(this.last);
    if (this.past.length > MOST_UNDONE) this.past.shift();
    this.last = now;
    this.onpast?.();
  }

  done() {
    this.note();
    this.show();
    this.changed();
  }

  /** What was loaded is where undoing ends. */
  settle() {
    this.past = [];
    this.last = this.text();
    this.onpast?.();
  }

  undo() {
    const before = this.past.pop();
    if (before === undefined) return;
    this.clear();
    this.last = before;
    this.add(JSON.parse(before));
    this.onpast?.();
    this.changed();
  }

  /** The list beside the map, and the help on it. */
  show() {
    this.list.replaceChildren(...this.shapes.map((shape) => this.row(shape)));
    this.onshow?.(this.drawing ? HELP[this.drawing.kind] : "");
  }

  row(shape) {
    const { words } = ROLES[shape.role];
    const chosen = shape === this.chosen;
    const open = chosen && this.editing && this.editable;
    const pick = make("button", { type: "button", class: "pick", "aria-pressed": String(chosen), onclick: () => {
      this.choose(shape);
      this.list.querySelector("[aria-pressed=true]")?.focus();
      if (shape.layer.getBounds) { if (!this.map.getBounds().intersects(shape.layer.getBounds())) this.map.fitBounds(shape.layer.getBounds()); }
    } }, shape.name ? `${words}: ${shape.name}` : words);
    const edit = make("button", { type: "button", "aria-expanded": String(open), "aria-label": `Edit ${shape.name || words}`, onclick: () => {
      this.editing = !open;
      this.choose(shape);
      this.show();
      this.list.querySelector(`.chosen [aria-expanded]`)?.focus();
    } }, "Edit");
    const drop = make("button", { type: "button", "aria-label": `Delete ${shape.name || words}`, onclick: () => this.remove(shape) }, "Delete");
    const row = make("div", { class: "row" }, make("span", { class: `swatch ${shape.role}` }), pick, this.editable ? [edit, drop] : null);
    return make("li", { class: chosen ? "chosen" : "" }, row, open ? this.editor(shape) : null);
  }

  editor(shape) {
    const same = Object.entries(ROLES).filter(([, one]) => one.kind === ROLES[shape.role].kind);
    const role = make("select", {}, ...same.map(([key, one]) => make("option", { value: key, selected: key === shape.role }, one.words)));
    role.addEventListener("change", () => {
      const { geometry } = this.feature(shape);
      const index = this.shapes.indexOf(shape);
      this.remove(shape);
      const turned = this.take(role.value, shape.name, this.layer(role.value, geometry));
      this.shapes.splice(index, 0, this.shapes.pop());
      this.choose(turned);
      this.done();
    });
    const name = make("input", { value: shape.name, maxlength: 80 });
    name.addEventListener("change", () => { shape.name = name.value.trim(); this.done(); });
    const corners = make("textarea", { spellcheck: "false", rows: 4 });
    corners.value = placesOf(shape).map(([lat, lon]) => `${lat.toFixed(6)}, ${lon.toFixed(6)}`).join("\n");
    corners.addEventListener("change", () => this.typed(shape, corners.value));
    const said = ROLES[shape.role].kind === "point" ? "Place (lat, lon or MGRS)" : "Corners (lat, lon or MGRS, one a line)";
    return make("div", { class: "edit" },
      same.length > 1 ? make("label", { class: "field" }, "What it is", role) : null,
      make("label", { class: "field" }, "Name", name),
      make("label", { class: "field" }, said, corners));
  }

  /** Corners that were typed take the place of the drawn ones. */
  typed(shape, text) {
    const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
    const places = lines.map(typedPlace);
    const wrong = places.indexOf(null);
    const least = { polygon: 3, line: 2, point: 1 }[ROLES[shape.role].kind];
    if (wrong >= 0) { toast(`Line ${wrong + 1} is no place: ${lines[wrong].slice(0, 60)}`); return; }
    if (places.length < least) { toast(`Give at least ${least} places, one a line.`); return; }
    shape.layer.disableEdit?.();
    if (shape.layer.setLatLngs) {
      const holes = shape.layer.toGeoJSON().geometry.type === "Polygon" ? shape.layer.getLatLngs().slice(1) : [];
      shape.layer.setLatLngs(ROLES[shape.role].kind === "polygon" ? [places, ...holes] : places);
    } else shape.layer.setLatLng(places[0]);
    if (this.chosen === shape) shape.layer.enableEdit(this.map);
    this.done();
  }
}

function placesOf({ role, layer }) {
  const { kind } = ROLES[role];
  if (kind === "point") return [[layer.getLatLng().lat, layer.getLatLng().lng]];
  return (kind === "polygon" ? layer.getLatLngs()[0] : layer.getLatLngs()).map(({ lat, lng }) => [lat, lng]);
}

/** The simple geometries in a geometry. */
function parts(geometry) {
  const { type, coordinates } = geometry || {};
  if (type === "GeometryCollection") return geometry.geometries.flatMap(parts);
  if (type?.startsWith("Multi")) return coordinates.map((one) => ({ type: type.slice(5), coordinates: one }));
  return ["Polygon", "LineString", "Point"].includes(type) ? [geometry] : [];
}
