"""One module per command, each with a function of its name. They are imported one by one, because some bring half the
scientific stack with them, and nobody should wait for that who does not use it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

COMMANDS = (
    *("plan", "fly", "ingest", "detect", "locate", "report", "export", "serve", "review"),
    *("sim", "demo", "train", "doctor"),
)
"""In the order a mission uses them."""


def load_command(name: str) -> Callable[..., Any]:
    """The function of one of `COMMANDS`."""
    function: Callable[..., Any] = getattr(import_module(f"picket.commands.{name}"), name)
    return function
