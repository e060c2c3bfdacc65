// What every page has: the bar of work under way, a word where the app is no longer heard, and logging out.
import { byId, make, mission, send, tried } from "./api.js";
import { watchConnection } from "./events.js";
import { showJobs } from "./jobs.js";

const BACK_WITHIN_MS = 1500; // a stream that comes back at once is nobody's concern

const jobs = byId("jobs");
const silence = make("p", { id: "silence", role: "alert", hidden: true });
jobs.before(silence);
let saying = 0;
watchConnection((state, since) => {
  clearTimeout(saying);
  if (state === "live") { silence.hidden = true; silence.textContent = ""; return; }
  saying = setTimeout(() => {
    const before = `This page shows what was at ${since.toLocaleTimeString()}`;
    silence.textContent = state === "out" ? `You are logged out. ${before}; log in with a new link to go on.`
      : `Picket does not answer. ${before}, and goes on by itself when Picket answers again.`;
    silence.hidden = false;
  }, BACK_WITHIN_MS);
});

showJobs(jobs, mission);
byId("log-out")?.addEventListener("click", () => tried(async () => {
  location.assign((await send("/logout")).next);
}));
