"""A small mission to judge: two frames a sighting saw it in, a warm spot where each box is, an area round it all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from mapping.tables import FRAMES, SIGHTINGS
from tests.drawing import drawn, polygon
from vision.table import DETECTIONS

START = datetime(2026, 11, 22, 18, 16, 5, tzinfo=UTC)
LAT_DEG, LON_DEG = 23.04, 88.895
FLIGHT = "20261122T181500Z-01"


def make_mission(
    root: Path, count: int = 6, *, names: Sequence[str] = (), labels: Sequence[str] = (), pictures: int = 4
) -> Path:
    """Write a mission with `count` sightings. `names` are objects' names and `labels` the model's words for the first
    ones; the frames share `pictures` files. Returns its folder."""
    flight = root / "flights" / FLIGHT
    (flight / "images").mkdir(parents=True)
    (root / "mission.toml").write_text('area = "a.geojson"\ndrone = "x500v2"\ncamera = "boson640-14"\n')
    d = 0.004
    ring = [
        [LON_DEG - d, LAT_DEG - d],
        [LON_DEG + d, LAT_DEG - d],
        [LON_DEG + d, LAT_DEG + d],
        [LON_DEG - d, LAT_DEG + d],
    ]
    (root / "area.geojson").write_text(json.dumps(drawn(polygon("patrol", ring))))
    (flight / "flight.json").write_text(
        json.dumps({"drone": "x500v2", "camera": "boson640-14", "ended": "landed", "complete": True})
    )
    random = np.random.default_rng(5)
    for number in range(pictures):
        image = random.normal(70, 6, (512, 640)).clip(0, 255).astype(np.uint8)
        image[250:262, 320:326] = 235
        Image.fromarray(image).save(flight / f"images/IMG_{number}.jpg")
    frames, boxes, sightings = [], [], []
    for number in range(2 * count):
        frames.append(
            {
                "frame_id": f"IMG_{number:05d}",
                "file": f"images/IMG_{number % pictures}.jpg",
                "time_utc": START + timedelta(seconds=number),
                "lat_deg": LAT_DEG,
                "lon_deg": LON_DEG,
                **dict.fromkeys(("alt_amsl_m", "alt_home_m"), 60.0),
                "yaw_deg": 0.0,
                "pitch_deg": -90.0,
                "roll_deg": 0.0,
                "camera": "boson640-14",
                **dict.fromkeys(("sigma_position_m", "sigma_height_m", "sigma_attitude_deg", "sigma_time_s"), 0.5),
            }
        )
        boxes.append(
            {
                "detection_id": f"IMG_{number:05d}-000",
                "frame_id": f"IMG_{number:05d}",
                "class": "person" if number // 2 % 3 else "vehicle",
                "label": labels[number // 2] if number // 2 < len(labels) else "Person",
                "confidence": 0.9 - 0.4 * (number // 2) / max(1, count - 1),
                "x1_px": 319.0,
                "y1_px": 249.0,
                "x2_px": 327.0,
                "y2_px": 263.0,
                "model": "ab12",
            }
        )
    places = random.normal(0, 0.0015, (count, 2))
    for number in range(count):
        sightings.append(
            {
                "sighting_id": f"S{number:06d}",
                "class": "person" if number % 3 else "vehicle",
                "object": names[number] if number < len(names) else None,
                "lat_deg": LAT_DEG + places[number, 0],
                "lon_deg": LON_DEG + places[number, 1],
                "alt_amsl_m": 11.0,
                "ellipse_major_m": 3.0,
                "ellipse_minor_m": 2.0,
                "ellipse_bearing_deg": 30.0,
                "ce90_m": 2.2,
                "confidence": 0.9 - 0.4 * number / max(1, count - 1),
                "first_seen_utc": START + timedelta(seconds=2 * number),
                "last_seen_utc": START + timedelta(seconds=2 * number + 1),
                "n_frames": 2,
                "speed_m_s": None,
                "heading_deg": None,
                "detection_ids": [f"IMG_{2 * number + k:05d}-000" for k in range(2)],
            }
        )
    FRAMES.write(FRAMES.from_rows(frames), flight / "frames.parquet")
    DETECTIONS.write(DETECTIONS.from_rows(boxes), flight / "detections.parquet")
    SIGHTINGS.write(SIGHTINGS.from_rows(sightings), flight / "sightings.parquet")
    return root
