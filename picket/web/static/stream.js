// One stream of what happens, for any number of listeners: opened anew as its topics change and when the app comes back.

const AGAIN_MS = 3000;

/** `told` gets {what: "open"} at every beginning (messages may have been missed before it), {what: "message", data} with
 *  the text of each, {what: "gone"} when the app does not answer, {what: "out"} when it no longer knows who asks. */
export class Stream {
  #told;
  #topics = "";
  #source = null;
  #again = 0;

  constructor(told) { this.#told = told; }

  /** Whether it is open now. */
  get open() { return this.#source?.readyState === EventSource.OPEN; }

  /** Listen to exactly these topics; to none ends the stream. */
  want(topics) {
    const wanted = [...new Set(topics)].sort().map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
    if (wanted === this.#topics && (this.#source || this.#again)) return;
    this.#topics = wanted;
    this.#begin();
  }

  #begin() {
    clearTimeout(this.#again);
    this.#again = 0;
    this.#source?.close();
    this.#source = null;
    if (!this.#topics) return;
    const source = new EventSource(`/events?${this.#topics}`);
    this.#source = source;
    source.addEventListener("open", () => this.#told({ what: "open" }));
    source.addEventListener("lost", () => this.#told({ what: "open" }));
    source.addEventListener("message", (event) => this.#told({ what: "message", data: event.data }));
    source.addEventListener("error", () => this.#failed(source));
  }

  /** The browser tries again by itself where the connection broke, not where the app refused. */
  async #failed(source) {
    if (source !== this.#source) return;
    if (source.readyState !== EventSource.CLOSED) { this.#told({ what: "gone" }); return; }
    this.#again = setTimeout(() => this.#begin(), AGAIN_MS);
    const status = await fetch("/api/me", { credentials: "same-origin" }).then((answer) => answer.status, () => 0);
    if (source === this.#source) this.#told({ what: status === 401 ? "out" : "gone" });
  }
}
