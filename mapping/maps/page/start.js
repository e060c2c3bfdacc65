// Puts the page together: words first, then the map, then the tables.
function setText(id, text) {
  document.getElementById(id).textContent = text;
}

function showWords(data) {
  setText("page-title", data.title);
  setText("headline", data.headline);
  setText("statement", data.statement);
  setText("warning", data.warning || "");
  document.getElementById("warning").hidden = !data.warning;
  setText("made", `${data.made}${L.version}).`);
  document.getElementById("notes").append(...data.notes.map((note) => make("li", {}, note)));
  const notes = document.getElementById("notes-section");
  notes.hidden = data.notes.length === 0;
  // What a plan's pilot has to know before he flies it stands above the table, where nobody has to scroll for it.
  if (data.kind === "plan") document.getElementById("table-section").before(notes);
  document.querySelector("#facts tbody").append(...data.facts.map(([name, value]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))));
  document.getElementById("facts-section").hidden = data.facts.length === 0;
}

/** Give the map the size of the paper before it is printed, and of the window again afterwards. */
function keepForPrint(map, fit) {
  const resize = (printing) => {
    document.body.classList.toggle("printing", printing);
    map.invalidateSize({ animate: false });
    fit();
  };
  window.addEventListener("beforeprint", () => resize(true));
  window.addEventListener("afterprint", () => resize(false));
}

function picketPage(map, data) {
  document.body.classList.add(`kind-${["plan", "pictures"].includes(data.kind) ? data.kind : "report"}`);
  showWords(data);
  if (data.kind === "pictures") {
    addBoxes(data);
    return;
  }
  map.invalidateSize({ animate: false });
  const bounds = L.latLngBounds(data.bounds);
  const fitTo = (target) => {
    const wide = map.getSize().x > 600;
    const below = data.replay && data.replay.length ? 100 : 30;
    // Room for the controls on the left and below and for the legend on the right, where there is any.
    map.fitBounds(target, {
      paddingTopLeft: wide ? [60, 20] : [44, 16], paddingBottomRight: wide ? [205, below] : [24, below], animate: false,
    });
  };
  const fit = () => fitTo(bounds);
  fit();
  addGround(map, data.world, bounds.getCenter(), fit);
  const drawn = drawLayers(map, data.layers);
  const first = data.kind === "plan" ? addSorties(map, data, drawn, fitTo) : addSightings(map, data);
  addLegend(map, drawn, first.legend, addBackground(map, data.background), data.heights);
  if (data.replay) addReplay(map, data.replay, first.seenBy);
  keepLabelsApart(map);
  keepForPrint(map, fit);
}
