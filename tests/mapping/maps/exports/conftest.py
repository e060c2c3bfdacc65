"""A small flight to export: sightings with awkward texts, boxes, pictures, a track, ground looked at and a gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely
from PIL import Image

from mapping.ground.searched import Coverage, CoveragePiece
from mapping.maps.exports.content import ExportContent
from mapping.maps.verdicts import Verdict, with_verdicts
from mapping.tables import FRAMES, TRACK
from vision.table import DETECTIONS

KNOWN = {"role": "searched", "gsd_cm": 5.0, "first_utc": "2026-11-22T18:16:05+00:00", "last_utc": None}
START = datetime(2026, 11, 22, 18, 16, 5, 123456, tzinfo=UTC)


def pose(number: int) -> dict[str, Any]:
    places = {"lat_deg": 23.04, "lon_deg": 88.895 + number * 1e-4, "alt_amsl_m": 70.0, "alt_home_m": 60.0}
    return {
        "time_utc": START + timedelta(seconds=number),
        **places,
        "yaw_deg": 0.0,
        "pitch_deg": -90.0,
        "roll_deg": 0.0,
    }


@pytest.fixture
def content(sightings: Callable[..., pa.Table], tmp_path: Path) -> Callable[..., ExportContent]:
    """Makes what there is to export; each argument is what differs from a common sighting, `reviews` are
    verdicts by sighting id."""
    root = tmp_path / "flight"
    (root / "images").mkdir(parents=True)
    frames = []
    for number in (1, 2):
        Image.new("L", (64, 48), 90).save(root / f"images/IMG_{number}.jpg")
        sigmas = {"sigma_position_m": 1.5, "sigma_height_m": 3.0, "sigma_attitude_deg": 1.0, "sigma_time_s": 0.05}
        frames.append({"frame_id": f"IMG_{number}", "file": f"images/IMG_{number}.jpg", **pose(number), **sigmas})
    frames = [{**row, "camera": "boson640-14"} for row in frames]
    frames.append({**frames[-1], "frame_id": "IMG_3", "file": None, "lat_deg": None, "lon_deg": None})
    box = {"class": "person", "label": "Person", "confidence": 0.8, "x1_px": 4.0, "y1_px": 5.0, "x2_px": 10.0}
    boxes = [
        {"detection_id": f"{frame}-000", "frame_id": frame, **box, "y2_px": 20.0, "model": model}
        for frame, model in (("IMG_1", "ab12"), ("IMG_2", "ab12"), ("IMG_2-mark", "marked"))
    ]

    def make(*changes: dict[str, Any], **others: Any) -> ExportContent:
        reviews = {name: Verdict(word) for name, word in others.pop("reviews", {}).items()}
        return ExportContent(
            **{
                "source": "flight",
                "sightings": with_verdicts(sightings(*changes), reviews),
                "software": "Picket 9.9",
                "frames": FRAMES.from_rows(frames),
                "tracks": {"flight": TRACK.from_rows([pose(number) for number in range(3)])},
                "detections": DETECTIONS.from_rows(boxes),
                "coverage": Coverage(
                    (
                        CoveragePiece(shapely.box(88.89, 23.03, 88.9, 23.05), KNOWN),
                        CoveragePiece(shapely.box(88.9, 23.03, 88.91, 23.05), {"role": "gap", "where": "in the east"}),
                    )
                ),
                "images_root": root,
                "notes": ("The ground counts as level.",),
                **others,
            }
        )

    return make
