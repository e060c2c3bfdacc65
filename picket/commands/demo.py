"""`picket demo`: the whole of Picket's job on one machine, and how well it went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mapping.ground.camera import load_camera
from mapping.ground.scoring import KnownObject, Score, score_sightings
from mapping.ground.searched import read_coverage
from mapping.tables import SIGHTINGS
from missions.areas.read import read_area
from missions.drones import load_drone
from missions.planning.planner import make_plan
from picket.commands.detect import detect_flight
from picket.commands.fly import fly_simulated
from picket.commands.report import report_flight
from picket.folder import Flight
from picket.locating import locate_flight
from picket.options import DEFAULT_CAMERA, DEFAULT_DRONE, ForceOption, JsonOption, SeedOption, SpeedupOption
from picket.output import console, say, summarise
from picket.writing import write_mission
from sim.world.scene import scene_from_geojson
from vision.detector import load_detector

EXAMPLE = "benapole.geojson"
EDGE_M = 2.0
"""An object nearer than this to the edge of the imaged ground is not wholly in any frame and not asked for."""


def demo(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="MISSION", help="Mission folder to make; default: demo/TIME."),
    ] = None,
    seed: SeedOption = 0,
    speedup: SpeedupOption = 20.0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Plan, fly, detect, locate and report a simulated night patrol over the example area."""
    target = output or Path("demo") / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    seconds: dict[str, float] = {}
    example_file = resources.files("picket") / "examples" / EXAMPLE
    with resources.as_file(example_file) as example, _timed(seconds, "plan"):
        say(f"planning {EXAMPLE.removesuffix('.geojson')}")
        area = read_area(example)
        plan = make_plan(area, load_drone(DEFAULT_DRONE), load_camera(DEFAULT_CAMERA))
        mission = write_mission(target, example, area, plan, force=force)
    with _timed(seconds, "fly"):
        flight, _ = fly_simulated(mission, sortie=1, speedup=speedup, seed=seed)
    with _timed(seconds, "detect"):
        detect_flight(flight, load_detector(announce=say))
    with _timed(seconds, "locate"):
        locate_flight(flight)
    with _timed(seconds, "report"):
        report_flight(flight)
    score = _score(flight)
    _show(score, seconds, flight.report)
    summarise(_summary(score, seconds, flight, seed), as_json=as_json)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[stage] = round(time.monotonic() - started, 2)


def _score(flight: Flight) -> Score:
    """The sightings against what the simulated world really held, on the ground that was imaged."""
    scene = scene_from_geojson(flight.truth)
    known = [KnownObject(item.id, item.object_class, item.lat_deg, item.lon_deg) for item in scene.objects]
    looked_at = read_coverage(flight.coverage).searched
    return score_sightings(SIGHTINGS.read(flight.sightings), known, looked_at, edge_m=EDGE_M)


def _show(score: Score, seconds: dict[str, float], report: Path) -> None:
    table = Table(title="What was there and what was found")
    for heading in ("", "there", "found", "false", "recall", "precision"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, counts in score.classes.items():
        table.add_row(
            *(name, str(counts.truth), str(counts.found), str(counts.false)),
            *(_share(counts.recall), _share(counts.precision)),
        )
    console.print(table)
    median, p90 = score.error_quantile_m(0.5), score.error_quantile_m(0.9)
    if median is not None and p90 is not None:
        say(f"off by {median:.2f} m in the median, {p90:.2f} m at the 90th percentile")
    say(f"{sum(seconds.values()):.0f} s: " + ", ".join(f"{stage} {value:.0f}" for stage, value in seconds.items()))
    say(f"the map: {report.resolve()}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _summary(score: Score, seconds: dict[str, float], flight: Flight, seed: int) -> dict[str, Any]:
    def by_class(name: str) -> dict[str, Any]:
        values = {class_name: getattr(counts, name) for class_name, counts in score.classes.items()}
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}

    median, p90 = score.error_quantile_m(0.5), score.error_quantile_m(0.9)
    return {
        "seed": seed,
        "truth": by_class("truth"),
        "found": by_class("found"),
        "recall": by_class("recall"),
        "precision": by_class("precision"),
        "false": by_class("false"),
        "position_error_m": {
            "median": None if median is None else round(median, 3),
            "p90": None if p90 is None else round(p90, 3),
        },
        "seconds": seconds,
        "flight": str(flight.root),
        "report": str(flight.report.resolve()),
    }
