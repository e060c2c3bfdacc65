// What happens, as the app tells it: one stream a browser, which all its windows share; where browsers cannot share one,
// one a window, closed while that is hidden. Whether it can be heard at all is told as well.
import { Stream } from "./stream.js";

const listeners = new Set();
const watchers = new Set();
let connection = "live";
let lastHeard = Date.now();
let want = null;

/** Listen to topics; `heard(message)` gets each message, `again()` is called whenever messages may have been missed and
 *  the page should load its state anew (also at the start). Returns a function that ends it. */
export function listen(topics, heard, again = () => {}) {
  const listener = { topics, heard, again };
  listeners.add(listener);
  ask();
  return () => { listeners.delete(listener); ask(); };
}

/** Be told how the connection stands: `watch(state, since)`, state "live", "gone" (the app does not answer) or "out"
 *  (nobody is logged in any more), since when (a Date) nothing was heard. */
export function watchConnection(watch) {
  watchers.add(watch);
  watch(connection, new Date(lastHeard));
}

function told(said) {
  const state = said.what === "gone" || said.what === "out" ? said.what : "live";
  if (state === "live") lastHeard = Date.now();
  if (state !== connection) {
    connection = state;
    watchers.forEach((watch) => watch(state, new Date(lastHeard)));
  }
  if (said.what === "open") listeners.forEach((listener) => listener.again());
  if (said.what !== "message") return;
  const message = JSON.parse(said.data);
  listeners.forEach((listener) => { if (listener.topics.includes(message.topic)) listener.heard(message); });
}

let asked = 0;
function ask() {
  clearTimeout(asked);
  asked = setTimeout(() => want([...listeners].flatMap((listener) => listener.topics)));
}

function own() {
  const stream = new Stream(told);
  want = (topics) => stream.want(document.hidden ? [] : topics);
  document.addEventListener("visibilitychange", () => ask());
}

if (globalThis.SharedWorker) {
  const worker = new SharedWorker("/static/stream_worker.js", { type: "module", name: "picket" });
  worker.port.onmessage = ({ data }) => told(data);
  worker.onerror = () => { own(); ask(); };
  want = (topics) => worker.port.postMessage(topics);
} else {
  own();
}
addEventListener("pagehide", () => { clearTimeout(asked); want([]); });
addEventListener("pageshow", () => ask());
