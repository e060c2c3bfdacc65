// The list of missions: what each is, in words, and one button for what comes next.
import { get, make, path, send, tried } from "./api.js";
import { watchJobs } from "./jobs.js";

const list = document.getElementById("missions");

function row(one) {
  const open = path`/missions/${one.name}/` + one.next_step;
  return make("li", { class: one.broken ? "broken" : "" },
    make("a", { class: "what", href: path`/missions/${one.name}/plan` }, one.name),
    make("span", { class: "state" }, one.state),
    make("a", { class: "button", href: open }, one.next_words));
}

function load() {
  return tried(async () => {
    const missions = await get("/api/missions");
    list.replaceChildren(...missions.map(row));
    document.getElementById("empty").hidden = missions.length > 0;
  });
}

document.getElementById("new-mission")?.addEventListener("submit", (event) => {
  event.preventDefault();
  tried(async () => {
    const made = await send("/api/missions", { name: document.getElementById("new-name").value });
    location.assign(path`/missions/${made.name}/plan`);
  });
});

for (const button of document.querySelectorAll("[data-invite]")) {
  button.addEventListener("click", () => tried(async () => {
    const made = await send("/api/invitations", { role: button.dataset.invite });
    const field = document.getElementById("invitation-link");
    document.getElementById("invitation").hidden = false;
    field.value = made.link;
    field.focus();
    field.select();
  }));
}

load();
watchJobs((job) => { if (job.ended) load(); });
