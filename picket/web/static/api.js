// Talking to the app: one way to fetch, one way to say what went wrong, and small helpers every page uses.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content || "";
export const mission = meta("picket-mission");
export const role = meta("picket-role");

/** An error the app told in one sentence; `status` is HTTP's, 0 where the app could not be reached, `content` all it
 *  answered. */
export class Problem extends Error {
  constructor(text, status, content = null) { super(text); this.status = status; this.content = content; }
}

/** The element of this id; null where the page has none. */
export const byId = (id) => document.getElementById(id);

/** A new element: tag, attributes, children (elements or text). Text never becomes markup. */
export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The path of something of a mission: path`/api/missions/${name}/plan`, every part encoded. */
export function path(parts, ...values) {
  return parts.reduce((text, part, k) => text + encodeURIComponent(values[k - 1]) + part);
}

async function answer(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("Picket does not answer. Is it still running on this machine?", 0);
  }
  const text = await response.text();
  let content = null;
  try { content = text ? JSON.parse(text) : null; } catch { /* not JSON: told below */ }
  if (response.ok) return content;
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  }
  throw new Problem(content?.problem || `Picket answered with ${response.status}.`, response.status, content);
}

/** GET as JSON. Throws Problem. */
export function get(url, options = {}) {
  return answer(url, options);
}

/** Send JSON (or a FormData as an upload) and return the answer as JSON. Throws Problem. */
export function send(url, body, { method = "POST", signal } = {}) {
  const headers = { "X-Picket-Csrf": meta("picket-csrf") };
  const upload = body instanceof FormData;
  if (!upload) headers["Content-Type"] = "application/json";
  return answer(url, { method, signal, headers, body: upload ? body : JSON.stringify(body ?? {}) });
}

/** Show one sentence for a while; problems stay until they are closed. */
export function toast(text, kind = "problem") {
  const holder = byId("toasts");
  const close = make("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => note.remove() }, "×");
  const note = make("p", { class: `toast ${kind}` }, make("span", {}, text), close);
  holder.append(note);
  while (holder.children.length > 4) holder.firstElementChild.remove();
  if (kind !== "problem") setTimeout(() => note.remove(), 6000);
}

/** Run something that may fail; a Problem becomes a toast, and null is returned. */
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") return null;
    toast(error instanceof Problem ? error.message : "This page has a fault. Load it again.");
    if (!(error instanceof Problem)) console.error(error);
    return null;
  }
}
