"""How soon the plan page's preview answers while somebody drags a corner of 5 km2: `python -m bench.web_preview`. The
real server on a port of this machine, one request after the other as the page sends them, seconds on the clock; beside
it the plan itself."""

from __future__ import annotations

import math
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
from shapely.geometry import box

from mapping.ground.camera import load_camera
from mapping.ground.frame import LocalFrame
from missions.areas.read import area_in
from missions.drones import load_drone
from missions.planning.planner import make_plan
from picket.web.app import create_app
from picket.web.guard import CSRF_HEADER, cookie_name
from picket.web.serving import WebServer
from picket.web.settings import Settings
from tests.drawing import drawn, polygon

SIZES_KM2 = (0.3, 1.0, 5.0)
DRAGS = 40
LIMIT_S = 0.3
LAT_DEG, LON_DEG = 23.04, 88.895


def area_of(size_km2: float, pulled_m: float) -> dict[str, object]:
    """A square with one corner pulled out, as the page sends it."""
    half = 500.0 * math.sqrt(size_km2)
    corners = np.array(box(-half, -half, half, half).exterior.coords)
    corners[2] += pulled_m
    lat, lon = LocalFrame(LAT_DEG, LON_DEG).to_geodetic(corners[:, 0], corners[:, 1])
    return drawn(polygon("patrol", [[float(x), float(y)] for x, y in zip(lon[:-1], lat[:-1], strict=True)]))


def main() -> int:
    """Print a line a size; 1 where the 95th percentile at 5 km2 is above 300 ms."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        settings = Settings(missions=Path(folder) / "missions", port=listening.getsockname()[1])
        app = create_app(settings)
        server = WebServer(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        key, session = app.state.access.log_in(app.state.access.invite("officer"), "bench")
        url = f"http://127.0.0.1:{settings.port}"
        cookies, headers = {cookie_name(settings): key}, {CSRF_HEADER: session.csrf, "Origin": url}
        with httpx.Client(base_url=url, cookies=cookies, headers=headers, timeout=60, trust_env=False) as client:
            late = _measure(client)
        server.should_exit = True
        thread.join(10)
    return int(late > LIMIT_S)


def _measure(client: httpx.Client) -> float:
    """The 95th percentile of the largest area, in seconds."""
    percentile = math.inf
    client.post("/api/preview", json={"area": area_of(0.1, 0.0), "page": "warm"})
    print(
        f"{'km2':>4} {'median ms':>9} {'95 % ms':>8} {'most ms':>8} {'sorties':>7} {'kB':>5} {'the plan itself s':>17}"
    )
    for size in SIZES_KM2:
        took = []
        for pulled_m in np.linspace(0.0, 120.0, DRAGS):
            body = {"area": area_of(size, float(pulled_m)), "page": "bench"}
            started = time.perf_counter()
            answer = client.post("/api/preview", json=body)
            took.append(time.perf_counter() - started)
        found = answer.json()
        started = time.perf_counter()
        drawn = area_in(Path("area"), area_of(size, 120.0))
        make_plan(drawn, load_drone("x500"), load_camera("boson640-14"), see="person")
        whole_s = time.perf_counter() - started
        median, percentile = 1000 * np.median(took), float(np.percentile(took, 95))
        print(
            f"{size:4.1f} {median:9.0f} {1000 * percentile:8.0f} {1000 * max(took):8.0f} {found['batteries']:7d} "
            f"{len(answer.content) / 1000:5.0f} {whole_s:17.1f}",
            flush=True,
        )
    return percentile


if __name__ == "__main__":
    sys.exit(main())
