// What every page has: the bar of work under way, and logging out.
import { mission, send, tried } from "./api.js";
import { showJobs } from "./jobs.js";

showJobs(document.getElementById("jobs"), mission);
document.getElementById("log-out")?.addEventListener("click", () => tried(async () => {
  location.assign((await send("/logout")).next);
}));
