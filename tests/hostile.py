"""A mission in which every text that comes from outside is one of `tests.payloads`: the names of its files and folders,
its area, zones, camera, pictures and what their EXIF says, labels, marks, reviews and officers. It is made by Picket's
own commands wherever one makes that part."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import tomli_w
from PIL import Image

from mapping.tables import FRAMES, SIGHTINGS
from picket.cli import main
from picket.folder import Mission
from picket.reviews.record import Judgement
from picket.reviews.standing import version_of
from picket.reviews.store import open_store
from tests.drawing import drawn, feature, home, polygon
from tests.payloads import PAYLOADS, as_file_name
from vision.errors import InputError
from vision.table import DETECTIONS

NAMES = tuple(dict.fromkeys(as_file_name(text) for text in PAYLOADS))
FLIGHTS = ("<img src=x onerror=alert(1)>", "=cmd|'-c calc'!A0")
WEST, SOUTH = 88.8950, 23.0350
LINES = tuple(" ".join(re.sub(r"[\0\x07\x1b\x9b]", "?", text).split()) for text in PAYLOADS)
"""What a table of marks can hold of them: one line each."""


def hostile_mission(folder: Path) -> Mission:
    """Make the mission `folder`/north."""
    root = folder / "north"
    options = ["--camera", str(camera_file(folder)), "--drone", str(drone_file(folder)), "--zones", str(zones(folder))]
    assert main(["plan", str(area(folder)), "-o", str(root), *options]) == 0
    mission = Mission(root)
    for number, name in enumerate(FLIGHTS):
        flown(folder, root / "flights" / name, list(range(number, len(NAMES), len(FLIGHTS))))
    judge(mission)
    return mission


def area(folder: Path) -> Path:
    """An area with a text in every name and property."""
    side = 0.0009
    ring = [(WEST, SOUTH), (WEST + side, SOUTH), (WEST + side, SOUTH + side), (WEST, SOUTH + side)]
    places = [
        feature("rally", "Point", [WEST + 1e-5 * k, SOUTH + 1e-5 * k], **{"name": text, text: text, "onclick": text})
        for k, text in enumerate(PAYLOADS[:3])
    ]
    content = drawn(
        polygon("patrol", ring, name=PAYLOADS[0], description=list(PAYLOADS)),
        home(WEST + side / 2, SOUTH),
        *places,
    )
    path = folder / f"{NAMES[1]}.geojson"
    path.write_text(json.dumps({**content, "name": PAYLOADS[1], "title": PAYLOADS[1]}), encoding="utf-8")
    return path


def zones(folder: Path, texts: Sequence[str] = PAYLOADS) -> Path:
    """A file of zones beside the area, each named for a text."""
    far = [
        polygon(
            "no_fly",
            [(WEST + d, SOUTH + 0.002), (WEST + d + 1e-5, SOUTH + 0.002), (WEST + d, SOUTH + 0.00201)],
            name=text,
            identifier=f"{number} {text}",
            reason=text,
        )
        for number, text in enumerate(texts)
        for d in [2e-5 * number]
    ]
    path = folder / f"{NAMES[2]}.json"
    path.write_text(json.dumps(drawn(*far)), encoding="utf-8")
    return path


def camera_file(folder: Path) -> Path:
    """A camera with a text for its name."""
    table = {"name": PAYLOADS[14], "kind": "thermal", "width_px": 64, "height_px": 48, "fx_px": 100.0}
    path = folder / f"{NAMES[15]}.toml"
    path.write_text(tomli_w.dumps({**table, "source": "\n".join(PAYLOADS)}), encoding="utf-8")
    return path


def drone_file(folder: Path) -> Path:
    """A drone with a text for its title."""
    catalogue = Path(__file__).resolve().parents[1] / "missions" / "drones.toml"
    entry = catalogue.read_text(encoding="utf-8").split("[x500]", 1)[1].split("\n[", 1)[0]
    path = folder / f"{NAMES[16]}.toml"
    path.write_text(re.sub(r'(?m)^title = ".*"$', 'title = "</script><b id=injected>"', entry), encoding="utf-8")
    return path


def flown(folder: Path, root: Path, numbers: Sequence[int]) -> None:
    """A flight whose pictures are named for texts and say them in their EXIF, with a box and a mark for each."""
    source = folder / f"pictures {len(numbers)} {numbers[0]}"
    source.mkdir()
    files = [f"{NAMES[k]}.jpg" for k in numbers]
    for k, file in zip(numbers, files, strict=True):
        exif = Image.Exif()
        for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):  # description, make, model, software, artist, ...
            exif[tag] = PAYLOADS[k].replace("\0", "")[:500]
        Image.new("L", (64, 48), 60 + k).save(source / file, exif=exif)
    poses = source / "poses.csv"
    rows = [
        [file, SOUTH + 4e-4 + 2e-6 * k, WEST + 4e-4, 60, 0, -90, 0, datetime(2026, 11, 22, 18, 0, k, tzinfo=UTC)]
        for k, file in zip(numbers, files, strict=True)
    ]
    names = ["file", "lat_deg", "lon_deg", "alt_home_m", "yaw_deg", "pitch_deg", "roll_deg", "time_utc"]
    write_rows(poses, names, rows)
    camera = str(folder / f"{NAMES[15]}.toml")
    assert main(["ingest", str(source), "-o", str(root), "--poses", str(poses), "--camera", camera]) == 0
    facts = json.loads((root / "flight.json").read_text(encoding="utf-8"))
    facts |= {"plan": PAYLOADS[1], "drone": PAYLOADS[0], "reason": PAYLOADS[2], "notes": list(PAYLOADS)}
    (root / "flight.json").write_text(json.dumps(facts), encoding="utf-8")
    frames = FRAMES.read(root / "frames.parquet").to_pylist()
    corners = {"x1_px": 30.0, "y1_px": 20.0, "x2_px": 34.0, "y2_px": 28.0}
    boxes = [
        {
            "detection_id": f"{row['frame_id']}-000",
            "frame_id": row["frame_id"],
            "class": "person",
            "label": PAYLOADS[k],
            "confidence": 0.8,
            **corners,
            "model": PAYLOADS[k],
        }
        for k, row in zip(numbers, frames, strict=True)
    ]
    DETECTIONS.write(DETECTIONS.from_rows(boxes), root / "detections.parquet")
    marks = folder / f"marks {numbers[0]}.csv"
    marked = [[file, 10 + k / 2, 8 + k / 4, LINES[k], ""] for k, file in zip(numbers, files, strict=True)]
    write_rows(marks, ["file", "x_px", "y_px", "object", "class"], marked)
    assert main(["locate", str(root), "--marks", str(marks)]) == 0


def write_rows(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A CSV file as any program writes it."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])


def judge(mission: Mission) -> None:
    """Reviews whose notes and officers are texts, as far as the reviews take them."""
    store = open_store(mission.root)
    left = list(PAYLOADS)
    for flight in mission.flights():
        rows = SIGHTINGS.read(flight.sightings).to_pylist()
        for row, text in zip(rows, [left.pop() if left else "x" for _ in rows], strict=True):
            version = version_of(row, [flight.root.name])
            for officer, note in ((text, "x"), ("A. Rahman", text), ("A. Rahman", "x")):
                key = f"{row['sighting_id']} {len(officer)} {len(note)}"
                try:
                    store.add(Judgement(row["sighting_id"], "confirmed", officer, key, 0, version, note))
                    break
                except InputError:  # said so, and kept nothing
                    continue
    store.close()
