"""Imports DroneKit 2.9.2 and pymavlink so that they work on today's Python, and is the only place that does.

Why each repair is needed:

- DroneKit wants `collections.MutableMapping`, which Python 3.10 took away. It is put there for the import alone.
- DroneKit imports `past`, which `future` brings and DroneKit does not declare; `pyproject.toml` does. Its import warns.
- mission_type, and so fence and rally points, exists in MAVLink 2 only; pymavlink speaks MAVLink 1 unless the
  environment or `set_dialect` says otherwise.
- pymavlink prints ("EOF on TCP socket") to stdout, where a command's JSON belongs, and goes on in a tight loop after
  the other end has closed. `end_on_disconnect` makes that an error, which ends DroneKit's threads.
- DroneKit logs the vehicle's texts and its own troubles; with no logging set up, Python puts them on stderr. They are
  kept from there: what the vehicle says is in the flight's events, what fails is raised.
- DroneKit's MAVLink writer answers a stray read with `os._exit(43)`, its UDP input a bad address with `sys.exit(1)`.

What to do with DroneKit is `missions.flying.link`'s subject.
"""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

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
            import dronekit.mavlink
            from pymavlink import mavutil
    finally:
        if lent:
            delattr(collections, "MutableMapping")
    mavutil.set_dialect(DIALECT)
    for name in ("dronekit", "autopilot"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    printed = logging.getLogger("pymavlink")
    printed.addHandler(logging.NullHandler())
    printed.propagate = False
    setattr(mavutil, "print", lambda *words: printed.info(" ".join(map(str, words))))  # noqa: B010 (no such attribute)
    dronekit.mavlink.MAVWriter.read = _never_read
    return dronekit, mavutil


def _never_read(writer: Any) -> NoReturn:
    """In place of `os._exit`: an error where somebody reads from DroneKit's writer."""
    raise RuntimeError(f"{type(writer).__name__} is for writing only")


@contextlib.contextmanager
def no_exit() -> Iterator[None]:
    """Turns a `sys.exit` inside DroneKit into a ConnectionError."""
    try:
        yield
    except SystemExit as error:
        raise ConnectionError("DroneKit gave up on this address") from error


def end_on_disconnect(master: Any) -> None:
    """Make a pymavlink connection raise ConnectionResetError where the other end has closed it."""

    def closed() -> NoReturn:
        raise ConnectionResetError("the vehicle closed the connection")

    for name in ("handle_eof", "handle_disconnect"):
        if hasattr(master, name):
            setattr(master, name, closed)


dronekit: Any
mavutil: Any
dronekit, mavutil = _import_dronekit()
mavlink: Any = mavutil.mavlink
