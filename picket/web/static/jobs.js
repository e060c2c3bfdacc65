// Work under way: a bar with progress, what is left, and a cancel button, the same on every page.
import { get, make, role, send, toast, tried } from "./api.js";
import { listen } from "./events.js";
import { lasting } from "./words.js";

const known = new Map();
const watchers = new Set();

/** Be told of every change of a job: `watch(job)`. Returns a function that ends it. */
export function watchJobs(watch) {
  watchers.add(watch);
  known.forEach((job) => watch(job));
  return () => watchers.delete(watch);
}

/** The promise of a job's end: resolves with the job, whatever became of it. */
export function ended(id) {
  return new Promise((resolve) => {
    const stop = watchJobs((job) => {
      if (job.id === id && job.ended) { setTimeout(() => stop()); resolve(job); }
    });
  });
}

/** A job's bar as an element; `update(job)` keeps it. */
function bar(job) {
  const words = make("span", { class: "job-words" });
  const progress = make("progress", { max: 1, "aria-label": "progress" });
  const cancel = make("button", { type: "button", onclick: () => {
    cancel.disabled = true;
    tried(() => send(`/api/jobs/${job.id}/cancel`));
  } }, "Cancel");
  const element = make("div", { class: "job", "data-kind": job.kind }, words, progress, role === "officer" && job.kind !== "fly" ? cancel : null); // a flight is called home on its own page
  const update = (now) => {
    const share = now.total > 0 ? now.done / now.total : null;
    const left = now.left_s === null ? "" : `, about ${lasting(now.left_s)} left`;
    const far = share === null ? `, ${lasting(now.elapsed_s)} so far` : `, ${Math.floor(100 * share)} %`;
    words.textContent = now.state === "cancelling" ? `${now.title}: ending it cleanly`
      : `${now.title}${now.step && !now.title.endsWith(now.step) ? `: ${now.step}` : ""}${far}${left}${now.detail ? `, ${now.detail}` : ""}`;
    if (share === null) progress.removeAttribute("value"); else progress.value = share;
    if (now.state === "cancelling") cancel.disabled = true;
  };
  update(job);
  return { element, update };
}

/** Show the jobs of `mission` ("" for all) in `holder`, and say in a toast how each ended. */
export function showJobs(holder, mission) {
  const bars = new Map();
  const take = (job, quiet) => {
    const before = known.get(job.id);
    known.set(job.id, job);
    watchers.forEach((watch) => watch(job));
    if (mission && job.mission !== mission) return;
    if (job.ended) {
      bars.get(job.id)?.element.remove();
      bars.delete(job.id);
      if (quiet || before?.ended) return;
      if (job.state === "failed") toast(`${job.title}: ${job.problem}`);
      else toast(`${job.title}: ${job.state}`, "done");
      return;
    }
    if (!bars.has(job.id)) {
      bars.set(job.id, bar(job));
      holder.append(bars.get(job.id).element);
    }
    bars.get(job.id).update(job);
  };
  const load = () => tried(async () => (await get("/api/jobs")).forEach((job) => take(job, !known.has(job.id))));
  listen(["jobs"], (message) => take(message.job, false), load);
}
