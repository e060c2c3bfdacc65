// Logging in with a name and the token that stands behind the # of the printed link, where no server log sees it.
const token = document.getElementById("token");
const name = document.getElementById("name");
const problem = document.getElementById("problem");

if (location.hash.length > 1) {
  token.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  for (const id of ["token-field", "token-hint"]) document.getElementById(id).hidden = true;
}

/** Where to go after: a path of this app, or its start. */
function next(fallback) {
  const wanted = new URLSearchParams(location.search).get("next") || "";
  return /^\/missions(\/|$)/.test(wanted) && !wanted.includes("//") ? wanted : fallback;
}

document.getElementById("log-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  try {
    const response = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: name.value, token: token.value }),
    });
    const said = await response.json();
    if (response.ok) { location.assign(next(said.next)); return; }
    problem.textContent = said.problem;
  } catch {
    problem.textContent = "Picket does not answer. Is it still running on this machine?";
  }
  problem.hidden = false;
  for (const id of ["token-field", "token-hint"]) document.getElementById(id).hidden = false;
});
