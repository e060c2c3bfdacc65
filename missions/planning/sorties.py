"""Cells of transects cut into sorties: in which order they are flown, and how far one battery goes.

Geometry in local metres. Every connection is a shortest way inside the flyable region (`routing`), every decision is
made on the time and battery of the whole sortie with its way home (`energy`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.planning.energy import Cost, usable_battery_s, vertical_cost, way_time_s
from missions.planning.imaging import Imaging
from missions.planning.local import Point
from missions.planning.routing import Router
from missions.planning.survey import Cell, Transect

_PHOTOS_WORTH_CUTTING = 4
_BISECTIONS = 12


@dataclass(frozen=True)
class Draft:
    """A sortie in the making: the places from home onward, and which legs are transects (by index of their start)."""

    points: tuple[Point, ...]
    imaging: frozenset[int] = frozenset()

    def extended(self, way: Sequence[Point], transect: Transect | None) -> Draft:
        """This draft with `way` (which begins where it ends) flown after it, and then a transect."""
        points = (*self.points, *way[1:])
        if transect is None:
            return replace(self, points=points)
        return Draft((*points, transect.end), self.imaging | {len(points) - 1})

    @property
    def distance_m(self) -> float:
        """The way flown at height."""
        return sum(math.dist(start, end) for start, end in pairwise(self.points))


class Planner:
    """What all sorties of one plan share: drone, camera use, the ways between places, and home."""

    def __init__(self, drone: Drone, imaging: Imaging, router: Router, home: Point) -> None:
        self.drone = drone
        self.imaging = imaging
        self.router = router
        self.home = home
        self.battery_s = usable_battery_s(drone)
        self.vertical = vertical_cost(drone, imaging.height_home_m)
        self._ways: dict[tuple[Point, Point], tuple[list[Point], float]] = {}

    def cost(self, draft: Draft) -> Cost:
        """Time and battery of a whole sortie that ends over home, from take-off to landing."""
        first, last = min(draft.imaging, default=0), max(draft.imaging, default=-1)
        survey, transit = self.imaging.speed_m_s, self.drone.cruise_speed_m_s
        speeds = [survey if first <= index <= last else transit for index in range(len(draft.points) - 1)]
        time_s = way_time_s(draft.points, speeds, self.drone.acceleration_m_s2)
        return self.vertical + Cost(time_s, time_s)

    def sorties(self, cells: Sequence[Cell]) -> Iterator[Draft]:
        """All transects as sorties, each as long as the battery allows; each starts nearest to home of what is left.

        Raises NotFlyableError where a transect cannot be reached, or where the nearest one cannot be flown and left
        for home on one battery.
        """
        remaining = [list(cell) for cell in cells if cell]
        while remaining:
            draft = self._sortie(remaining)
            yield draft.extended(self._way(draft.points[-1], self.home)[0], None)

    def _sortie(self, remaining: list[list[Transect]]) -> Draft:
        """One sortie without its way home; what it flies is taken out of `remaining`."""
        draft = Draft((self.home,))
        cell: list[Transect] | None = None
        side = 0
        while remaining:
            if cell is None:
                cell, side = self._nearest(remaining, draft.points[-1])
            transect = self._from_nearer_end(cell[side], draft.points[-1])
            part: Transect | None = transect
            if not self._fits(draft, transect):
                # Only a line that no battery flies whole is cut: its rest costs another sortie a way of its own.
                part = None if draft.imaging else self._longest_flyable(draft, transect)
            if part is None:
                break
            draft = draft.extended(self._way(draft.points[-1], part.start)[0], part)
            if part.end != transect.end:
                cell[side] = Transect(part.end, transect.end)
                break
            cell.pop(side)
            if not cell:
                remaining[:] = [other for other in remaining if other]
                cell = None
        if not draft.imaging:
            self._refuse(remaining)
        return draft

    def _nearest(self, cells: list[list[Transect]], here: Point) -> tuple[list[Transect], int]:
        """The cell whose first (side 0) or last (side -1) line has the end nearest to `here`, and that side."""
        entries = [(cell, side) for cell in cells for side in (0, -1)]
        return min(
            entries,
            key=lambda entry: min(
                self._way(here, end)[1] for end in (entry[0][entry[1]].start, entry[0][entry[1]].end)
            ),
        )

    def _from_nearer_end(self, transect: Transect, here: Point) -> Transect:
        turned = transect.turned()
        return transect if self._way(here, transect.start)[1] <= self._way(here, turned.start)[1] else turned

    def _longest_flyable(self, draft: Draft, transect: Transect) -> Transect | None:
        """As much of the beginning of a transect as the battery allows; None where that is not worth it."""
        shortest_m = _PHOTOS_WORTH_CUTTING * self.imaging.trigger_distance_m
        low, high = 0.0, 1.0 - shortest_m / transect.length_m
        if high * transect.length_m < shortest_m:
            return None
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._fits(draft, _part(transect, middle)) else (low, middle)
        return _part(transect, low) if low * transect.length_m >= shortest_m else None

    def _fits(self, draft: Draft, transect: Transect) -> bool:
        """Whether the draft, then this transect, then the way home fit into the battery."""
        there, _ = self._way(draft.points[-1], transect.start)
        back = self.router.way(transect.end, self.home)
        if back is None:
            return False
        return self.cost(draft.extended(there, transect).extended(back, None)).battery_s <= self.battery_s

    def _way(self, start: Point, end: Point) -> tuple[list[Point], float]:
        """The shortest way between two places and its length."""
        if (start, end) not in self._ways:
            way = self.router.way(start, end)
            if way is None:
                raise NotFlyableError(
                    "a part of the patrol area cannot be reached from home inside the fence; move home or "
                    "split the area"
                )
            self._ways[start, end] = way, sum(math.dist(a, b) for a, b in pairwise(way))
        return self._ways[start, end]

    def _refuse(self, remaining: list[list[Transect]]) -> None:
        cell, side = self._nearest(remaining, self.home)
        transect = self._from_nearer_end(cell[side], self.home)
        distance_m = self._way(self.home, transect.start)[1]
        raise NotFlyableError(
            f"the {self.drone.name} can fly {self.battery_s / 60:.0f} min and leave its reserve, too little to reach a "
            f"transect {distance_m / 1000:.1f} km from home, photograph and return; move home nearer or take "
            "another drone"
        )


def _part(transect: Transect, fraction: float) -> Transect:
    """The beginning of a transect."""
    (x1, y1), (x2, y2) = transect.start, transect.end
    return Transect(transect.start, (x1 + fraction * (x2 - x1), y1 + fraction * (y2 - y1)))
