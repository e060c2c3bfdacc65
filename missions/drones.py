"""The drone catalogue: what planning has to know of an aircraft, from `drones.toml` or from a file of the user's own.

Figures only: how they become flight times and battery use is in `missions.planning.energy`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vision.errors import InputError

_CATALOGUE = "drones.toml"
_AIRSPEED_OVER_CRUISE = 1.4
"""Greatest airspeed over cruise speed where a drone's table does not say it: what a copter leaning 30 degrees has."""
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Drone:
    """One aircraft with one battery and its camera on board.

    `endurance_s` is the time to an empty battery at cruise, `reserve` the share of the battery that must be left at
    landing. `landing_rate_m_s` is the slow descent of the last 10 m. `climb_power_ratio` is the power of climbing
    over that of hovering, `hover_power_ratio` that of hovering over that of cruising, `drag_power_share` the part of
    the power at cruise that is drag of the body and grows with the cube of the airspeed. `max_airspeed_m_s` is what it
    holds against wind, `turn_radius_m` how closely it rounds a corner. `source` says where the figures are from and
    which of them are estimates.
    """

    name: str
    title: str
    endurance_s: float
    reserve: float
    cruise_speed_m_s: float
    climb_rate_m_s: float
    descent_rate_m_s: float
    landing_rate_m_s: float
    acceleration_m_s2: float
    climb_power_ratio: float
    source: str
    max_airspeed_m_s: float
    hover_power_ratio: float = 1.0
    drag_power_share: float = 0.3
    turn_radius_m: float = 2.0


class _DroneText(BaseModel):
    """What a drone's TOML table must hold."""

    model_config = ConfigDict(extra="forbid")

    title: str
    endurance_s: Annotated[float, Field(ge=60, le=86_400, allow_inf_nan=False)]
    reserve: Annotated[float, Field(ge=0, lt=0.9, allow_inf_nan=False)] = 0.2
    cruise_speed_m_s: Annotated[float, Field(ge=1, le=40, allow_inf_nan=False)]
    climb_rate_m_s: _Positive = 2.5
    descent_rate_m_s: _Positive = 1.5
    landing_rate_m_s: _Positive = 0.5
    acceleration_m_s2: _Positive = 2.5
    climb_power_ratio: Annotated[float, Field(ge=1, le=5, allow_inf_nan=False)] = 1.3
    source: str
    max_airspeed_m_s: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)] | None = None
    hover_power_ratio: Annotated[float, Field(ge=0.5, le=3, allow_inf_nan=False)] = 1.0
    drag_power_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.3
    turn_radius_m: Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)] = 2.0


@cache
def catalogue() -> dict[str, Drone]:
    """Every drone of the packaged catalogue by name, in the catalogue's order."""
    text = resources.files("missions").joinpath(_CATALOGUE).read_text(encoding="utf-8")
    return {name: _described(_CATALOGUE, name, table) for name, table in tomllib.loads(text).items()}


def load_drone(name_or_path: str | Path) -> Drone:
    """The drone of that catalogue name, or described by that TOML file (the keys of a catalogue table).

    Raises InputError with the known names where it is neither, and with the key at fault where the file does not
    describe a drone.
    """
    known = catalogue()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(str(name_or_path), f"no such drone or drone file; known drones: {', '.join(known)}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, f"not a drone file ({error}); write TOML with the keys of a catalogue table") from error
    return _described(path, path.stem, table)


def _described(source: str | Path, name: str, table: dict[str, Any]) -> Drone:
    try:
        text = _DroneText.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([name, *(str(part) for part in first["loc"])])
        raise InputError(source, f"{first['msg']}; mend this value", place) from error
    figures = text.model_dump()
    if figures["max_airspeed_m_s"] is None:
        figures["max_airspeed_m_s"] = _AIRSPEED_OVER_CRUISE * text.cruise_speed_m_s
    return Drone(name=name, **figures)
