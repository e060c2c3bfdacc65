// What happens, as the app tells it: one stream a page, closed while the page is hidden (browsers open only a few).

/** Listen to topics; `heard(message)` gets each message, `again()` is called whenever messages may have been missed and
 *  the page should load its state anew (also at the start). Returns a function that ends it. */
export function listen(topics, heard, again = () => {}) {
  let source = null;
  const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(`/events?${query}`);
    source.addEventListener("open", () => again());
    source.addEventListener("lost", () => again());
    source.addEventListener("message", (event) => heard(JSON.parse(event.data)));
  };
  const close = () => { source?.close(); source = null; };
  const turn = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", turn);
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
  return () => {
    document.removeEventListener("visibilitychange", turn);
    removeEventListener("pagehide", close);
    removeEventListener("pageshow", open);
    close();
  };
}
