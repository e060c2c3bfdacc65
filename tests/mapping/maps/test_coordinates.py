"""Known answers, among them the exceptions to the rule of six degrees and the poles."""

from __future__ import annotations

import pytest

from mapping.maps.coordinates import GridPlace, grid_places, spaced_mgrs


@pytest.mark.parametrize(
    ("lat", "lon", "mgrs", "zone"),
    [
        (48.8582, 2.2945, "31UDQ4825111932", "31 north"),  # the Eiffel Tower
        (-33.85678, 151.21530, "56HLH", "56 south"),  # the Sydney opera house
        (60.39, 5.32, "32V", "32 north"),  # Bergen: zone 32 reaches west over zone 31
        (59.9, 2.9, "31V", "31 north"),
        (78.2, 8.9, "31X", "31 north"),  # Svalbard: zones 31, 33, 35 and 37 share what 31 to 37 would have
        (78.2, 9.1, "33X", "33 north"),
        (78.2, 21.1, "35X", "35 north"),
        (78.2, 33.1, "37X", "37 north"),
        (86.0, 20.0, "Z", "UPS north"),
        (86.0, -20.0, "Y", "UPS north"),
        (-85.0, 20.0, "B", "UPS south"),
        (-85.0, -20.0, "A", "UPS south"),
        (0.0, 0.0, "31NAA6602100000", "31 north"),
        (10.0, 180.0, "01P", "1 north"),
        (10.0, -180.0, "01P", "1 north"),
        (10.0, 190.0, "02P", "2 north"),
    ],
)
def test_known_places(lat: float, lon: float, mgrs: str, zone: str) -> None:
    (place,) = grid_places([lat], [lon])
    assert place.mgrs is not None
    assert place.mgrs.startswith(mgrs)
    assert place.utm_zone == zone


def test_mgrs_and_utm_agree_on_the_metre() -> None:
    (place,) = grid_places([23.04], [88.895])
    assert place == GridPlace("45QXF9416949204", "45 north", 694169.95, 2549204.77)


@pytest.mark.parametrize(
    ("lat", "lon"), [(None, 1.0), (1.0, None), (float("nan"), 1.0), (1.0, float("inf")), (91.0, 0.0)]
)
def test_what_is_no_place_has_none(lat: float | None, lon: float | None) -> None:
    assert grid_places([lat], [lon]) == [GridPlace()]


def test_spaces_as_people_write_them() -> None:
    assert spaced_mgrs("45QXF9416949204") == "45Q XF 94169 49204"
    assert spaced_mgrs("ZBC5194882524") == "Z BC 51948 82524"
