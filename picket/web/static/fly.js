// The fly page: one sortie in the air, watched by as many as look; the take-off asked for, the way home, what comes after.
import { byId, get, make, mission, path, role, send, tried } from "./api.js";
import { chart } from "./chart.js";
import { listen } from "./events.js";
import { ended, watchJobs } from "./jobs.js";
import { lasting, sentence } from "./words.js";

/* global L, drawLayers, keepLabelsApart */
const officer = role === "officer";
const LINES_KEPT = 120;
const OLD_S = 3;
const SILENT_S = 10;
const PHOTO_EVERY_MS = 1000;
const STEPS = [["detect", "Search the pictures", "searched"], ["locate", "Locate what was found", "located"], ["report", "Write the report", "reported"]];
let flight = null;
let sorties = [];
let flights = [];
let routes = [];
let bounds = null;
let fitted = false;
const working = new Map();
let heardMs = 0; // when the newest status was told

const map = chart("map", fit);
keepLabelsApart(map);
const track = L.polyline([], { className: "flown", interactive: false, smoothFactor: 0 }).addTo(map);
const photos = L.polyline([], { className: "photo-dots", interactive: false, smoothFactor: 0 }).addTo(map);
const drone = L.marker([0, 0], {
  keyboard: false, interactive: false, alt: "The drone",
  icon: L.divIcon({ className: "drone-here", iconSize: [34, 34], html: '<svg viewBox="0 0 34 34" aria-hidden="true"><path d="M17 4 28 29 17 23 6 29Z"/></svg>' }),
});

function fit() {
  if (bounds?.isValid()) map.fitBounds(bounds, { paddingTopLeft: [64, 30], paddingBottomRight: [30, 68], maxZoom: 19, animate: false });
}

const shown = (id, whether) => { const element = byId(id); if (element) element.hidden = !whether; };
const say = (id, text) => { const element = byId(id); if (element && element.textContent !== text) element.textContent = text; };

// ---- the flight under way ----

function figure(name, value, more = "", behind = false) {
  return make("div", { class: behind ? "behind" : "" }, make("dt", {}, name), make("dd", {}, value, more ? make("small", {}, more) : null));
}

function figures(status) {
  const metres = (value) => (value === null ? "unknown" : `${Math.round(value)} m`);
  const battery = status.battery_pct === null ? "unknown" : `${status.battery_pct} %`;
  const planned = status.battery_expected_pct;
  const short = planned !== null && status.battery_pct !== null && status.battery_pct < planned - 5;
  const missing = status.photos_missing > 0;
  return [
    figure("Battery", battery, planned === null ? "" : `the plan has ${Math.round(planned)} % by now`, short),
    figure("Photos", `${status.photos_taken} of ${status.photos_expected}`, missing ? `${status.photos_missing} missing` : "", missing),
    figure("Height over home", metres(status.height_home_m)),
    figure("From home", metres(status.from_home_m)),
    figure("Speed", status.speed_m_s === null ? "unknown" : `${status.speed_m_s.toFixed(1)} m/s`, status.wind_m_s === null ? "" : `wind ${Math.round(status.wind_m_s)} m/s`),
    figure("Flown", lasting(status.flown_s), `mode ${status.mode}`),
  ];
}

function line([seconds, text]) {
  const minutes = Math.floor(seconds / 60);
  return make("li", {}, make("time", {}, `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`), make("span", {}, text));
}

function showStatus(status) {
  byId("figures").replaceChildren(...(status ? figures(status) : []));
  const progress = flight.ended?.summary.ended === "landed" ? 1 : status?.progress ?? 0; // it lands a few metres beside the last place of its route
  byId("progress").value = progress;
  say("far", `${Math.floor(100 * progress)} %`);
  shown("far-part", Boolean(status));
  showPhoto();
  showAge();
  const alerts = flight.ended ? [] : status?.alerts || [];
  if (byId("alerts").textContent !== alerts.join("")) byId("alerts").replaceChildren(...alerts.map((text) => make("li", {}, text)));
  if (status?.lat_deg == null) { drone.remove(); return; }
  drone.setLatLng([status.lat_deg, status.lon_deg]).addTo(map);
  showAge();
}

/** What is no longer heard must not look like the drone as it is now. */
function showAge() {
  const status = flight !== null && flight.ended === null ? flight.status : null;
  const age = status ? (Date.now() - heardMs) / 1000 : 0;
  const inTheAir = Boolean(status?.armed);
  const old = age >= OLD_S;
  byId("figures").classList.toggle("old", old && inTheAir);
  drone.getElement()?.classList.toggle("old", old && inTheAir);
  shown("age", old);
  say("age", inTheAir ? `as it was ${lasting(age)} ago` : "It is down; its record is being closed.");
  shown("silent", inTheAir && age >= SILENT_S);
  if (inTheAir && age >= SILENT_S) {
    say("silent", `Nothing was heard of this flight since ${new Date(heardMs).toLocaleTimeString()}: the numbers and the place are old, and "Return home" may not reach it. `
      + (flight.vehicle === null ? "It is practice: nothing really flies." : "Watch the drone itself; its remote control works without Picket."));
  }
}

const photo = { of: 0, busy: false };
/** The newest photo, where photos come in at all: of many drones they stay on the card. */
async function showPhoto() {
  const taken = flight?.status?.photos_taken ?? 0;
  if (photo.busy || taken === photo.of || flight.ended !== null) return;
  photo.busy = true;
  const answer = await fetch(path`/api/missions/${mission}/flying/photo`, { credentials: "same-origin" }).catch(() => null);
  if (answer?.status === 200 && flight?.ended === null) {
    photo.of = taken;
    URL.revokeObjectURL(byId("photo").src);
    byId("photo").src = URL.createObjectURL(await answer.blob());
    say("photo-words", `The newest photo that has come in; ${taken} taken by then.`);
    shown("photo-part", true);
  }
  setTimeout(() => { photo.busy = false; }, PHOTO_EVERY_MS);
}

/** The arrow points where the drone came to from the place before. */
function turn(points) {
  const [before, now] = points.slice(-2);
  const arrow = drone.getElement()?.querySelector("svg");
  if (!arrow || !now || (before[0] === now[0] && before[1] === now[1])) return;
  const east = (now[1] - before[1]) * Math.cos((now[0] * Math.PI) / 180);
  arrow.style.transform = `rotate(${Math.round((Math.atan2(east, now[0] - before[0]) * 180) / Math.PI)}deg)`;
}

function showTrack(points) {
  turn(points);
  track.setLatLngs(points.map(([lat, lon]) => [lat, lon]));
  photos.setLatLngs(points.filter((point, k) => k && point[3] > points[k - 1][3]).map(([lat, lon]) => [[lat, lon], [lat, lon]]));
}

function showChecks(checks) {
  shown("checks-part", checks.length > 0 && !flight.status);
  byId("checks").replaceChildren(...checks.map((check) => make("li", { class: check.ok ? "" : "no" },
    make("b", {}, check.ok ? "go" : "NO GO"), make("span", {}, `${check.name}: ${check.detail}`))));
}

function show() {
  const flying = flight !== null && flight.ended === null;
  shown("live", flight !== null);
  shown("begin-part", !flying);
  shown("no-flight", flight === null);
  shown("home-part", flying && flight.status !== null);
  if (!flying || flight.status === null) { shown("photo-part", false); photo.of = 0; }
  shown("question", flying && flight.question !== null);
  if (flight === null) return;
  say("question-words", flight.question || "");
  say("question-who", `${flight.who} began this flight. `);
  const what = flight.vehicle === null ? "Practice" : "Flight";
  say("live-title", flying ? `${what}: sortie ${flight.sortie}${flight.status ? "" : ", getting ready"}` : `${what} of sortie ${flight.sortie}: ${flight.ended.summary.ended || flight.ended.state}`);
  showStatus(flight.status);
  showChecks(flight.checks);
  showTrack(flight.track);
  byId("said").replaceChildren(...flight.lines.map(line));
  for (const group of routes) for (const path of group.paths) path.classList?.toggle("faded-route", group.sortie !== flight.sortie);
  if (!flying) { drone.remove(); showAfter(); }
}

// ---- once it is down ----

function newest() {
  const name = flight?.ended?.summary?.flight?.split("/").pop();
  return flights.find((one) => one.name === name) || null;
}

function showAfter() {
  const one = newest();
  const done = flight.ended;
  shown("after", true);
  const summary = done.summary;
  say("after-title", summary.flown ? `It has ${summary.ended === "landed" ? "landed" : `ended: ${summary.ended}`}` : "It did not fly");
  say("after-words", summary.flown ? `${summary.photos_taken} of ${summary.photos_expected} photos in ${lasting(summary.duration_s)} of flight.` : "");
  const reason = sentence(summary.reason || done.problem || "");
  byId("outcome").className = summary.ended === "landed" ? "hint" : "problem";
  shown("outcome", Boolean(reason));
  say("outcome", reason);
  byId("steps").replaceChildren(...(one && one.flown ? stepsOf(one) : []));
}

function stepsOf(one) {
  let before = true;
  const lines = STEPS.map(([step, words, made], k) => {
    const busy = working.has(step);
    const button = officer && !busy && !one[made] && before
      ? make("button", { type: "button", class: "main", "data-step": step, onclick: () => goOn(one, STEPS.slice(k).map(([name]) => name)) }, k < STEPS.length - 1 ? "Start, and all below" : "Start") : null;
    const state = busy ? "under way" : one[made] ? "done" : "";
    before = before && one[made];
    return make("li", {}, make("span", {}, `${k + 1}. ${words}`), state ? make("b", { class: one[made] ? "made" : "" }, state) : null, button);
  });
  const review = one.located ? make("li", {}, make("a", { class: "button main", href: path`/missions/${mission}/review` }, "Review the sightings"),
    one.reported ? make("a", { class: "button", href: path`/missions/${mission}/report` }, "Open the report") : null) : null;
  return [...lines, review].filter(Boolean);
}

function goOn(one, steps) {
  return tried(async () => { await send(path`/api/missions/${mission}/flights/${one.name}/steps`, { steps }); });
}

function showFlights() {
  shown("flights-part", flights.length > 0);
  byId("flights").replaceChildren(...[...flights].reverse().map((one) => {
    const state = [one.simulated ? "practice" : "real flight", `sortie ${one.sortie ?? "unknown"}`, one.under_way ? "under way" : one.flown ? one.ended || "not closed" : "did not fly",
      one.reported ? "reported" : one.located ? "located" : one.searched ? "searched" : one.flown ? "not searched" : ""].filter(Boolean).join(", ");
    return make("li", {}, make("b", {}, one.name), make("div", { class: "state" }, state));
  }));
}

// ---- what is asked ----

function showForm() {
  const form = byId("begin");
  if (!form) return;
  const chosen = form.elements.sortie.value;
  form.elements.sortie.replaceChildren(...sorties.map((one) => make("option", { value: one.number },
    `${one.number}: ${lasting(one.flight_time_s)}, ${one.photos} photos, ${one.battery_used_pct} % of the battery`)));
  const next = sorties.find((one) => !flights.some((flown) => flown.sortie === one.number && flown.flown)) || sorties[0];
  form.elements.sortie.value = chosen || next?.number || "";
  byId("begin-button").disabled = !next;
  followWay();
}

function followWay() {
  const form = byId("begin");
  const real = form.elements.how.value === "vehicle";
  shown("speed-field", !real);
  shown("address-field", real);
  form.elements.address.required = real;
  say("begin-button", real ? "Connect and check it" : "Start");
  say("begin-words", real
    ? "The plan, its fence and its landing places are written to the drone, read back and checked. Then you see the list and decide: nothing arms before you say so."
    : "Nothing really flies. People and vehicles are drawn into its pictures, and its report says so.");
}

byId("begin")?.addEventListener("change", followWay);
byId("begin")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { sortie, how, speedup, address } = event.target.elements;
  byId("begin-button").disabled = true;
  tried(async () => {
    await send(path`/api/missions/${mission}/flying`, { sortie: Number(sortie.value), how: how.value, speedup: Number(speedup.value), address: address.value });
    await load();
  }).finally(() => { byId("begin-button").disabled = false; });
});

function answer(yes) {
  const job = flight.job;
  flight.question = null;
  show();
  return tried(() => send(path`/api/missions/${mission}/flying/answer`, { job, yes }));
}
byId("answer-yes")?.addEventListener("click", () => answer(true));
byId("answer-no")?.addEventListener("click", () => answer(false));

byId("home")?.addEventListener("click", () => { shown("home-sure", true); byId("home-yes").focus(); });
byId("home-no")?.addEventListener("click", () => { shown("home-sure", false); byId("home").focus(); });
byId("home-yes")?.addEventListener("click", () => tried(async () => {
  shown("home-sure", false);
  await send(path`/api/missions/${mission}/flying/home`, { job: flight.job });
  byId("home").disabled = true;
  say("home", "Called home");
}));

// ---- keeping up ----

async function load() {
  const state = await get(path`/api/missions/${mission}/flying`);
  ({ sorties, flights, flight } = state);
  if (flight?.status) heardMs = Date.now() - 1000 * (flight.status_age_s ?? 0);
  if (!routes.length) {
    routes = drawLayers(map, state.layers).flatMap(({ layer, group }) => layer.features.map((feature, k) => ({
      sortie: feature.sortie, paths: feature.sortie === null ? [] : paths(group.getLayers()[k]),
    })));
    // Zones of the airspace may be as large as a town.
    bounds = L.latLngBounds(state.layers.filter(({ role }) => !role.startsWith("zone_")).flatMap((layer) => layer.features.map((feature) => L.geoJSON(feature.geometry).getBounds())));
    routes = routes.filter((route) => route.sortie !== null);
  }
  if (!fitted) { fitted = true; fit(); }
  if (byId("home")) { byId("home").disabled = false; say("home", "Return home"); }
  if (flight) watchEnd(flight.job);
  show();
  showForm();
  showFlights();
}

function paths(layer) {
  return (layer.getLayers ? layer.getLayers() : [layer]).map((one) => one.getElement?.()).filter(Boolean);
}

function heard(message) {
  if (!flight || (message.job && message.job !== flight.job)) { tried(load); return; }
  if (message.what === "said") {
    flight.lines = [...flight.lines, message.line].slice(-LINES_KEPT);
    byId("said").append(line(message.line));
    byId("said").lastElementChild.scrollIntoView({ block: "nearest" });
  } else if (message.what === "status") {
    const first = flight.status === null;
    flight.status = message;
    flight.question = null;
    heardMs = Date.now();
    if (message.lat_deg != null) flight.track.push([message.lat_deg, message.lon_deg, message.height_home_m, message.photos_taken]);
    if (first) show(); else { showStatus(message); showTrack(flight.track); }
  } else if (message.what === "checks") {
    flight.checks = message.checks;
    show();
  } else if (message.what === "question") {
    flight.question = message.question;
    show();
    byId("answer-no")?.focus();
  } else if (message.what === "answered") {
    flight.question = null;
    show();
  } else if (message.what === "ended") {
    tried(load);
  }
}

const watched = new Set();
function watchEnd(job) {
  if (watched.has(job)) return;
  watched.add(job);
  ended(job).then(() => tried(load));
}

watchJobs((job) => {
  if (job.mission !== mission || !STEPS.some(([step]) => step === job.kind)) return;
  const was = working.has(job.kind);
  if (job.ended) working.delete(job.kind); else working.set(job.kind, job);
  if (was === !job.ended) return;
  tried(load);
});
setInterval(() => { showAge(); showPhoto(); }, 1000);
listen([`flight:${mission}`], heard, () => tried(load));
