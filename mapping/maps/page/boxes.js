// Boxes in frames that have no position: a table with pictures and no map.
function addBoxes(data) {
  const boxes = data.boxes.rows.map((row, index) => ({
    ...Object.fromEntries(data.boxes.columns.map((name, k) => [name, row[k]])), number: index + 1,
  }));
  const shape = (one) => (SHAPES[one.class] ? one.class : "object");
  const picture = (one) => {
    if (!one.picture) return "no picture";
    const image = make("img", { alt: `What the camera saw: ${one.class}`, width: "160", height: "160", loading: "lazy" });
    image.src = `data:image/jpeg;base64,${one.picture}`;
    return image;
  };
  const columns = [
    { title: "#", key: (one) => one.number, cell: (one) => String(one.number), numeric: true },
    { title: "Picture", key: (one) => one.number, cell: picture },
    { title: "What", key: (one) => one.class, cell: (one) => make("span", { class: "what" },
      symbolElement(SHAPES[shape(one)], `class-${shape(one)} state-not-reviewed`), one.class) },
    { title: "Conf.", hint: "Confidence: how sure the search was, to sort by; no probability", key: (one) => one.confidence, cell: (one) => percent(one.confidence), numeric: true, falling: true },
    { title: "Frame", key: (one) => one.file, cell: (one) => make("span", { class: "name" }, one.file) },
    { title: "Review", key: (one) => one.verdict, cell: (one) => make("span", { class: "verdict state-not-reviewed" }, one.verdict) },
  ];
  setText("table-title", `Boxes (${boxes.length})`);
  setText("table-hint", boxes.length ? "What was found in each frame, the most confident first." : "None.");
  if (boxes.length) document.getElementById("table-holder").append(sortableTable(columns, boxes, () => {}, "What was found, with its pictures").element);
}
