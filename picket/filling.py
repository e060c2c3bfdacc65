"""Fills what the link missed of a recorded flight from the vehicle's own log: track, frames, the photos not heard of.

Reading that log is `mapping.ground.dataflash`'s subject; the telemetry heard in flight stays beside it as it is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mapping.ground.dataflash import read_dataflash
from mapping.ground.frames import frames_from_log
from mapping.tables import FRAMES, TRACK
from picket.folder import Flight
from vision.errors import InputError
from vision.files import whole_file, write_whole
from vision.images import IMAGE_SUFFIXES

OUTSIDE_S = 60.0
"""So far beside the flight's own track a log may begin and end and still be taken for this flight's."""


def fill_from_log(flight: Flight, log_file: Path) -> list[int]:
    """Make track and frames of `flight` from the vehicle's log and keep the log in the folder. Returns the numbers of
    the photos that are known only now. Raises InputError where it is no log, or the log of another flight; then nothing
    is changed."""
    log = read_dataflash(log_file)
    camera, facts = flight.camera(), flight.facts()
    track = log.track()
    if flight.track.is_file():
        _same_flight(log_file, TRACK.read(flight.track), track)
    images = sorted(path for path in flight.images.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    frames = frames_from_log(log, camera, images, root=flight.root, every_trigger=True)
    known = {trigger.img_idx for trigger in log.triggers()}
    missing = [int(index) for index in facts.get("photos_missing") or []]
    if log_file != flight.log:
        with whole_file(flight.log) as beside:
            shutil.copyfile(log_file, beside)
    TRACK.write(track, flight.track)
    FRAMES.write(frames, flight.frames)
    filled = [index for index in missing if index in known]
    facts |= {
        "photos_missing": [index for index in missing if index not in known],
        "filled_from": str(log_file.resolve()),
        "photos_in_log": len(known),
    }
    if "took_off_utc" in facts and facts["took_off_utc"] is None and frames.num_rows:
        # nobody heard it leave the ground; its own log has the photos it took
        facts["took_off_utc"] = frames["time_utc"][0].as_py().isoformat(timespec="milliseconds")
    write_whole(flight.summary, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return filled


def _same_flight(source: Path, heard: pa.Table, logged: pa.Table) -> None:
    """Raises InputError where the log does not cover the time of what was heard."""
    if not heard.num_rows or not logged.num_rows:
        return
    (first, last), (begin, end) = (
        [moment.timestamp() for moment in pc.min_max(table["time_utc"]).as_py().values()] for table in (heard, logged)
    )
    if begin > last + OUTSIDE_S or end < first - OUTSIDE_S:
        raise InputError(source, "is the log of another time than this flight; give the log the vehicle wrote in it")
