"""How many threads search at once on this machine."""

from __future__ import annotations

import os

MOST_WORKERS = 8
"""Each worker takes some 60 MB; a machine with more cores has other uses for them."""


def worker_count() -> int:
    """How many windows are looked at at once: one for each core this process may use, up to `MOST_WORKERS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)
