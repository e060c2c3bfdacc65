// The report in the app: shown shut off from it, written anew when asked, and the sightings as files to keep.
import { byId, get, make, mission, path, role, send, tried } from "./api.js";
import { ended } from "./jobs.js";

const officer = role === "officer";
const frame = byId("shown");
let shownOf = null;

const when = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

async function load() {
  const state = await get(path`/api/missions/${mission}/report`);
  const written = state.written_s !== null;
  byId("report-words").textContent = !written ? "There is no report yet."
    : `Written ${when(state.written_s)} UTC.${state.newer ? " Since then something changed: verdicts or sightings. Write it again to have them in it." : ""}`;
  byId("write").hidden = !officer || !state.located;
  byId("write").textContent = written ? "Write it again" : "Write the report";
  byId("write").classList.toggle("main", !written || state.newer);
  byId("print").hidden = !officer || !state.located;
  byId("open").hidden = !written;
  frame.hidden = !written;
  byId("nothing").hidden = written;
  byId("nothing").textContent = state.located ? "Write the report to see it here." : "Nothing is located in this mission yet: fly it, then search its pictures and locate what was found.";
  if (written && shownOf !== state.written_s) {
    shownOf = state.written_s;
    frame.src = `${path`/missions/${mission}/report/report.html`}?of=${state.written_s}`;
  }
  showForms(state);
}

function showForms(state) {
  byId("exports").hidden = !state.located;
  const link = (file) => make("a", { class: "button", href: path`/missions/${mission}/report/${file}`, download: "" }, "Save");
  const lines = state.forms.map((one) => make("li", {}, make("span", {}, one.title),
    one.written_s === null ? null : link(one.file),
    officer ? make("button", { type: "button", "data-form": one.form, onclick: () => work("exports", { form: one.form }) }, one.written_s === null ? "Make" : "Renew") : null));
  if (state.pdf_s !== null) lines.unshift(make("li", {}, make("span", {}, "The report as PDF"), link("report.pdf")));
  byId("forms").replaceChildren(...lines);
}

/** Start work and show what came of it. */
function work(what, asked) {
  return tried(async () => {
    const job = await send(`${path`/api/missions/${mission}/`}${what}`, asked);
    await ended(job.id);
    await load();
  });
}

byId("write").addEventListener("click", () => work("report", {}));
byId("print").addEventListener("click", () => work("report", { pdf: true }));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") byId("exports").open = false; });
tried(load);
