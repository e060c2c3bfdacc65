"""Where a real flight puts things whose places were surveyed: without calibration, beside two plainer ways with the
same marks (taking the camera for level, and taking the vehicle's place for the object's), and calibrated: from what its
frames have in common alone, and from one surveyed barrel, judged on the other.
`python -m bench.recorded_flight [--data DIR]`; the flight is CanberraUAV's of 2018 with its marked barrels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mapping.ground.camera import load_camera
from mapping.ground.frame import LocalFrame
from mapping.ground.frames import frames_from_log
from mapping.ground.locate import locate
from mapping.ground.marks import read_marks
from mapping.ground.telemetry import read_tlog
from mapping.tables import SIGHTINGS
from picket.calibrating import Asked
from picket.commands.ingest import ingest_images
from picket.locating import locate_flight

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "flights" / "cuav-2018"
SURVEYED = {"barrel-A": (-35.362669, 149.164242), "barrel-C": (-35.363027, 149.164295)}


def errors_m(marks: pa.Table, lat_deg: np.ndarray, lon_deg: np.ndarray) -> np.ndarray:
    """Distance of each mark's place from the surveyed one of its object, in metres."""
    found = np.full(marks.num_rows, np.nan)
    for name, (lat, lon) in SURVEYED.items():
        rows = pc.equal(marks["label"], name).to_numpy()
        east, north = LocalFrame(lat, lon).to_local(lat_deg[rows], lon_deg[rows])
        found[rows] = np.hypot(east, north)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 also where there are no data, which it says."""
    parser = argparse.ArgumentParser(description="Marked barrels of a recorded flight against their surveyed places.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the flight")
    data: Path = parser.parse_args(arguments).data
    if not (data / "flight.tlog").is_file():
        print(f"no flight in {data}; give its folder with --data", file=sys.stderr)
        return 0
    camera = load_camera(str(data / "camera.json"))
    log = read_tlog(data / "flight.tlog")
    frames = frames_from_log(log, camera, sorted(data.glob("*.jpg")), root=data)
    marks = read_marks(data / "marks.csv", frames)
    under = marks.join(frames.select(["frame_id", "lat_deg", "lon_deg"]), "frame_id")
    ways = {
        "Picket": locate(frames, marks, camera).places,
        "camera taken for level": locate(_level(frames, log.track()), marks, camera).places,
        "under the vehicle": under,
    }
    print(f"{marks.num_rows} marks of {len(SURVEYED)} barrels in {frames.num_rows} frames; without calibration:")
    print(f"{'':24} {'placed':>6} {'median':>7} {'p90':>6} {'worst':>6}   (m)")
    marks = marks.sort_by("detection_id")
    for name, places in ways.items():
        lat_deg, lon_deg = (places.sort_by("detection_id")[key].to_numpy() for key in ("lat_deg", "lon_deg"))
        off = errors_m(marks, lat_deg, lon_deg)
        known = off[np.isfinite(off)]
        print(f"{name:24} {len(known):6} {np.median(known):7.2f} {np.quantile(known, 0.9):6.2f} {known.max():6.2f}")
    print()
    print(f"{'calibrated from':24} {'':>6} {'barrel-A':>8} {'barrel-C':>8} {'ellipse':>8}   (m, fused)")
    with tempfile.TemporaryDirectory() as folder:
        flight = ingest_images(data, Path(folder) / "flight", camera=str(data / "camera.json"))
        for known in (None, *SURVEYED):
            asked = Asked(calibrate=True, control=_control(Path(folder), known))
            locate_flight(flight, marks=data / "marks.csv", asked=asked, force=True)
            print(_row(known, SIGHTINGS.read(flight.sightings)))
    return 0


def _control(folder: Path, known: str | None) -> Path | None:
    """A file of the one barrel that is known."""
    if known is None:
        return None
    path = folder / "control.csv"
    lat, lon = SURVEYED[known]
    path.write_text(f"object,lat_deg,lon_deg\n{known},{lat},{lon}\n", encoding="utf-8")
    return path


def _row(known: str | None, sightings: pa.Table) -> str:
    """How far each barrel's sighting lies from its surveyed place, and the largest ellipse."""
    rows = {row["object"]: row for row in sightings.to_pylist()}
    off = {}
    for name, place in SURVEYED.items():
        east, north = LocalFrame(*place).to_local(rows[name]["lat_deg"], rows[name]["lon_deg"])
        off[name] = "(known)" if name == known else f"{np.hypot(east, north):.2f}"
    largest = max(row["ellipse_major_m"] for row in rows.values())
    return f"{known or 'nothing surveyed':24} {'':>6} {off['barrel-A']:>8} {off['barrel-C']:>8} {largest:8.2f}"


def _level(frames: pa.Table, track: pa.Table) -> pa.Table:
    """The frames as if the camera had looked straight down, the top of its picture to the vehicle's nose."""
    taken, known = (column.cast(pa.int64()).to_numpy() for column in (frames["time_utc"], track["time_utc"]))
    heading = np.degrees(np.unwrap(np.radians(track["yaw_deg"].to_numpy())))
    attitude = {
        "yaw_deg": np.interp(taken, known, heading) % 360.0,
        "pitch_deg": np.full(frames.num_rows, -90.0),
        "roll_deg": np.zeros(frames.num_rows),
    }
    for name, values in attitude.items():
        column = frames.schema.get_field_index(name)
        frames = frames.set_column(column, frames.schema.field(column), pa.array(values))
    return frames


if __name__ == "__main__":
    sys.exit(main())
