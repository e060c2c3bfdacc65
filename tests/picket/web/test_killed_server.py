"""The server dies by SIGKILL while officers judge: nothing that was acknowledged is lost, and the next one goes on."""

from __future__ import annotations

from pathlib import Path

from bench.web_load import MISSION, SIGHTINGS, run_kills
from picket.reviews.store import reviews_in
from tests.picket.web.judged import make_mission


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    make_mission(tmp_path / MISSION, SIGHTINGS, pictures=1)
    acknowledged, lost = run_kills(tmp_path, kills=3, reviewers=3, seed=4)
    assert lost == 0
    assert acknowledged > 10
    assert len(reviews_in(tmp_path / MISSION)) >= acknowledged
