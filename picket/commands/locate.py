"""`picket locate`: detections and marks become sightings on the ground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mapping.ground.terrain import Datum
from picket.calibrating import Asked
from picket.folder import SETTINGS_FILE, open_flight, open_mission
from picket.locating import locate_flight, locate_mission
from picket.options import ForceOption, JsonOption, TerrainOption
from picket.output import summarise
from vision.errors import InputError


def locate(
    folder: Annotated[Path, typer.Argument(metavar="FLIGHT|MISSION", help="A flight folder or a mission folder.")],
    terrain: TerrainOption = None,
    terrain_datum: Annotated[
        Datum | None, typer.Option(help="What the model's heights count from, if not what its file says.")
    ] = None,
    marks: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Objects a person marked by hand: file,x_px,y_px,object[,class]."),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Estimate clock, boresight and height errors of the flight first.")
    ] = False,
    control: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Surveyed places of marked objects: object,lat_deg,lon_deg[,alt_m]."),
    ] = None,
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="Calibrate with the frames' times as they are.")
    ] = False,
    no_calibration: Annotated[
        bool, typer.Option("--no-calibration", help="Leave an earlier calibration of this flight unused.")
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Place what was detected or marked in FLIGHT, or in all flights of MISSION, on the ground as sightings."""
    asked = Asked(calibrate=calibrate, control=control, trust_clock=trust_clock, ignore=no_calibration)
    if not (folder / SETTINGS_FILE).is_file():
        flight = open_flight(folder)
        found = locate_flight(flight, terrain=terrain, datum=terrain_datum, marks=marks, asked=asked, force=force)
        summarise(found, as_json=as_json)
        return
    if marks:
        raise InputError("--marks", f"marks belong to one flight: name one of those in {folder / 'flights'}")
    mission = open_mission(folder)
    found = locate_mission(mission, terrain=terrain, datum=terrain_datum, asked=asked, force=force)
    summarise(found, as_json=as_json)
