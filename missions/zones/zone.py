"""A UAS geographical zone as a value: its ground, its heights, its times and what it asks. Reading zones from files is
`missions.zones.read`; whether one is in the way of a flight, `missions.zones.conflict`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from shapely.geometry import Polygon

from missions.zones.schedule import Period

HeightReference = Literal["AGL", "AMSL", "HAE"]


class Restriction(Enum):
    """What a zone asks of a drone, as ED-269 and ED-318 name it."""

    PROHIBITED = "flying is prohibited"
    AUTHORISATION = "flying needs an authorisation"
    CONDITIONAL = "flying is subject to conditions"
    U_SPACE = "flying takes place under U-space services"
    NONE = "there is no restriction"


@dataclass(frozen=True)
class Limit:
    """A height in metres above the ground below (AGL), above mean sea level (AMSL) or above the ellipsoid (HAE)."""

    height_m: float
    reference: HeightReference

    def __str__(self) -> str:
        words = {"AGL": "above ground", "AMSL": "above sea level", "HAE": "above the ellipsoid"}
        return f"{self.height_m:.0f} m {words[self.reference]}"


@dataclass(frozen=True)
class Zone:
    """One volume of a zone, in longitude and latitude (WGS 84); a zone of several volumes is several of these.

    `lower` None is the ground, `upper` None without end. Without `periods` it is in force always. `message` is what its
    file says to those who want to fly.
    """

    identifier: str
    name: str
    restriction: Restriction
    polygon: Polygon
    lower: Limit | None = None
    upper: Limit | None = None
    periods: tuple[Period, ...] = ()
    message: str = ""

    @property
    def title(self) -> str:
        """What people call it: its identifier, and its name where that says more."""
        return self.identifier if self.name in ("", self.identifier) else f"{self.identifier} ({self.name})"

    @property
    def heights(self) -> str:
        """Its heights in words."""
        lower = "the ground" if self.lower is None else str(self.lower)
        return f"from {lower} up" if self.upper is None else f"from {lower} to {self.upper}"
