"""A tour of transects cut into sorties: how far one battery goes, and where it is best to turn back.

Geometry in local metres. Every connection is a shortest way inside the flyable region (`routing`), every cost comes
from `energy`. The tour's order is `order`'s; here it is cut so that all sorties together take the least time, by
dynamic programming over the places where a sortie may end (Beasley 1983: route first, cluster second). A transect may
be cut where a photo is due, so nothing is lost at the seam.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from missions.drones import Drone
from missions.errors import NotFlyableError
from missions.planning.energy import (
    CALM,
    Cost,
    LegCosts,
    Wind,
    in_wind,
    leg_costs,
    slow_power,
    usable_battery_s,
    vertical_cost,
    way_cost,
)
from missions.planning.imaging import Imaging
from missions.planning.local import Point
from missions.planning.routing import Router
from missions.planning.survey import Transect
from missions.speeds import leg_speeds

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MOST_TRANSECTS = 150
"""In one sortie: each takes four mission items, and a Pixhawk-class board holds about 700."""
_PIECES_PER_BATTERY = 48
_PHOTOS_WORTH_CUTTING = 4


@dataclass(frozen=True)
class Draft:
    """A sortie in the making: the places from home to home, and which legs are transects (by index of their start)."""

    points: tuple[Point, ...]
    imaging: frozenset[int] = frozenset()

    @property
    def distance_m(self) -> float:
        """The way flown at height."""
        return sum(math.dist(start, end) for start, end in pairwise(self.points))


@dataclass(frozen=True)
class Tour:
    """Transects joined by ways inside the fence: `points` (N, 2) and, for each leg between two, the number of the
    transect it is a piece of, or -1 for a link. Transects come in pieces, at whose ends a sortie may end."""

    points: Floats
    transect: Counts


class Planner:
    """What all sorties of one plan share: drone, camera use, wind, the ways between places, and home."""

    def __init__(self, drone: Drone, imaging: Imaging, router: Router, home: Point, wind: Wind = CALM) -> None:
        self.drone = drone
        self.imaging = imaging
        self.router = router
        self.home = home
        self.wind = wind
        self.battery_s = usable_battery_s(drone)
        self.vertical = vertical_cost(drone, imaging.height_home_m, wind)
        self._ways: dict[tuple[Point, Point], list[Point] | None] = {}
        self._bent: dict[tuple[Point, Point], tuple[float, float]] = {}
        """Time and battery of ways between home and a place that are no straight line."""
        photos = math.floor(self.battery_s * imaging.speed_m_s / _PIECES_PER_BATTERY / imaging.trigger_distance_m)
        self.piece_m = imaging.trigger_distance_m * max(_PHOTOS_WORTH_CUTTING, photos)

    def speeds(self, draft: Draft) -> list[float]:
        """The speed asked of each leg."""
        return leg_speeds(draft.points, draft.imaging, self.imaging.speed_m_s, self.drone.cruise_speed_m_s)

    def cost(self, draft: Draft) -> Cost:
        """Time and battery of a whole sortie that ends over home, from take-off to landing."""
        return self.vertical + way_cost(self.drone, draft.points, self.speeds(draft), self.wind)

    def tour(self, transects: Sequence[Transect]) -> Tour:
        """The transects in this order, joined inside the fence, in pieces short enough to fill batteries well."""
        piece_m = self.piece_m
        starts, ends = [line.start for line in transects], [line.end for line in transects]
        clear = self.router.straight(ends[:-1], starts[1:])
        points: list[Point] = [starts[0]]
        transect: list[int] = []
        for number, line in enumerate(transects):
            if number and ends[number - 1] != line.start:
                way = [ends[number - 1], line.start] if clear[number - 1] else self._way(ends[number - 1], line.start)
                points += way[1:]
                transect += [-1] * (len(way) - 1)
            pieces = max(1, math.floor(line.length_m / piece_m))
            cuts = [k * piece_m / line.length_m for k in range(1, pieces)]
            (x1, y1), (x2, y2) = line.start, line.end
            points += [(x1 + f * (x2 - x1), y1 + f * (y2 - y1)) for f in cuts] + [line.end]
            transect += [number] * pieces
        return Tour(np.array(points, dtype=np.float64), np.array(transect, dtype=np.int64))

    def sorties(self, tour: Tour, longest_s: float = math.inf) -> list[Draft]:
        """The tour cut into sorties that together take the least time, none longer than `longest_s` or than the
        battery allows. Raises NotFlyableError where a piece is too far from home for the drone."""
        pieces, before, _ = self._cut(tour, longest_s)
        drafts: list[Draft] = []
        last = len(before) - 1
        while last >= 0:
            first = int(before[last])
            drafts.append(self._draft(tour, int(pieces[first]), int(pieces[last])))
            last = first - 1
        return drafts[::-1]

    def least_s(self, tour: Tour) -> float:
        """What the tour's sorties take together; raises as `sorties` does."""
        return self._cut(tour, math.inf)[2]

    def _cut(self, tour: Tour, longest_s: float) -> tuple[Counts, Counts, float]:
        """The legs of the tour that are pieces; for each the number of the piece its sortie begins with if it is the
        last of one (none of them where nothing fits into `longest_s`); and all sorties' time."""
        pieces = np.flatnonzero(tour.transect >= 0)
        legs = leg_costs(self.drone, tour.points, self._tour_speeds(tour), self.wind)
        inner_time, inner_battery = self._along(legs)
        out, out_battery = self._ways_home(tour.points[pieces], outward=True)
        back, back_battery = self._ways_home(tour.points[pieces + 1], outward=False)
        stop = legs.stop_s[pieces]
        slow = slow_power(self.drone, self.wind)
        # Before the first corner of a piece's leg, and behind the last leg itself: sums over legs and corners between.
        begin_time, end_time = inner_time[2 * pieces], inner_time[2 * pieces + 1]
        begin_battery, end_battery = inner_battery[2 * pieces], inner_battery[2 * pieces + 1]
        head_time, tail_time = self.vertical.time_s + out + stop - begin_time, end_time + stop + back
        head_battery = self.vertical.battery_s + out_battery + slow * stop - begin_battery
        tail_battery = end_battery + slow * stop + back_battery
        number = tour.transect[pieces]
        least = np.full(len(pieces) + 1, np.inf)
        least[0] = 0.0
        before = np.zeros(len(pieces), dtype=np.int64)
        # A battery cannot hold more than this much of the tour.
        lowest = np.searchsorted(begin_battery, end_battery - self.battery_s)
        for last in range(len(pieces)):
            low = int(lowest[last])
            window = slice(low, last + 1)
            time_s = head_time[window] + tail_time[last]
            fits = (head_battery[window] + tail_battery[last] <= self.battery_s) & (time_s <= longest_s)
            fits &= number[last] - number[window] < MOST_TRANSECTS
            total = np.where(fits, least[window] + time_s, np.inf)
            if len(total):
                best = int(total.argmin())
                least[last + 1], before[last] = total[best], low + best
        if not np.isfinite(least[-1]):
            if np.isfinite(longest_s):
                return pieces, before[:0], math.inf
            self._refuse(tour, pieces, head_battery + tail_battery)
        return pieces, before, float(least[-1])

    def _tour_speeds(self, tour: Tour) -> list[float]:
        points = list(map(tuple, tour.points.tolist()))
        return leg_speeds(
            points, np.flatnonzero(tour.transect >= 0).tolist(), self.imaging.speed_m_s, self.drone.cruise_speed_m_s
        )

    def _along(self, legs: LegCosts) -> tuple[Floats, Floats]:
        """(2 legs,) time and battery from the tour's beginning to where each leg begins and ends, corners counted."""
        slow = slow_power(self.drone, self.wind)
        corner = np.append(legs.corner_s, 0.0)
        time = np.column_stack([legs.time_s, corner]).ravel()
        battery = np.column_stack([legs.battery_s, slow * corner]).ravel()
        return np.concatenate([[0.0], np.cumsum(time)])[:-1], np.concatenate([[0.0], np.cumsum(battery)])[:-1]

    def _ways_home(self, places: Floats, *, outward: bool) -> tuple[Floats, Floats]:
        """(N,) time and battery from home to each place, or from each place home."""
        home = np.broadcast_to(np.asarray(self.home), places.shape)
        starts, ends = (home, places) if outward else (places, home)
        straight = self.router.straight(list(map(tuple, starts)), list(map(tuple, ends)))
        time_s, battery_s = np.zeros(len(places)), np.zeros(len(places))
        lengths = np.hypot(*(ends - starts).T)
        moving = np.flatnonzero(straight & (lengths > 0.0))
        if len(moving):
            ahead = (ends - starts)[moving] / lengths[moving, None]
            ground, power = in_wind(self.drone, ahead, self.drone.cruise_speed_m_s, self.wind)
            slowing_s = ground / self.drone.acceleration_m_s2
            time_s[moving] = lengths[moving] / ground + slowing_s
            battery_s[moving] = lengths[moving] / ground * power + slow_power(self.drone, self.wind) * slowing_s
        for k in np.flatnonzero(~straight):
            between = (float(starts[k, 0]), float(starts[k, 1])), (float(ends[k, 0]), float(ends[k, 1]))
            if between not in self._bent:
                way = self._way(*between)
                cost = way_cost(self.drone, way, [self.drone.cruise_speed_m_s] * (len(way) - 1), self.wind)
                self._bent[between] = cost.time_s, cost.battery_s
            time_s[k], battery_s[k] = self._bent[between]
        return time_s, battery_s

    def _draft(self, tour: Tour, first: int, last: int) -> Draft:
        """The sortie that flies the tour's legs from `first` to `last`; pieces of one transect are one leg again."""
        start = (float(tour.points[first, 0]), float(tour.points[first, 1]))
        points = self._way(self.home, start)
        imaging: set[int] = set()
        for leg in range(first, last + 1):
            end = (float(tour.points[leg + 1, 0]), float(tour.points[leg + 1, 1]))
            goes_on = leg > first and tour.transect[leg] >= 0 and tour.transect[leg] == tour.transect[leg - 1]
            if goes_on:
                points[-1] = end
                continue
            if tour.transect[leg] >= 0:
                imaging.add(len(points) - 1)
            points.append(end)
        points += self._way(points[-1], self.home)[1:]
        return Draft(tuple(points), frozenset(imaging))

    def _way(self, start: Point, end: Point) -> list[Point]:
        if (start, end) not in self._ways:
            self._ways[start, end] = self.router.way(start, end)
        way = self._ways[start, end]
        if way is None:
            raise NotFlyableError(
                "a part of the patrol area cannot be reached from home inside the fence; move home or split the area"
            )
        return list(way)

    def _refuse(self, tour: Tour, pieces: Counts, needed_s: Floats) -> None:
        far = int(np.argmax(needed_s))
        share = float(np.mean(needed_s > self.battery_s))
        place = tour.points[pieces[far] + 1]
        raise NotFlyableError(
            f"the {self.drone.name} can fly {self.battery_s / 60:.0f} min and leave its reserve, too little to reach "
            f"{max(1.0, 100 * share):.0f} % of the transects, the farthest {math.dist(place, self.home) / 1000:.1f} km "
            "from home, photograph and return; move home nearer, plan from several homes or take another drone"
        )
