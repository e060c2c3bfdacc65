"""Where a mission is: the area it watches, and what the app was given to put under its maps there. Reading aerial
images and map tiles is `mapping.maps.background`'s subject."""

from __future__ import annotations

import threading
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from mapping.maps.background import Background, Box, reach, read_background
from picket.areas import area_to_watch
from picket.folder import Mission
from picket.web.previews import BusyError
from vision.errors import InputError

LONGEST_PX = 1600
MOST_BYTES = 1_000_000
"""Of what lies under a map on the screen; reports take more."""
WAIT_S = 5.0


def area_to_show(mission: Mission) -> BaseGeometry | None:
    """What a mission is to watch, in longitude and latitude; None where it has no area that can be drawn."""
    try:
        return area_to_watch(mission)
    except (AttributeError, KeyError, TypeError, ValueError, shapely.GEOSException):
        return None


class Basemap:
    """An aerial image or map tiles of a region, for all maps of the app. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Raises InputError where the file is neither."""
        self._path, self._reach = path, reach(path)
        self._reading = threading.Lock()

    def around(self, box: Box) -> Background | None:
        """What there is round `box`; None where that is nothing. Raises BusyError where others wait for theirs."""
        west, south, east, north = self._reach
        if box[0] > east or box[2] < west or box[1] > north or box[3] < south:
            return None
        if not self._reading.acquire(timeout=WAIT_S):
            raise BusyError("the ground of other maps is being read; move this one again in a moment")
        try:
            return read_background(self._path, box, MOST_BYTES, LONGEST_PX)
        except InputError:  # it was sound when the app began: there is nothing of it here
            return None
        finally:
            self._reading.release()

    def options(self, mission: Mission) -> list[str]:
        """The options with which `picket report` puts it under the map of a mission, where it shows its ground."""
        area = area_to_show(mission)
        return [] if area is None or self.around(area.bounds) is None else [f"--basemap={self._path}"]
