"""The preview as one drags: planned in a process of its own, so that the app answers others meanwhile; the newest
request of a page wins, and only a few pages wait, as everybody who waits holds a thread that a flight may need.
Previewing itself is `missions.planning.preview`'s subject."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.polygon import orient

from mapping.ground.camera import load_camera
from missions.areas.read import area_in
from missions.drones import load_drone
from missions.errors import MissionError
from missions.planning.preview import preview
from picket.web.wishes import Wish
from vision.errors import InputError

TOO_LONG_S = 15.0
BEGIN_WITHIN_S = 300.0
"""How long its process may take to begin: on a machine with much to do, minutes."""
MOST_PAGES = 5
"""How many pages are previewed for at once, one of them at work and the others waiting."""
DRAWING = Path("the drawing")
"""What messages call an area that stands in no file."""
EXAMPLE = {
    "type": "Feature",
    "properties": {"role": "patrol"},
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0.003, 0], [0.003, 0.003], [0, 0.003], [0, 0]]]},
}
_DECIMALS = 6


class SupersededError(RuntimeError):
    """A newer preview was asked for by the same page."""


class BusyError(RuntimeError):
    """Too many pages wait for a preview."""


class Previews:
    """One process that previews, begun when it is first needed, ended with the app, and replaced when it takes too
    long. Safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_work = False
        self._newest: dict[str, int] = {}
        self._asked = 0
        self._process: Any = None
        self._line: Connection | None = None
        self._closed = self._ready = False

    def ask(self, page: str, area: dict[str, Any], wish: Wish) -> dict[str, Any]:
        """The preview of an area as JSON for the page `page`. Raises SupersededError where the same page asked again
        before its turn came, BusyError where too many pages wait, MissionError where it took too long."""
        with self._changed:
            if page not in self._newest and len(self._newest) >= MOST_PAGES:
                raise BusyError("others are drawing too; wait a moment for the preview")
            self._asked += 1
            number = self._newest[page] = self._asked
            self._changed.notify_all()  # the one before it need not wait any longer
            self._changed.wait_for(lambda: not self._at_work or self._newest.get(page) != number)
            if self._newest.get(page) != number:
                raise SupersededError("a newer preview was asked for")
            self._at_work = True
        try:
            return self._answer({"area": area, "wish": wish.model_dump()})
        finally:
            with self._changed:
                self._at_work = False
                if self._newest.get(page) == number:
                    del self._newest[page]
                self._changed.notify_all()

    def warm_up(self) -> None:
        """Begin the process, so that the first drag need not wait for it."""
        with self._changed:
            if self._process is None and not self._at_work and not self._closed:
                self._begin()

    def begin(self) -> None:
        """Warm up in the background."""
        if self._process is None:
            threading.Thread(target=self.warm_up, name="preview warms up", daemon=True).start()

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._end()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._closed:
            raise MissionError("the app is ending")
        if self._process is None or not self._process.is_alive():
            self._begin()
        line = self._line
        assert line is not None
        try:
            if not self._ready:
                if not line.poll(BEGIN_WITHIN_S):
                    raise TimeoutError
                line.recv()
                self._ready = True
            line.send(request)
            if not line.poll(TOO_LONG_S):
                raise TimeoutError
            answered: dict[str, Any] = line.recv()
        except (OSError, EOFError, TimeoutError) as error:
            self._end()
            raise MissionError(
                "the preview takes too long for this area; draw it simpler, or write the plan without it"
            ) from error
        return answered

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), name="picket preview", daemon=True)
        self._process.start()
        self._ready = False
        theirs.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(5)
            process.close()
        if self._line is not None:
            self._line.close()
            self._line = None


def preview_of(area: dict[str, Any], wish: Wish) -> dict[str, Any]:
    """The preview of an area, given as GeoJSON, in JSON: words, numbers, and lines as lists of [longitude, latitude].
    What is wrong with the area or cannot be flown stands under `problems`."""
    try:
        found = preview(area_in(DRAWING, area), load_drone(wish.drone), load_camera(wish.camera), **wish.for_preview())
    except (InputError, MissionError) as error:
        return {"problems": [" ".join(str(error).removeprefix(f"{DRAWING}: ").split())], "notes": []}
    return {
        "problems": list(found.problems),
        "notes": list(found.notes),
        "home": None if found.home is None else [found.home.lon_deg, found.home.lat_deg],
        "transects": [_points(line) for line in found.transects.geoms],
        "ways": [_points(line) for line in found.ways.geoms],
        "strips": [_points(orient(strip).exterior) for strip in found.strips.geoms],
        "angle_deg": found.angle_deg,
        "height_m": found.height_m,
        "gsd_cm": found.gsd_cm,
        "area_m2": found.area_m2,
        "flight_time_s": found.flight_time_s,
        "photos": found.photos,
        "batteries": found.batteries,
        "seconds": found.seconds,
    }


def _points(line: shapely.Geometry) -> Sequence[Sequence[float]]:
    points: list[list[float]] = shapely.get_coordinates(line).round(_DECIMALS).tolist()
    return points


def _work(line: Connection) -> None:
    """The process: a word that it is ready, then a request in, an answer out, until nobody is at the other end."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the app's; it ends this process with itself
    with suppress(EOFError, OSError):
        preview_of(EXAMPLE, Wish())  # the first one loads what the others need
        line.send("ready")
        while True:
            request = line.recv()
            try:
                answered = preview_of(request["area"], Wish.model_validate(request["wish"]))
                json.dumps(answered, allow_nan=False)
            except (ValueError, ArithmeticError, LookupError, TypeError, RecursionError) as error:
                said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                answered = {"problems": [f"this area cannot be previewed ({said})"], "notes": []}
            line.send(answered)
