"""What an officer asks for on the plan page, checked, and what it is as options of `picket plan` and of the preview."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mapping.ground.camera import catalogue as cameras
from missions.drones import catalogue as drones
from missions.planning.energy import CALM, Wind
from missions.planning.imaging import CEILING_M, DEFAULT_FRONTLAP, DEFAULT_SIDELAP
from picket.options import DEFAULT_CAMERA, DEFAULT_DRONE

Finite = Annotated[float, Field(allow_inf_nan=False)]
Lap = Annotated[float, Field(ge=0.0, le=0.95)]


class Wish(BaseModel):
    """How an area is to be flown. What must be seen is said by `by`: a class the shipped detector sees, a ground sample
    distance in cm, or a height in metres. None leaves a choice to the planner."""

    model_config = ConfigDict(extra="forbid")

    drone: str = DEFAULT_DRONE
    camera: str = DEFAULT_CAMERA
    by: Literal["see", "gsd", "height"] = "see"
    see: Literal["person", "vehicle"] = "person"
    gsd_cm: Annotated[float, Field(gt=0, le=1000)] = 8.0
    height_m: Annotated[float, Field(gt=0, le=1000)] = 60.0
    ceiling_m: Annotated[float, Field(gt=0, le=1000)] = CEILING_M
    wind_m_s: Annotated[float, Field(ge=0, le=40)] = 0.0
    wind_from_deg: Annotated[float, Field(ge=0, le=360)] = 0.0
    sidelap: Lap = DEFAULT_SIDELAP
    frontlap: Lap = DEFAULT_FRONTLAP
    angle_deg: Annotated[float, Field(ge=-360, le=360)] | None = None
    pattern: Literal["survey", "corridor"] = "survey"
    drones: Annotated[int, Field(ge=1, le=20)] | None = None
    revisit_min: Annotated[float, Field(gt=0, le=10_000)] | None = None
    when: Annotated[str, Field(max_length=40)] = ""
    allow_zones: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)] = []

    @field_validator("drone")
    @classmethod
    def _known_drone(cls, name: str) -> str:
        return _known(name, drones())

    @field_validator("camera")
    @classmethod
    def _known_camera(cls, name: str) -> str:
        return _known(name, cameras())

    def heights(self) -> dict[str, Any]:
        """What decides the height, as the planner's keywords; the others are None."""
        asked = {"see": self.see, "gsd": self.gsd_cm, "height": self.height_m}[self.by]
        names = {"see": "see", "gsd": "gsd_cm", "height": "height_m"}
        return {**dict.fromkeys(names.values()), names[self.by]: asked}

    def for_preview(self) -> dict[str, Any]:
        """The keywords of `missions.planning.preview.preview`."""
        return {
            **self.heights(),
            "ceiling_m": self.ceiling_m,
            "sidelap": self.sidelap,
            "frontlap": self.frontlap,
            "angle_deg": None if self.angle_deg is None else self.angle_deg % 180.0,
            "wind": Wind(self.wind_m_s, self.wind_from_deg % 360.0) if self.wind_m_s else CALM,
            "lanes_m": [] if self.pattern == "corridor" else None,
        }

    def for_command(self, terrain: Path | None, zones: list[Path]) -> list[str]:
        """The options of `picket plan`, with the files that were uploaded."""
        given: dict[str, Any] = {
            "drone": self.drone,
            "camera": self.camera,
            self.by: {"see": self.see, "gsd": self.gsd_cm, "height": self.height_m}[self.by],
            "ceiling": self.ceiling_m,
            "sidelap": self.sidelap,
            "frontlap": self.frontlap,
            "angle": "auto" if self.angle_deg is None else self.angle_deg,
            "pattern": self.pattern,
            "wind": f"{self.wind_m_s:g},{self.wind_from_deg:g}" if self.wind_m_s else None,
            "drones": self.drones,
            "revisit": self.revisit_min,
            "terrain": terrain,
            "when": self.when.strip() or None if zones else None,
        }
        options = [f"--{name}={value}" for name, value in given.items() if value is not None]
        options += [f"--zones={path}" for path in zones]
        return options + [f"--allow-zone={name}" for name in (self.allow_zones if zones else [])]


def wish_of(settings: Mapping[str, Any]) -> Wish:
    """The wish that a mission's settings came from, as far as the page can show it; what it cannot is left out."""
    known: dict[str, Any] = {
        name: settings[name]
        for name in ("drone", "camera", "sidelap", "frontlap", "ceiling_m", "drones", "revisit_min", "pattern", "when")
        if settings.get(name) is not None
    }
    for by, name in (("height", "height_m"), ("gsd", "gsd_cm"), ("see", "see")):
        if settings.get(name) is not None:
            known |= {"by": by, name: settings[name]}
    if isinstance(settings.get("wind"), str):
        speed, _, bearing = settings["wind"].partition(",")
        known |= {"wind_m_s": speed, "wind_from_deg": bearing}
    if settings.get("angle") not in (None, "auto"):
        known["angle_deg"] = settings["angle"]
    kept = {name: value for name, value in known.items() if _fits(name, value)}
    return Wish.model_validate(kept)


def _fits(name: str, value: Any) -> bool:
    try:
        Wish.model_validate({name: value})
    except ValueError:
        return False
    return True


def _known(name: str, catalogue: Mapping[str, Any]) -> str:
    """Only names of the catalogue: what a browser sends is never taken for a file."""
    if name not in catalogue:
        raise ValueError(f"{name[:40]!r} is not in the catalogue")
    return name
