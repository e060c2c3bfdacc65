from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from mapping.errors import MappingError
from mapping.ground.searched import Coverage, CoveragePiece
from mapping.maps import packaged
from mapping.maps.page import escaped_json
from mapping.maps.report import ReportContent, write_report
from vision.errors import VisionError
from vision.files import write_whole

MADE = datetime(2026, 11, 22, 18, 40, tzinfo=UTC)


@pytest.fixture
def assets() -> None:
    if not (packaged.ASSETS / "leaflet.js").is_file():
        pytest.skip("the map assets are not built (pip install -e . builds them)")


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_escaped_json_means_the_same_and_cannot_end_its_element(value: object) -> None:
    text = escaped_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()


def test_times_and_numbers_that_are_not_finite() -> None:
    assert escaped_json([MADE, float("nan"), float("-inf")]) == '["2026-11-22T18:40:00.0Z",null,null]'


@pytest.mark.usefixtures("assets")
def test_the_page_names_no_host_and_lists_exactly_its_scripts(
    sightings: Callable[..., pa.Table], tmp_path: Path
) -> None:
    write_report(ReportContent("t", sightings({}), made_utc=MADE), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert re.findall(r"<link\b|<script[^>]*\bsrc=|@import", text) == []
    assert "@@picket" not in text
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert policy is not None
    assert set(re.findall(r"'sha256-([^']+)'", policy.group(1))) == hashes
    assert policy.group(1).startswith("default-src 'none'; ")
    assert text.index("Content-Security-Policy") < text.index("<script")


@pytest.mark.usefixtures("assets")
def test_same_content_same_bytes(sightings: Callable[..., pa.Table], tmp_path: Path) -> None:
    content = ReportContent("t", sightings({}, {"class": "vehicle"}), made_utc=MADE)
    for name in ("a.html", "b.html"):
        write_report(content, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


@pytest.mark.usefixtures("assets")
def test_the_page_admits_what_it_does_not_show(sightings: Callable[..., pa.Table], tmp_path: Path) -> None:
    area = {
        "type": "Feature",
        "properties": {"role": "patrol"},
        "geometry": shapely.geometry.mapping(shapely.box(0, 0, 0.01, 0.01)),
    }
    content = ReportContent(
        "t",
        sightings({}, {"lat_deg": None}),
        area=area,
        coverage=Coverage((CoveragePiece(shapely.box(0.005, 0, 0.02, 0.01), {"role": "searched"}),)),
        thumbnails={},
    )
    write_report(content, tmp_path / "report.html")
    data = re.search(r'id="picket-data">(.*?)</script>', (tmp_path / "report.html").read_text("utf-8"), flags=re.DOTALL)
    assert data is not None
    page = json.loads(data.group(1))
    assert "1 sighting could not be placed" in " ".join(page["notes"])
    assert "1 of 1 sighting has no picture" in " ".join(page["notes"])
    assert "(50 % of the area, and" in page["headline"]


def test_missing_assets_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaged, "ASSETS", tmp_path)
    with pytest.raises(MappingError, match=r"map assets: .*leaflet\.none is missing; install"):
        packaged.asset("leaflet.none")


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(VisionError, match="cannot be written"):
        write_whole(tmp_path / "file" / "report.html", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(VisionError, match="cannot be written"):
        write_whole(tmp_path / "folder", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
