// A slider that plays the flights again: where the drone was, and what had been seen by then.
const REPLAY_S = 30;

/** The place of a flight `seconds` after its start, between the two points around that moment. */
function placeAt(points, seconds) {
  let low = 0;
  let high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][2] <= seconds) low = middle; else high = middle;
  }
  const [a, b] = [points[low], points[high]];
  const share = b[2] > a[2] ? Math.min(1, Math.max(0, (seconds - a[2]) / (b[2] - a[2]))) : 0;
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

/** `seenBy(moment)` shows only what had been seen by then (milliseconds since 1970; null = everything). Flights follow
 *  one another on the slider, in the order given, without the time between them. */
function addReplay(map, flights, seenBy) {
  if (!flights.length) return;
  const lengths = flights.map((flight) => flight.points[flight.points.length - 1][2]);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const drone = L.circleMarker([0, 0], { radius: 7, className: "drone", interactive: false });
  const slider = make("input", { type: "range", min: "0", max: String(Math.ceil(total)), step: "1", value: "0", "aria-label": "Time of the flight" });
  const play = make("button", { type: "button", "aria-label": "Play the flight", title: "Play the flight" }, "▶");
  const words = make("output", {}, "play the flight");
  const box = make("div", { class: "replay" }, play, slider, words);
  let timer = null;
  let rested = 0;
  /** Only so often that what it takes leaves room for the drone to move. */
  const seenWhenRested = (moment) => {
    const began = performance.now();
    if (timer !== null && began < rested) return;
    seenBy(moment);
    rested = performance.now() + 3 * (performance.now() - began);
  };

  const show = (at) => {
    let number = 0;
    let seconds = at;
    while (number < flights.length - 1 && seconds > lengths[number]) seconds -= lengths[number++];
    const moment = Date.parse(flights[number].start) + 1000 * Math.min(seconds, lengths[number]);
    drone.setLatLng(placeAt(flights[number].points, seconds)).addTo(map);
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", `${new Date(moment).toISOString().slice(11, 19)} UTC`);
    words.textContent = `${new Date(moment).toISOString().slice(11, 19)} UTC`;
    seenWhenRested(moment);
  };
  const stop = () => {
    cancelAnimationFrame(timer);
    timer = null;
    play.textContent = "▶";
    play.setAttribute("aria-label", "Play the flight");
  };
  const leave = () => {
    stop();
    drone.remove();
    words.textContent = "play the flight";
    seenBy(null);
  };
  const start = () => {
    const from = Number(slider.value) >= total ? 0 : Number(slider.value);
    const began = performance.now();
    play.textContent = "❚❚";
    play.setAttribute("aria-label", "Stop");
    const step = (now) => {
      const at = from + ((now - began) / 1000) * (total / REPLAY_S);
      if (at >= total) { slider.value = "0"; leave(); return; }
      show(at);
      timer = requestAnimationFrame(step);
    };
    timer = requestAnimationFrame(step);
  };
  play.addEventListener("click", () => { if (timer === null) start(); else stop(); });
  slider.addEventListener("input", () => {
    stop();
    if (Number(slider.value) === 0) leave(); else show(Number(slider.value));
  });
  const control = L.control({ position: "bottomleft" });
  control.onAdd = () => {
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    return box;
  };
  control.addTo(map);
}
