// The preview as one drags: one request at a time, the newest drawing next, its lines on the map and its words beside.
import { Problem, make, send } from "./api.js";
import { areaWords, counted, lasting, sentence } from "./words.js";

/* global L, placeMarker */
const PAGE = crypto.randomUUID?.() || `${Math.random()}`;

export class Preview {
  /** `asked()` gives {area, wish} to preview, or null where nothing is drawn; elements are where the words go. */
  constructor(map, asked, { headline, problems, note }) {
    Object.assign(this, { map, asked, headline, problems, note, busy: false, again: false, last: null, took: [] });
    const options = (className) => ({ className, interactive: false, noClip: true, smoothFactor: 0 });
    this.strips = L.polygon([], { ...options("layer-strips"), fillRule: "nonzero" }).addTo(map);
    this.ways = L.polyline([], options("layer-ways")).addTo(map);
    this.transects = L.polyline([], options("layer-transects")).addTo(map);
  }

  /** Preview what is drawn now; calls while one is under way become one more when it has come. */
  async refresh() {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    while (this.again) {
      this.again = false;
      const asked = this.asked();
      if (asked === null) { this.show(null); continue; }
      const began = performance.now();
      try {
        this.show(await send("/api/preview", { ...asked, page: PAGE }));
        this.took.push(performance.now() - began);
        if (this.took.length > 200) this.took.shift();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.status === 429) {
          await new Promise((resolve) => setTimeout(resolve, 1000));
          this.again = true;
          continue;
        }
        this.show({ problems: [error.message], notes: [] });
      }
    }
    this.busy = false;
  }

  show(found) {
    this.last = found;
    const turned = (lines) => (lines || []).map((line) => line.map(([lon, lat]) => [lat, lon]));
    this.strips.setLatLngs(turned(found?.strips).map((ring) => [ring]));
    this.transects.setLatLngs(turned(found?.transects));
    this.ways.setLatLngs(turned(found?.ways));
    this.home?.remove();
    this.home = found?.home && !asksHome(this.asked()) ? placeMarker("home", "", "Take-off place, as the planner would choose it", [found.home[1], found.home[0]]) : null;
    if (this.home) {
      this.home.options.interactive = false;
      this.home.unbindTooltip().addTo(this.map);
    }
    for (const layer of [this.ways, this.strips]) layer.bringToBack();
    this.headline.textContent = words(found);
    this.problems.replaceChildren(...(found?.problems || []).map((text) => make("li", {}, sentence(text))));
    this.note.textContent = found?.height_m && !found.problems.length
      ? `From ${Math.round(found.height_m)} m above take-off, ${found.gsd_cm.toFixed(1)} cm a pixel. A preview: the plan itself is proven and usually a little shorter.` : "";
    this.onshow?.(found);
  }
}

const asksHome = (asked) => asked === null || asked.area.features.some((feature) => feature.properties.role === "home");

function words(found) {
  if (found === null) return "Draw the area to watch.";
  if (!found.area_m2) return "This cannot be planned yet.";
  if (!found.batteries) return areaWords(found.area_m2);
  return [areaWords(found.area_m2), counted(found.batteries, "battery", "batteries"), `${lasting(found.flight_time_s)} in the air`,
    counted(found.photos, "photo")].join(" · ");
}
