// The plan page: what is drawn and wished is kept as one goes, previewed as one drags, and written when asked.
import { byId, get, make, mission, path, role, send, toast, tried } from "./api.js";
import { chart, typedPlace } from "./chart.js";
import { ended } from "./jobs.js";
import { Preview } from "./preview.js";
import { Shapes } from "./shapes.js";

/* global L */
const SAVE_AFTER_MS = 800;
const WINDS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];
const officer = role === "officer";
const form = byId("wish");
const fields = form.elements;
let version = 0;
let planned = false;
let loaded = false;

const map = chart("map", fit, { editable: true, editOptions: {} });
const zonesLayer = L.layerGroup().addTo(map);
const preview = new Preview(map, asked, { headline: byId("headline"), problems: byId("problems"), note: byId("estimate-note") });
const shapes = new Shapes(map, byId("shapes"), { editable: officer, changed });

function fit() {
  const bounds = shapes.bounds();
  if (bounds) map.fitBounds(bounds, { padding: [50, 50], maxZoom: 18, animate: false });
}

// ---- what is asked ----

/** The wish as the app knows it. */
function wish() {
  const number = (name) => (fields[name].value === "" ? null : Number(fields[name].value));
  const by = form.querySelector("[name=by]:checked")?.value || "person";
  const asked = {
    drone: fields.drone.value, camera: fields.camera.value, by: ["person", "vehicle"].includes(by) ? "see" : by,
    see: by === "vehicle" ? "vehicle" : "person", gsd_cm: number("gsd_cm"), height_m: number("height_m"), wind_m_s: number("wind_m_s") ?? 0,
    wind_from_deg: number("wind_from_deg"), pattern: fields.pattern.value, drones: number("drones"), revisit_min: number("revisit_min"),
    angle_deg: number("angle_deg"), ceiling_m: number("ceiling_m"), sidelap: number("sidelap"), frontlap: number("frontlap"), when: fields.when.value,
    allow_zones: [...document.querySelectorAll("[name=allow]:checked")].map((box) => box.value),
  };
  for (const lap of ["sidelap", "frontlap"]) asked[lap] = asked[lap] === null ? null : asked[lap] / 100;
  for (const name of ["gsd_cm", "height_m", "ceiling_m", "sidelap", "frontlap"]) if (asked[name] === null) delete asked[name];
  return asked;
}

function showWish(given) {
  for (const [name, value] of Object.entries(given)) {
    const field = fields[name];
    if (!field || name === "by" || name === "see") continue;
    field.value = name.endsWith("lap") ? Math.round(value * 100) : value ?? "";
  }
  const wind = given.wind_from_deg % 360;
  if (wind % 45) fields.wind_from_deg.append(make("option", { value: wind }, `${wind}°`)); // as `picket plan --wind` takes it
  fields.wind_from_deg.value = wind;
  const by = given.by === "see" ? given.see : given.by;
  form.querySelector(`[name=by][value="${by}"]`).checked = true;
  byId("more").open = ["drones", "revisit_min", "angle_deg"].some((name) => given[name] !== null) || given.pattern !== "survey";
}

function asked() {
  const area = shapes.collection();
  return area.features.some((feature) => feature.properties.role === "patrol") ? { area, wish: wish() } : null;
}

// ---- keeping it ----

let saving = Promise.resolve();
let timer = 0;

function changed() {
  if (!loaded || !officer) return;
  preview.refresh();
  byId("written").hidden = true;
  byId("write").hidden = false;
  byId("write").disabled = asked() === null;
  byId("shapes-part").hidden = shapes.shapes.length === 0;
  clearTimeout(timer);
  if (!shapes.drawing) timer = setTimeout(save, SAVE_AFTER_MS);
}

function save() {
  clearTimeout(timer);
  timer = 0;
  saving = saving.then(() => tried(async () => {
    const drawn = { area: shapes.collection(), wish: wish(), version };
    version = (await send(path`/api/missions/${mission}/drawing`, drawn, { method: "PUT" })).version;
  }));
  return saving;
}

addEventListener("beforeunload", (event) => { if (timer) { save(); event.preventDefault(); } });

// ---- files ----

async function areaFile(file) {
  const body = new FormData();
  body.append("file", file);
  const found = await tried(() => send("/api/area", body));
  if (!found) return;
  shapes.add(found.area);
  fit();
  shapes.done();
  found.notes.forEach((note) => toast(note, "done"));
}

async function keepFile(kind, file) {
  const body = new FormData();
  body.append("kind", kind);
  body.append("file", file);
  const kept = await tried(() => send(path`/api/missions/${mission}/files`, body));
  if (kept) await loadFiles();
}

async function loadFiles() {
  const drawn = await tried(() => get(path`/api/missions/${mission}/drawing`));
  if (drawn) showFiles(drawn);
}

function showFiles(drawn) {
  const list = byId("kept-files");
  const line = (kind, file, said) => make("li", {}, make("span", {}, said), officer ? make("button", { type: "button", onclick: async () => {
    await tried(() => send(path`/api/missions/${mission}/files/${kind}/${file}`, {}, { method: "DELETE" }));
    loadFiles();
  } }, "Remove") : null);
  const allowed = new Set(drawn.wish.allow_zones);
  list.replaceChildren();
  if (drawn.terrain) list.append(line("terrain", drawn.terrain, `Hills: ${drawn.terrain}`));
  zonesLayer.clearLayers();
  for (const { file, zones, problem } of drawn.zones) {
    list.append(line("zones", file, problem ? `Zones: ${problem}` : `Zones: ${file} (${zones.length})`));
    for (const zone of zones) {
      const shape = L.polygon(zone.ring.map(([lon, lat]) => [lat, lon]), { className: "layer-zone" }).addTo(zonesLayer);
      shape.bindTooltip(make("span", {}, `${zone.title}: ${zone.asks}, ${zone.heights}`), { sticky: true });
      if (!/prohibited|authorisation|conditions/.test(zone.asks)) continue;
      const box = make("input", { type: "checkbox", name: "allow", value: zone.id, checked: allowed.has(zone.id), disabled: !officer });
      list.append(make("li", {}, make("label", {}, box, " ", `${zone.title}: I hold the authorisation`)));
    }
  }
}

// ---- writing the plan ----

function showPlanned(drawn) {
  planned = drawn.planned;
  byId("written").hidden = !planned;
  if (!planned) return;
  byId("fly-it").href = path`/missions/${mission}/fly`;
  byId("look").href = path`/missions/${mission}/plan/plan.html`;
  byId("files").replaceChildren(...drawn.files.filter((file) => file !== "plan.html").map((file) =>
    make("li", {}, make("a", { href: path`/missions/${mission}/plan/${file}`, download: "" }, file))));
  if (officer) {
    byId("write").textContent = "Write the plan anew";
    byId("write").hidden = true;
  }
}

async function write() {
  if (preview.last?.problems.length && !confirmTwice()) return;
  byId("write").disabled = true;
  await save();
  const begun = await tried(() => send(path`/api/missions/${mission}/plan`, { area: shapes.collection(), wish: wish(), version }));
  if (begun) {
    version = begun.version;
    const job = await ended(begun.job.id);
    if (job.state === "failed") preview.show({ ...preview.last, problems: [job.problem], notes: [] });
    const drawn = await tried(() => get(path`/api/missions/${mission}/drawing`));
    if (drawn && job.state === "done") showPlanned(drawn);
  }
  byId("write").disabled = asked() === null;
}

/** A plan with problems is written on the second press only. */
function confirmTwice() {
  const button = byId("write");
  if (button.dataset.sure) { delete button.dataset.sure; return true; }
  button.dataset.sure = "yes";
  toast("The preview found a problem. Press again to have the planner try all the same.", "done");
  return false;
}

// ---- putting it together ----

function choices(field, options) {
  field.replaceChildren(...options.map(({ name, title }) => make("option", { value: name }, title)));
}

shapes.onshow = (help) => {
  byId("draw-help").textContent = help;
  byId("draw-help").hidden = byId("crosshair").hidden = !help;
  byId("shapes-part").hidden = shapes.shapes.length === 0;
  if (!officer) return;
  byId("drawing-tools").hidden = !shapes.drawing;
  byId("finish").hidden = shapes.drawing?.kind === "point";
  for (const button of document.querySelectorAll("[data-draw]")) button.setAttribute("aria-pressed", shapes.drawing?.role === button.dataset.draw);
};
shapes.onpast = () => { if (officer) byId("undo").disabled = shapes.past.length === 0; };

if (officer) {
  for (const button of document.querySelectorAll("[data-draw]")) button.addEventListener("click", () => shapes.start(button.dataset.draw));
  byId("finish").addEventListener("click", () => shapes.finish());
  byId("cancel-drawing").addEventListener("click", () => shapes.stop());
  byId("undo").addEventListener("click", () => shapes.undo());
  byId("write").addEventListener("click", write);
  byId("area-file").addEventListener("change", (event) => { if (event.target.files[0]) areaFile(event.target.files[0]); event.target.value = ""; });
  for (const kind of ["terrain", "zones"]) {
    byId(`${kind}-file`).addEventListener("change", (event) => { if (event.target.files[0]) keepFile(kind, event.target.files[0]); event.target.value = ""; });
  }
  const side = document.querySelector(".split");
  side.addEventListener("dragover", (event) => { event.preventDefault(); byId("drop").classList.add("over"); });
  side.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
  side.addEventListener("drop", (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    if (event.dataTransfer.files[0]) areaFile(event.dataTransfer.files[0]);
  });
  byId("go-to").addEventListener("submit", (event) => {
    event.preventDefault();
    const place = typedPlace(byId("place").value);
    if (place) map.setView(place, Math.max(map.getZoom(), 15), { animate: false });
    else toast("Type a place such as 23.0412, 88.8972 or 45Q YG 12345 67890.");
  });
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
} else {
  for (const field of fields) field.disabled = true;
}

await tried(async () => {
  const [known, drawn] = await Promise.all([get("/api/catalogue"), get(path`/api/missions/${mission}/drawing`)]);
  choices(fields.drone, known.drones);
  choices(fields.camera, known.cameras);
  choices(fields.wind_from_deg, WINDS.map((title, k) => ({ name: 45 * k, title })));
  showWish(drawn.wish);
  version = drawn.version;
  shapes.add(drawn.area);
  shapes.settle();
  fit();
  showFiles(drawn);
  loaded = true;
  if (officer) { byId("write").disabled = asked() === null; preview.refresh(); }
  else byId("headline").textContent = drawn.planned ? "" : "Not planned yet.";
  showPlanned(drawn);
});
document.body.dataset.ready = "yes";
