// The heights of one sortie along its way: the ground, the flight over it, and the ceiling.
const HEIGHTS_WIDE = 600;
const HEIGHTS_HIGH = 170;

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Show the height line `line`; `ceiling` metres above the ground is the limit (null: none). */
function showHeights(line, ceiling) {
  const section = document.getElementById("heights-section");
  section.hidden = !line;
  if (!line) return;
  const ceilings = line.ground.map((height) => height + (ceiling || 0));
  const lowest = Math.min(...line.ground, ...line.flight);
  const highest = Math.max(...line.flight, ...(ceiling ? ceilings : []));
  const [left, right, top, bottom] = [44, 8, 10, 22];
  const along = line.distance[line.distance.length - 1] || 1;
  const x = (metres) => left + (metres / along) * (HEIGHTS_WIDE - left - right);
  const y = (metres) => HEIGHTS_HIGH - bottom - ((metres - lowest) / (highest - lowest || 1)) * (HEIGHTS_HIGH - top - bottom);
  const path = (heights) => heights.map((height, k) => `${k ? "L" : "M"}${x(line.distance[k]).toFixed(1)} ${y(height).toFixed(1)}`).join("");
  const floor = HEIGHTS_HIGH - bottom;
  const label = (metres, text, anchor = "end") => drawn("text", { x: left - 5, y: y(metres) + 4, "text-anchor": anchor }, text);
  const picture = drawn("svg", { viewBox: `0 0 ${HEIGHTS_WIDE} ${HEIGHTS_HIGH}`, role: "img", class: "heights",
    "aria-label": `Sortie ${line.number}: ${line.above}` },
  drawn("path", { d: `${path(line.ground)}L${x(along)} ${floor}L${x(0)} ${floor}Z`, class: "heights-ground" }),
  drawn("path", { d: path(line.flight), class: `heights-flight sortie-colour-${(line.number - 1) % 6}` }),
  label(lowest, `${Math.round(lowest)} m`), label(highest, `${Math.round(highest)} m`),
  drawn("text", { x: left, y: HEIGHTS_HIGH - 6 }, "0 km"),
  drawn("text", { x: HEIGHTS_WIDE - right, y: HEIGHTS_HIGH - 6, "text-anchor": "end" }, `${(along / 1000).toFixed(1)} km`));
  if (ceiling) picture.append(drawn("path", { d: path(ceilings), class: "heights-ceiling" }));
  document.getElementById("heights-title").textContent =
    `Heights of sortie ${line.number}: ${line.above}${ceiling ? `, ceiling ${Math.round(ceiling)} m` : ""}`;
  document.getElementById("heights").replaceChildren(picture);
}
