// The sorties of a plan: a table whose rows bring one sortie to the front.
/** `fitTo(bounds)` moves the map; returns {legend}: the elements the legend starts with (none). */
function addSorties(map, data, drawn, fitTo) {
  const boundsOf = (number) => {
    const bounds = L.latLngBounds([]);
    for (const { layer } of drawn) {
      for (const feature of layer.features) if (feature.sortie === number) bounds.extend(L.geoJSON(feature.geometry).getBounds());
    }
    return bounds;
  };
  const heightsOf = (sortie) => sortie && data.heights.find((line) => line.number === sortie.number);
  let chosen = null;
  const show = () => {
    for (const path of map.getContainer().querySelectorAll(".sortie")) {
      path.classList.toggle("faded", chosen !== null && !path.classList.contains(`sortie-${chosen.number}`));
    }
  };
  const columns = [
    { title: "Sortie", key: (one) => one.number, cell: (one) => make("span", { class: "what" },
      make("span", { class: `sortie-swatch sortie-colour-${(one.number - 1) % 6}` }), one.number) },
    ...(data.sorties.some((one) => one.drone !== null) ? [["Drone", "drone"], ["Takes off", "start"]] : []).map(([title, name]) => (
      { title, key: (one) => one[name][0], cell: (one) => one[name][1], numeric: true })),
    ...[["Distance", "distance"], ["Time", "time"], ["Photos", "photos"], ["Battery used", "battery"]].map(([title, name]) => (
      { title, key: (one) => one[name][0], cell: (one) => one[name][1], numeric: true, falling: true })),
  ];
  const table = sortableTable(columns, data.sorties, (sortie) => {
    chosen = chosen === sortie ? null : sortie;
    table.mark(chosen);
    show();
    showHeights(heightsOf(chosen || data.sorties[0]), data.ceiling);
    const bounds = chosen ? boundsOf(chosen.number) : L.latLngBounds(data.bounds);
    if (bounds.isValid()) fitTo(bounds);
  }, "The sorties of the plan");
  map.on("picket:layers", show);
  document.getElementById("table-title").textContent = `Sorties (${data.sorties.length})`;
  document.getElementById("table-hint").textContent = "Choose a row to bring one sortie to the front; choose it again for all.";
  document.getElementById("table-holder").append(table.element);
  showHeights(heightsOf(data.sorties[0]), data.ceiling);
  return { legend: [] };
}
