"""The area a mission is to watch, as its folder keeps it."""

from __future__ import annotations

from shapely.geometry.base import BaseGeometry

from mapping.maps.layers import features_of, patrol_area
from picket.folder import Mission
from vision.files import read_json


def area_to_watch(mission: Mission) -> BaseGeometry | None:
    """What a mission is to watch, in longitude and latitude; None where its folder keeps no area. Raises InputError
    where the file cannot be read, and whatever a geometry that is none makes shapely or a reader stumble over."""
    if not mission.area.exists():
        return None
    return patrol_area(features_of(read_json(mission.area, "the area of a mission"))[0])
