// The list of missions: what each is, in words, and one button for what comes next.
import { byId, get, make, path, send, tried } from "./api.js";
import { watchJobs } from "./jobs.js";

const list = byId("missions");

function row(one) {
  const open = one.next_step ? path`/missions/${one.name}/` + one.next_step : null;
  return make("li", { class: one.broken ? "broken" : "" },
    make(open ? "a" : "span", { class: "what", href: open && path`/missions/${one.name}/plan` }, one.name),
    make("span", { class: "state" }, one.state),
    open ? make("a", { class: "button", href: open }, one.next_words) : null);
}

function load() {
  return tried(async () => {
    const missions = await get("/api/missions");
    list.replaceChildren(...missions.map(row));
    byId("empty").hidden = missions.length > 0;
  });
}

byId("new-mission")?.addEventListener("submit", (event) => {
  event.preventDefault();
  tried(async () => {
    const made = await send("/api/missions", { name: byId("new-name").value });
    location.assign(path`/missions/${made.name}/plan`);
  });
});

for (const button of document.querySelectorAll("[data-invite]")) {
  button.addEventListener("click", () => tried(async () => {
    const made = await send("/api/invitations", { role: button.dataset.invite });
    const field = byId("invitation-link");
    byId("invitation").hidden = false;
    field.value = made.link;
    field.focus();
    field.select();
  }));
}

load();
watchJobs((job) => { if (job.ended) load(); });
