// A whole frame over everything, with its boxes; a click in it marks an object, which locating again puts on the ground.
import { byId, get, make, mission, path, role, send, toast, tried } from "./api.js";
import { ended } from "./jobs.js";
import { counted } from "./words.js";

const dialog = byId("frame");
const sheet = byId("frame-sheet");
const picture = byId("frame-picture");
const form = byId("mark-form");
const waiting = byId("mark-waiting");
let now = null, size = [1, 1], point = null, near = false, marked = 0;

const share = (value, of) => `${(100 * value) / of}%`;

function fit() {
  const holder = sheet.parentElement;
  const scale = near ? Math.max(2, holder.clientWidth / size[0]) : Math.min(holder.clientWidth / size[0], holder.clientHeight / size[1]);
  sheet.style.width = `${size[0] * scale}px`;
  sheet.style.height = `${size[1] * scale}px`;
  sheet.style.maxWidth = sheet.style.maxHeight = near ? "none" : "";
  byId("frame-near").textContent = near ? "Fit" : "Larger";
}

function draw(boxes) {
  sheet.querySelectorAll(".box, .point").forEach((one) => one.remove());
  for (const [corners, own] of boxes) {
    const [x1, y1, x2, y2] = corners;
    const box = make("div", { class: own ? "box" : "box other" });
    const room = 0.004 * size[0];
    Object.assign(box.style, { left: share(x1 - room, size[0]), top: share(y1 - room, size[1]), width: share(x2 - x1 + 2 * room, size[0]), height: share(y2 - y1 + 2 * room, size[1]) });
    sheet.append(box);
  }
}

/** Show the frame of `look`; `boxes` are [corners, whether it is this sighting's own]. */
export async function showFrame(look, boxes) {
  const url = `${path`/api/missions/${mission}/frame`}?id=${encodeURIComponent(look.frame)}`;
  await tried(async () => {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) { await get(url); return; }
    size = [Number(answer.headers.get("X-Frame-Width")), Number(answer.headers.get("X-Frame-Height"))];
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(await answer.blob());
    now = look;
    near = false;
    picture.alt = `The whole frame ${look.file}`;
    byId("frame-title").textContent = look.file;
    byId("frame-hint").textContent = role === "officer" ? "Click what was missed to mark it." : "";
    form.hidden = true;
    if (!dialog.open) dialog.showModal();
    fit();
    draw(boxes);
  });
}

sheet.addEventListener("click", (event) => {
  if (role !== "officer" || !now) return;
  const edges = sheet.getBoundingClientRect();
  point = [((event.clientX - edges.left) / edges.width) * size[0], ((event.clientY - edges.top) / edges.height) * size[1]];
  sheet.querySelectorAll(".point").forEach((one) => one.remove());
  const drawn = make("div", { class: "point" });
  Object.assign(drawn.style, { left: share(point[0], size[0]), top: share(point[1], size[1]) });
  sheet.append(drawn);
  form.hidden = false;
  byId("mark-name").value = byId("mark-name").value || `mark ${marked + 1}`;
  byId("mark-name").select();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  tried(async () => {
    const asked = { frame: now.frame, x_px: Math.max(0, point[0]), y_px: Math.max(0, point[1]), object: byId("mark-name").value, class_name: byId("mark-class").value };
    const kept = await send(path`/api/missions/${mission}/marks`, asked);
    marked = kept.marks;
    form.hidden = true;
    byId("mark-name").value = "";
    waiting.hidden = false;
    waiting.dataset.flight = kept.flight;
    byId("mark-words").textContent = `${counted(kept.marks, "mark")} in flight ${kept.flight}. The same name in another frame is the same object. They become sightings when it is located again.`;
    toast("Marked.", "done");
  });
});
byId("mark-leave").addEventListener("click", () => { form.hidden = true; sheet.querySelectorAll(".point").forEach((one) => one.remove()); });
byId("frame-near").addEventListener("click", () => { near = !near; fit(); });
addEventListener("resize", () => dialog.open && fit());
byId("locate-again").addEventListener("click", () => tried(async () => {
  waiting.hidden = true;
  dialog.close();
  await ended((await send(`${path`/api/missions/${mission}/locate-again`}?flight=${encodeURIComponent(waiting.dataset.flight)}`)).job);
}));
