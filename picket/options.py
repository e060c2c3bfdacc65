"""Options more than one command takes, defined once so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_DRONE = "x500"
DEFAULT_CAMERA = "boson640-14"

MissionArgument = Annotated[Path, typer.Argument(metavar="MISSION", help="A mission folder made by `picket plan`.")]
FlightArgument = Annotated[
    Path, typer.Argument(metavar="FLIGHT", help="A flight folder, or a mission folder that holds just one flight.")
]
ResultsArgument = Annotated[Path, typer.Argument(metavar="FLIGHT|MISSION", help="A flight folder or a mission folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON summary on stdout and nothing else there.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what this step wrote before.")]
SkipUnreadableOption = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read, instead of stopping.")
]
EveryOption = Annotated[
    float, typer.Option("--every", metavar="SECONDS", help="Time between the frames taken from a video.")
]
CameraOption = Annotated[
    str | None,
    typer.Option("--camera", metavar="NAME|FILE", help="Camera of the catalogue, or a file that describes one."),
]
TerrainOption = Annotated[
    Path | None,
    typer.Option("--terrain", metavar="DEM", help="GeoTIFF elevation model; without it the ground counts as flat."),
]
SpeedupOption = Annotated[
    float, typer.Option("--speedup", min=0, help="Simulated seconds per second; 0 = as fast as it goes.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated world and its noise.")]
