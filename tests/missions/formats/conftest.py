"""A small plan with what every format has to carry."""

from __future__ import annotations

import pytest

from missions.plan import Fence, Plan, Position, Sortie, Waypoint


def ring(*corners: tuple[float, float]) -> tuple[Position, ...]:
    return tuple(Position(lat, lon) for lat, lon in corners)


@pytest.fixture
def plan() -> Plan:
    points = (Waypoint(23.0401, 88.8901, 60.0, "on"), Waypoint(23.0411234, 88.8901, 60.0, "off"))
    first = Sortie(1, (*points, Waypoint(23.04, 88.89, 60.0)), 6.4, 13.17, 300.25, 151.0 / 3.0, 10, 21.5, 10.0)
    second = Sortie(2, (points[0], Waypoint(23.0411234, 88.8901, 60.0)), 6.4, 13.17, 250.0, 120.0, 10, 20.0)
    square = ring((23.03, 88.88), (23.05, 88.88), (23.05, 88.90), (23.03, 88.90))
    zone = ring((23.042, 88.893), (23.043, 88.893), (23.043, 88.894))
    return Plan(
        name='Benapole "north" – সীমান্ত',
        home=Position(23.04, 88.89),
        rally=(Position(23.0405, 88.8905),),
        sorties=(first, second),
        fence=Fence((square,), (zone,), 70.0, 24.123456789),
        drone="x500",
        camera="boson640-14",
        height_home_m=60.0,
        gsd_cm=5.142857142857142,
        sidelap=0.3,
        frontlap=0.5,
        angle_deg=0.0,
        line_spacing_m=23.04,
        trigger_distance_m=13.17,
        footprint_across_m=32.9,
        footprint_along_m=26.3,
        speed_m_s=6.4,
        area_m2=1e6 / 3,
        coverage=0.99,
        patrol=((square, zone),),
        border=(ring((23.03, 88.87), (23.05, 88.87)),),
        no_fly=((zone,),),
        notes=("one thing was mended",),
    )
