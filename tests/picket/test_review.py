"""`picket review`, and verdicts in reports and exports: what was judged, by whom, and nothing that was not."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from mapping.tables import SIGHTINGS
from picket.cli import main
from picket.results import open_results
from picket.reviews.record import Judgement, Review
from picket.reviews.standing import version_of
from picket.reviews.store import open_store
from tests.picket.web.judged import FLIGHT, make_mission


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    return make_mission(tmp_path / "benapole", 4)


def judge(mission: Path, sighting: str, verdict: str, officer: str = "A. Rahman", **others: object) -> Review:
    """Keep a verdict as the web app does."""
    table = SIGHTINGS.read(mission / "flights" / FLIGHT / "sightings.parquet")
    row = next(one for one in table.to_pylist() if one["sighting_id"] == sighting)
    store = open_store(mission)
    seen = store.history(sighting)
    version = version_of(row, [FLIGHT])
    expected = seen[-1].number if seen else 0
    kept = store.add(
        Judgement(sighting, verdict, officer, f"{sighting}-{expected}", expected, version, **others)  # type: ignore[arg-type]
    )
    store.close()
    return kept


def test_verdicts_in_results(mission: Path) -> None:
    judge(mission, "S000000", "rejected", "B. Das", note="a dog")
    judge(mission, "S000000", "confirmed", note="two men")
    judge(mission, "S000001", "moved", lat_deg=23.05, lon_deg=88.9)
    for place in (mission, mission / "flights" / FLIGHT):
        rows = {row["sighting_id"]: row for row in open_results(place).sightings.to_pylist()}
        first, second, third = (rows[f"S00000{number}"] for number in range(3))
        assert (first["verdict"], first["reviewed_by"]) == ("confirmed", "A. Rahman")
        assert first["review_note"] == "B. Das: a dog; A. Rahman: two men"
        assert first["review_remark"].startswith("B. Das says rejected")
        assert (second["verdict"], second["lat_deg"], second["ellipse_major_m"]) == ("not reviewed", 23.05, None)
        assert second["review_remark"].startswith("Moved by hand by A. Rahman")
        assert (third["verdict"], third["review_remark"]) == ("not reviewed", None)
    assert any(note.startswith("Reviews: 3 in this mission") for note in open_results(mission).notes)


def test_verdicts_in_every_export(mission: Path, tmp_path: Path) -> None:
    judge(mission, "S000000", "confirmed", note="=cmd|' /C calc'!A0")
    judge(mission, "S000001", "rejected")
    for name in ("csv", "geojson", "coco", "cot", "kml", "gpkg", "geoparquet"):
        assert main(["export", str(mission), "--format", name, "-o", str(tmp_path / name)]) == 0
    with (tmp_path / "csv").open(newline="") as stream:
        rows = {row["sighting_id"]: row for row in csv.DictReader(stream)}
    assert [rows[f"S00000{number}"]["verdict"] for number in range(3)] == ["confirmed", "rejected", "not reviewed"]
    assert rows["S000000"]["reviewed_by"] == "A. Rahman"
    assert rows["S000000"]["review_note"].startswith("'=cmd")
    assert rows["S000002"]["reviewed_utc"] == ""
    features = json.loads((tmp_path / "geojson").read_text())["features"]
    assert features[0]["properties"]["reviewed_utc"].endswith("Z")
    boxes = json.loads((tmp_path / "coco").read_text())["annotations"]
    assert {(box["verdict"], box["reviewed_by"]) for box in boxes} == {
        ("confirmed", "A. Rahman"),
        ("rejected", "A. Rahman"),
        ("not reviewed", None),
    }
    events = (tmp_path / "cot").read_text()
    assert "S000000" in events
    assert "S000001" not in events
    assert "Confirmed by A. Rahman" in (tmp_path / "kml").read_text()


def test_the_record(mission: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = judge(mission, "S000000", "confirmed")
    judge(mission, "S000000", "withdrawn", withdraws=first.number)
    judge(mission, "S000001", "rejected", note="a dog")
    last = judge(mission, "S000002", "unsure", "B. Das")
    path = mission / "flights" / FLIGHT / "sightings.parquet"
    listed = SIGHTINGS.read(path).to_pylist()
    listed[2]["class"] = "bicycle"
    SIGHTINGS.write(SIGHTINGS.from_rows(listed), path)
    written = tmp_path / "reviews.csv"
    assert main(["review", str(mission), "--export", str(written), "--digest", first.digest[:16], "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["reviews"], summary["digest"]) == (4, last.digest)
    assert summary["verdicts"] == {"not reviewed": 3, "rejected": 1}
    with written.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["standing"] for row in rows] == ["taken back", "takes back", "counts", "earlier version"]
    assert [row["officer"] for row in rows] == ["A. Rahman"] * 3 + ["B. Das"]
    assert main(["review", str(mission), "--export", str(written)]) == 2
    assert main(["review", str(mission), "--export", str(mission / "picket.db"), "--force"]) == 2


def test_a_record_that_was_tampered_with(mission: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(mission)]) == 2
    kept = [judge(mission, "S000000", word) for word in ("confirmed", "rejected", "unsure")]
    assert main(["review", str(mission), "--digest", "0" * 12]) == 1
    assert main(["review", str(mission), "--digest", "nonsense"]) == 2
    with sqlite3.connect(mission / "picket.db") as owner:
        owner.execute("DROP TRIGGER reviews_no_update")
        owner.execute("UPDATE reviews SET officer = 'B. Das' WHERE number = 2")
    owner.close()
    capsys.readouterr()
    assert main(["review", str(mission)]) == 1
    assert "review 2 was changed after it was given" in capsys.readouterr().err
    assert kept[1].officer == "A. Rahman"
    assert main(["report", str(mission)]) == 0
    assert "review 2 was changed after it was given" in capsys.readouterr().err
    assert "The chain of reviews is broken: review 2" in (mission / "report.html").read_text()
    with sqlite3.connect(mission / "picket.db") as owner:
        owner.execute("DROP TRIGGER IF EXISTS reviews_no_update")
        owner.execute("UPDATE reviews SET version = 'nothing' WHERE number = 2")
    owner.close()
    assert main(["report", str(mission), "--force"]) == 1
    assert "does not say which sighting" in capsys.readouterr().err


def test_a_plan_made_anew_keeps_the_reviews(mission: Path) -> None:
    judge(mission, "S000000", "confirmed")
    area = Path(__file__).resolve().parents[2] / "picket/examples/benapole.geojson"
    store = open_store(mission)  # as the web app has it open
    asked = ["plan", str(area), "-o", str(mission), "--force"]
    assert main(asked) == 0
    store.close()
    assert open_results(mission).sightings["verdict"][0].as_py() == "confirmed"
