"""One module per command; `COMMANDS` lists them in the order a mission uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from picket.commands.demo import demo
from picket.commands.detect import detect
from picket.commands.doctor import doctor
from picket.commands.export import export
from picket.commands.fly import fly
from picket.commands.ingest import ingest
from picket.commands.locate import locate
from picket.commands.plan import plan
from picket.commands.report import report
from picket.commands.sim import sim

COMMANDS: dict[str, Callable[..., Any]] = {
    "plan": plan,
    "fly": fly,
    "ingest": ingest,
    "detect": detect,
    "locate": locate,
    "report": report,
    "export": export,
    "sim": sim,
    "demo": demo,
    "doctor": doctor,
}
