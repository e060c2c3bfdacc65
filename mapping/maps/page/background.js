// What lies under everything: an aerial image or map tiles that somebody put into this file; nothing is loaded.
/** `background` as a layer of the map, under all others. */
function backgroundLayer(map, background) {
  if (!map.getPane("background")) map.createPane("background").style.zIndex = 150;
  return background.kind === "image"
    ? L.imageOverlay(`data:${background.media};base64,${background.data}`, background.bounds, { pane: "background", alt: background.name })
    : tileBackground(background);
}

/** Adds `background` to the map; returns the lines it needs in the legend. */
function addBackground(map, background) {
  if (!background) return [];
  const layer = backgroundLayer(map, background).addTo(map);
  const swatch = make("span", { class: "symbol background-swatch" });
  swatch.innerHTML = '<svg viewBox="0 0 26 26" aria-hidden="true"><path d="M2 22 9 9l5 8 4-5 6 10Z"/></svg>';
  return [legendLine(swatch, `Background: ${background.name}`, true, (shown) => {
    if (shown) layer.addTo(map); else layer.remove();
  })];
}

/** Vector tiles from an archive inside this file. */
function tileBackground(background) {
  const bytes = bytesOf(background.data);
  const source = {
    getKey: () => "inside",
    getBytes: async (offset, length) => ({ data: bytes.slice(offset, offset + length).buffer }),
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return protomapsL.leafletLayer({
    url: new pmtiles.PMTiles(source), flavor: dark ? "dark" : "light", lang: "en", pane: "background", maxDataZoom: background.zoom, attribution: "",
  });
}
