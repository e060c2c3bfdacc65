"""The report in the app: shown shut off from it, and no file but its own and the exports handed out."""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest

from mapping.maps.report import ReportContent, write_report
from mapping.tables import SIGHTINGS
from picket.cli import main
from picket.folder import SETTINGS_FILE
from tests.picket.web.judged import make_mission
from tests.picket.web.test_reviews import give


@pytest.fixture
def mission(served: Any) -> str:
    """A folder that stands for a mission, with a report of nothing."""
    root = served.missions / "north"
    (root / "flights").mkdir(parents=True)
    (root / SETTINGS_FILE).write_text('drone = "x"\n')
    write_report(ReportContent("<b>north", SIGHTINGS.from_rows([])), root / "report.html")
    return root.name


def test_it_is_shown_shut_off(served: Any, mission: str, open_app: Any) -> None:
    page, watched = open_app(f"/missions/{mission}/report")
    frame = page.frame_locator("#shown")
    frame.locator("#headline").wait_for()
    assert frame.locator("#headline").inner_text() == "1 sortie: no person or vehicle sighted"
    inner = next(one for one in page.frames if one.url.split("?")[0].endswith("report.html"))
    assert inner.evaluate("self.origin") == "null"
    assert page.inner_text("#report-words").startswith("Written 20")
    assert (watched.elsewhere, watched.errors, watched.dialogs) == ([], [], [])


def test_whether_it_is_up_to_date(served: Any, officer: httpx.Client) -> None:
    """By what it rests on, not by the times of files: a verdict given while it was written is not in it."""
    root = make_mission(served.missions / "benapole", 2)

    def newer() -> bool:
        return bool(officer.get("/api/missions/benapole/report").json()["newer"])

    assert main(["report", str(root)]) == 0
    assert not newer()
    assert give(officer).status_code == 201
    ahead = (root / "report.html").stat().st_mtime + 60
    os.utime(root / "report.html", (ahead, ahead))
    assert newer()
    assert main(["report", str(root), "--force"]) == 0
    for looked_at in root.glob("picket.db*"):
        os.utime(looked_at, (ahead, ahead))
    assert not newer()
    path = next(root.glob("flights/*/sightings.parquet"))
    SIGHTINGS.write(SIGHTINGS.read(path).slice(1), path)
    assert newer()


def test_only_reports_and_exports_are_handed_out(served: Any, mission: str, viewer: httpx.Client) -> None:
    (served.missions / mission / "picket.db").write_text("not for browsers")
    sealed = viewer.get(f"/missions/{mission}/report/report.html")
    assert sealed.status_code == 200
    assert "sandbox allow-scripts" in sealed.headers["content-security-policy"]
    for name in ("picket.db", SETTINGS_FILE, "..%2Freport.html", "sightings.gpkg"):
        assert viewer.get(f"/missions/{mission}/report/{name}").status_code in (404, 422)
    assert viewer.post(f"/api/missions/{mission}/report", json={}).status_code == 403
    assert served.stranger().get(f"/missions/{mission}/report/report.html").status_code in (303, 401, 403)
