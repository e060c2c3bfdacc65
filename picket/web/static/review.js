// Judging sightings by keyboard: what is asked now, what is answered, and what others say meanwhile.
import { byId, get, make, mission, path, Problem, role, send, toast, tried } from "./api.js";
import { listen } from "./events.js";
import { watchJobs } from "./jobs.js";
import { showFrame } from "./review_frame.js";
import { makeMap } from "./review_map.js";
import { countsOf, drawList, isOpen, MARKS, ordered, PAGE, rowOf } from "./review_queue.js";
import { counted, moment, span, withArticle } from "./words.js";

const base = path`/api/missions/${mission}`;
const mayJudge = role === "officer";
const rows = new Map();
const mine = [];
let columns = [], order = [], current = null, detail = null, look = 0, last = 0, stamp = "", page = 0;
let moving = false, busy = false, map = null, wanted = 0;
const waiting = { choosing: false, loading: true };

// The version makes the address another one where locating anew drew another box in the same frame.
const cropUrl = (found, one, small) => `${base}/crop?detection=${encodeURIComponent(one.detection)}&of=${found.version.slice(0, 16)}${small ? "&small=true" : ""}`;

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}

async function loadQueue() {
  const queue = await get(`${base}/queue`);
  columns = queue.columns;
  ({ last, stamp } = queue);
  rows.clear();
  queue.rows.map((values) => rowOf(columns, values)).forEach((row) => rows.set(row.id, row));
  byId("review").hidden = !rows.size;
  byId("nothing").hidden = rows.size > 0;
  if (!rows.size) {
    byId("nothing").textContent = queue.located ? "Nothing was sighted in this mission." : "There are no sightings yet: search the frames of a flight and locate what was found.";
    return;
  }
  const gone = queue.vanished.length;
  byId("simulated").hidden = !queue.simulated;
  byId("broken").hidden = !queue.broken;
  byId("broken").textContent = queue.broken ?? "";
  byId("vanished").hidden = !gone;
  byId("vanished").textContent = `${counted(gone, "sighting")} that officers judged ${gone === 1 ? "is" : "are"} no longer there after locating anew; what was said is kept.`;
  if (!map) map = makeMap(byId("map"), choose, () => startMoving());
  map.resize();
  map.all([...rows.values()], queue.area);
  sort();
  const stay = rows.has(current) ? current : order[0] ?? [...rows.keys()][0];
  current = null;
  await choose(stay);
  if (queue.outdated) toast(queue.outdated, "done");
}

function sort() {
  order = ordered(rows, byId("show").value, byId("order").value);
  drawQueue();
}

function drawQueue(from = null) {
  byId("counts").textContent = countsOf(rows);
  page = drawList(byId("list"), rows, order, current, choose, from);
  const pages = Math.max(1, Math.ceil(order.length / PAGE));
  byId("page-words").textContent = order.length ? `${page / PAGE + 1} of ${pages}` : "none of these";
  byId("page-back").disabled = page === 0;
  byId("page-on").disabled = page + PAGE >= order.length;
}

/** Show a sighting. Answers that come too late are dropped. */
async function choose(id) {
  if (!rows.has(id)) return;
  const asked = ++wanted;
  setWaiting({ choosing: true });
  stopMoving();
  const found = await tried(() => get(`${base}/sighting?id=${encodeURIComponent(id)}`));
  if (asked !== wanted) return;
  setWaiting({ choosing: false });
  if (!found) return;
  if (id !== current) { byId("why").value = ""; look = 0; }
  current = id;
  show(found);
  drawQueue();
  preload(neighbour(1));
}

function preload(id) {
  if (!id) return;
  get(`${base}/sighting?id=${encodeURIComponent(id)}`).then((one) => { if (one.looks[0]) new Image().src = cropUrl(one, one.looks[0]); }, () => {});
}

function show(found) {
  detail = found;
  const row = rowOf(columns, found.short);
  take(row);
  const what = row.object || row.class;
  byId("question").textContent = row.class === "object" ? `Is “${what}” really there?` : `Is this ${withArticle(row.class)}?`;
  byId("state").textContent = `${MARKS[row.state]} ${row.state}`;
  byId("state").className = `state ${row.state.replace(" ", "-")}`;
  byId("remark").hidden = !found.remark;
  byId("remark").textContent = found.remark || "";
  byId("verdicts").querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", button.dataset.verdict === row.state);
    button.disabled = !mayJudge;
  });
  byId("why").disabled = byId("undo").disabled = byId("move").disabled = !mayJudge;
  map.show(found, mayJudge);
  showLooks();
  showFacts(found, row);
  if (!mayJudge) byId("done").textContent = "You are logged in to look; an officer judges.";
  byId("history").replaceChildren(...(found.history.length ? [...found.history].reverse().map(said) : [make("li", {}, "Nobody has judged it yet.")]));
}

function showLooks() {
  const looks = detail.looks;
  look = Math.min(Math.max(look, 0), Math.max(0, looks.length - 1));
  byId("frame-button").disabled = !looks.length;
  showPicture(looks.length ? cropUrl(detail, looks[look]) : "");
  if (looks.length) {
    byId("crop").alt = `The frame round the box: ${looks[look].file}, ${moment(looks[look].time)}`;
  }
  byId("strip").replaceChildren(...looks.map((one, k) => make("button", { type: "button", "aria-pressed": String(k === look), title: `${one.file}, ${moment(one.time)}`, onclick: () => { look = k; showLooks(); } },
    make("img", { src: cropUrl(detail, one, true), alt: `Frame ${k + 1}`, loading: "lazy" }))));
  byId("strip").children[look]?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Show the picture at an address, and until it is there none: browsers go on showing the one before. */
function showPicture(url) {
  const crop = byId("crop");
  if (crop.dataset.of === url) return;
  crop.dataset.of = url;
  pictureIs(url ? "loading" : "missing");
  if (url) crop.src = url;
  else crop.removeAttribute("src");
}

function pictureIs(what) {
  byId("crop").style.visibility = what === "there" ? "visible" : "hidden";
  byId("crop").hidden = what === "missing";
  byId("no-picture").hidden = what !== "missing";
  setWaiting({ loading: what === "loading" });
}

/** Nobody judges while the next sighting or its picture is on the way. */
function setWaiting(what) {
  Object.assign(waiting, what);
  byId("picture").setAttribute("aria-busy", String(waiting.choosing || waiting.loading));
}

for (const [outcome, what] of [["load", "there"], ["error", "missing"]]) {
  byId("crop").addEventListener(outcome, ({ target }) => { if (target.getAttribute("src") === target.dataset.of) pictureIs(what); });
}

function showFacts(found, row) {
  const facts = [
    ["Sighting", row.object ? `${found.id}, “${row.object}”` : found.id],
    ["Taken for", found.label && found.label !== row.class ? `${row.class} (${found.label})` : row.class],
    ["Confidence", row.confidence === null ? "unknown" : `${Math.round(row.confidence * 100)} %, to sort by; no probability`],
    ["Place", found.lat === null ? "unknown" : `${found.lat.toFixed(6)}, ${found.lon.toFixed(6)}`],
    ["MGRS", found.mgrs || "none"],
    ["Within", found.moved ? "moved by hand" : found.ce90 === null ? "unknown" : `${found.ce90.toFixed(1)} m (90 %)`],
    ["Seen", span(found.first, found.last)],
    ["In", `${counted(found.frames, "frame")}${found.frames > found.looks.length ? `, ${found.looks.length} shown` : ""}`],
    ...(found.speed === null ? [] : [["Moving", `${found.speed} m/s${found.heading === null ? "" : ` toward ${found.heading}°`}`]]),
  ];
  byId("facts").replaceChildren(...facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

/** One review as a line of what was said. */
function said(one) {
  const words = { moved: `moved it to ${one.lat_deg?.toFixed(6)}, ${one.lon_deg?.toFixed(6)}`, noted: "noted", withdrawn: `took back number ${one.withdraws}` }[one.verdict] || one.verdict;
  return make("li", { class: one.counts === false ? "gone" : null }, make("b", {}, one.officer), `: ${words} `, make("time", {}, moment(one.time)), one.note ? make("span", { class: "note" }, one.note) : null);
}

function take(row) {
  const before = rows.get(row.id);
  rows.set(row.id, row);
  if (before && (before.state !== row.state || before.lat !== row.lat || before.lon !== row.lon)) map.put(row);
}

function neighbour(step) {
  const at = order.indexOf(current);
  if (at >= 0) return order[at + step];
  return step > 0 ? order.find((id) => isOpen(rows.get(id))) ?? order[0] : order[order.length - 1];
}

function go(step) {
  const id = neighbour(step);
  if (id) choose(id);
  else toast(step > 0 ? "This was the last one." : "This is the first one.", "done");
}

/** After a verdict: the next one that nobody has judged, in the order as it was; the judged stay in the list until it is
 *  sorted anew. */
function goOn(from) {
  const at = order.indexOf(from);
  const next = [...order.slice(at + 1), ...order.slice(0, Math.max(0, at))].find((id) => isOpen(rows.get(id)) && rows.get(id).state !== "unsure");
  if (next) return choose(next);
  toast("Every sighting of this list has been judged.", "done");
  return choose(from);
}

/** Hand in a review of the sighting shown. Resolves with whether it was kept. */
async function handIn(verdict, extras = {}) {
  if (!mayJudge) { toast("You are logged in to look; an officer has to judge."); return false; }
  if (busy || !detail) return false;
  busy = true;
  const body = { sighting: detail.id, version: detail.version, verdict, key: newKey(), expected: detail.expected, note: byId("why").value, ...extras };
  try {
    return await sent(body);
  } finally {
    busy = false;
  }
}

async function sent(body) {
  try {
    const kept = await send(`${base}/reviews`, body);
    if (body.verdict !== "withdrawn") mine.push({ sighting: body.sighting, number: kept.review.number });
    byId("why").value = "";
    take(rowOf(columns, kept.sighting.short));
    if (kept.sighting.id === current) show(kept.sighting);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.content?.changed) return locatedSince(error, body);
    if (error instanceof Problem && error.status === 409 && error.content?.reviews) return judgedSince(error.content, body);
    if (!(error instanceof Problem)) throw error;
    if (error.status !== 0 && error.status !== 503) { toast(error.message); return false; }
    return tryAgain(error.message, body);
  }
}

/** The answer was lost: the same is sent again under the same key, so that it counts once. */
function tryAgain(problem, body) {
  return new Promise((resolve) => {
    toast(`${problem} Your verdict “${body.verdict}” may not be kept.`);
    const note = byId("toasts").lastElementChild;
    note.append(make("button", { type: "button", onclick: () => { note.remove(); resolve(sent(body)); } }, "Try again"));
  });
}

/** The sighting became another while it was looked at: it is shown as it is now, and nothing was kept. */
async function locatedSince(error, body) {
  toast(`Your verdict “${body.verdict}” was not kept: ${error.message}.`);
  await loadQueue();
  if (current === body.sighting) byId("why").value = body.note;
  return false;
}

function judgedSince(told, body) {
  show(told.sighting);
  drawQueue();
  byId("since-list").replaceChildren(...told.reviews.map(said));
  byId("since-yours").textContent = `Your verdict “${body.verdict}” was not kept.`;
  const dialog = byId("since");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "top") { resolve(false); return; }
      resolve(sent({ ...body, key: newKey(), expected: told.sighting.expected }));
    }, { once: true });
  });
}

async function judge(verdict) {
  const id = current;
  if (waiting.choosing || waiting.loading) {
    if (mayJudge) byId("done").textContent = "The picture is still loading: judge when you see it.";
    return;
  }
  if (await tried(() => handIn(verdict))) {
    byId("done").textContent = `${MARKS[verdict]} ${id}: ${verdict}, kept. Z takes it back.`;
    if (current === id) await goOn(id);
  }
}

async function takeBack() {
  const one = mine.pop();
  if (!one) { toast("There is nothing of yours to take back on this page.", "done"); return; }
  if (one.sighting !== current) await choose(one.sighting);
  if (!await tried(() => handIn("withdrawn", { withdraws: one.number, note: "" }))) return;
  drawQueue();
  byId("done").textContent = `${one.sighting}: taken back. Both entries stay in the record.`;
}

function startMoving() {
  if (!mayJudge || !detail || !map.place()) return;
  moving = true;
  byId("moving").hidden = false;
}

function stopMoving() {
  if (!moving) return;
  moving = false;
  byId("moving").hidden = true;
  if (detail) map.show(detail, mayJudge);
}

async function keepPlace() {
  const [lat, lon] = map.place();
  if (await tried(() => handIn("moved", { lat_deg: Number(lat.toFixed(7)), lon_deg: Number(lon.toFixed(7)) }))) {
    stopMoving();
    drawQueue();
  }
}

function openFrame() {
  const one = detail?.looks[look];
  if (!one) return;
  showFrame(one, [[one.box, true], ...one.beside.map((box) => [box, false])]);
}

const KEYS = {
  c: () => judge("confirmed"), r: () => judge("rejected"), u: () => judge("unsure"), z: takeBack, f: openFrame,
  n: () => byId("why").focus(), m: startMoving, "?": () => byId("help").showModal(),
  ArrowRight: () => go(1), ArrowLeft: () => go(-1),
  ArrowDown: () => { look += 1; showLooks(); }, ArrowUp: () => { look -= 1; showLooks(); },
};

function moveKey(event) {
  const step = event.shiftKey ? 10 : 1;
  const way = { ArrowUp: [0, step], ArrowDown: [0, -step], ArrowLeft: [-step, 0], ArrowRight: [step, 0] }[event.key];
  if (way) map.nudge(...way);
  else if (event.key === "Enter") keepPlace();
  else if (event.key === "Escape") stopMoving();
  else return false;
  return true;
}

addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select") || document.querySelector("dialog[open]");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || !detail) return;
  const onButton = event.target.matches("button, a") && event.key === "Enter";
  if (moving && !onButton && moveKey(event)) { event.preventDefault(); return; }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || event.repeat && event.key.length === 1) return;
  event.preventDefault();
  act();
});
byId("why").addEventListener("keydown", async (event) => {
  if (event.key === "Escape") byId("main").focus();
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  if (byId("why").value.trim() && await tried(() => handIn("noted"))) byId("main").focus();
});
byId("verdicts").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) judge(button.dataset.verdict);
});
byId("go-back").addEventListener("click", () => go(-1));
byId("go-on").addEventListener("click", () => go(1));
byId("move").addEventListener("click", startMoving);
byId("undo").addEventListener("click", takeBack);
byId("frame-button").addEventListener("click", openFrame);
byId("help-button").addEventListener("click", () => byId("help").showModal());
byId("keep-place").addEventListener("click", keepPlace);
byId("leave-place").addEventListener("click", stopMoving);
byId("page-back").addEventListener("click", () => drawQueue(page - PAGE));
byId("page-on").addEventListener("click", () => drawQueue(page + PAGE));
for (const id of ["show", "order"]) {
  byId(id).addEventListener("change", async () => {
    sort();
    byId(id).blur();
    if (order.length && !order.includes(current)) await choose(order[0]);
  });
}

/** What others said since we last knew. */
async function catchUp() {
  const since = await get(`${base}/reviews?after=${last}`);
  if (since.stamp !== stamp) { await loadQueue(); return; }
  last = Math.max(last, since.last);
  await told(since.rows.map((values) => rowOf(columns, values)));
}

async function told(changed) {
  if (!changed.length || !map) return;
  changed.forEach(take);
  drawQueue();
  if (changed.some((row) => row.id === current) && !busy && !moving) {
    const found = await get(`${base}/sighting?id=${encodeURIComponent(current)}`);
    if (found.id === current && found.expected > (detail?.expected ?? 0)) {
      show(found);
      const newest = found.history[found.history.length - 1];
      toast(`${newest.officer} judged this one just now: ${newest.verdict}.`, "done");
    }
  }
}

await tried(loadQueue);
listen([`reviews:${mission}`], (message) => {
  last = Math.max(last, message.number);
  tried(() => told([rowOf(columns, message.row)]));
}, () => tried(async () => { if (stamp) await catchUp(); }));
const located = new Set();
watchJobs((job) => {
  if (job.kind !== "locate" || job.mission !== mission) return;
  if (!job.ended) located.add(job.id);
  else if (located.delete(job.id)) tried(loadQueue);
});
