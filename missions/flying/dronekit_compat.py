"""Imports DroneKit 2.9.2 and pymavlink so that they work on today's Python, and is the only place that does.

Why each repair is needed:

- DroneKit wants `collections.MutableMapping`, which Python 3.10 took away. It is put there for the import alone.
- DroneKit imports `past`, which `future` brings and DroneKit does not declare; `pyproject.toml` does. Its import warns.
- mission_type, and so fence and rally points, exists in MAVLink 2 only; pymavlink speaks MAVLink 1 unless the
  environment or `set_dialect` says otherwise.
- DroneKit logs the vehicle's texts and its own troubles; with no logging set up, Python puts them on stderr. They are
  kept from there: what the vehicle says is in the flight's events, what fails is raised.
Its connection is not used (it ends the process on some errors and cannot be opened again): `missions.flying.line`
stands in for that, `missions.flying.link` says what to do with the rest of DroneKit.
"""

from __future__ import annotations

import collections
import collections.abc
import logging
import os
import warnings
from typing import Any

DIALECT = "ardupilotmega"


def _import_dronekit() -> tuple[Any, Any]:
    """The modules `dronekit` and `pymavlink.mavutil`, set to MAVLink 2 and quiet."""
    os.environ["MAVLINK20"] = "1"
    os.environ["MAVLINK_DIALECT"] = DIALECT
    lent = not hasattr(collections, "MutableMapping")
    if lent:
        setattr(collections, "MutableMapping", collections.abc.MutableMapping)  # noqa: B010 (typed: no such attribute)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import dronekit
            from pymavlink import mavutil
    finally:
        if lent:
            delattr(collections, "MutableMapping")
    mavutil.set_dialect(DIALECT)
    for name in ("dronekit", "autopilot"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return dronekit, mavutil


dronekit: Any
mavutil: Any
dronekit, mavutil = _import_dronekit()
mavlink: Any = mavutil.mavlink
