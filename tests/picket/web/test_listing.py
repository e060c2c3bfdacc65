"""The list of missions says "all reviewed" only where every sighting, as it is now, has been decided on."""

from __future__ import annotations

import shutil
from typing import Any

import httpx
import pytest

from mapping.tables import SIGHTINGS
from tests.picket.web.conftest import Served
from tests.picket.web.judged import FLIGHT, make_mission
from tests.picket.web.test_reviews import give

OTHER = "20261123T181500Z-02"


@pytest.fixture
def mission(served: Served) -> Any:
    return make_mission(served.missions / "benapole", 2)


def state(client: httpx.Client) -> str:
    (one,) = client.get("/api/missions").json()
    return str(one["state"])


def test_reviewed_as_it_is_now(mission: Any, officer: httpx.Client) -> None:
    assert state(officer).endswith("2 sightings, 2 to review")
    give(officer, "S000000")
    give(officer, "S000001", "unsure")
    assert state(officer).endswith("1 to review"), "an officer who is unsure asks for another"
    give(officer, "S000001", "rejected", 2)
    assert state(officer).endswith("all reviewed")
    path = mission / "flights" / FLIGHT / "sightings.parquet"
    listed = SIGHTINGS.read(path).to_pylist()
    listed[0]["class"] = "bicycle"
    SIGHTINGS.write(SIGHTINGS.from_rows(listed), path)
    assert state(officer).endswith("2 sightings, 1 to review"), "the verdict was given on what it was before"


def test_two_flights_with_one_id(mission: Any, officer: httpx.Client) -> None:
    shutil.copytree(mission / "flights" / FLIGHT, mission / "flights" / OTHER)
    give(officer, f"{FLIGHT}/S000000")
    assert state(officer).endswith("4 sightings, 3 to review")


def test_a_name_no_address_may_hold_is_told(served: Served, officer: httpx.Client) -> None:
    """A mission that the command line made must not be missing without a word."""
    for name in ("benapole (north)", ".benapole.new.x1"):
        make_mission(served.missions / name, 1)
    (one,) = officer.get("/api/missions").json()
    assert (one["name"], one["broken"], one["next_step"]) == ("benapole (north)", True, "")
    assert "rename its folder" in one["state"]


def test_a_broken_chain_is_told(mission: Any, officer: httpx.Client, served: Served) -> None:
    from picket.reviews.store import open_store
    from tests.picket.reviews.test_store import strip_triggers

    give(officer)
    give(officer, "S000000")
    store = open_store(mission)
    strip_triggers(store, "UPDATE reviews SET officer = 'X' WHERE number = 1")
    store.close()
    SIGHTINGS.write(SIGHTINGS.read(next(mission.glob("flights/*/sightings.parquet"))), mission / "sightings.parquet")
    assert "review 1 was changed after it was given" in officer.get("/api/missions/benapole/queue").json()["broken"]
    assert "The chain of reviews is broken" in state(officer)
