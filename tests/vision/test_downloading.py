"""Ultralytics' own names are fetched once, from where they lie; nothing else is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from vision import downloading
from vision.downloading import named_weights
from vision.errors import VisionError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """What a server in the place of ultralytics' was asked for; it has one file."""
    seen: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200 if self.path.endswith("yolo11n.pt") else 404)
            self.end_headers()
            self.wfile.write(b"weights")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(downloading, "RELEASE", f"http://127.0.0.1:{server.server_port}/r")
        monkeypatch.setenv("PICKET_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield seen
        server.shutdown()


def test_a_known_name_is_fetched_once(asked: list[str]) -> None:
    said: list[str] = []
    first = named_weights(Path("yolo11n.pt"), said.append)
    assert first.read_bytes() == b"weights"
    assert named_weights(Path("yolo11n.pt"), said.append) == first
    assert asked == ["/r/yolo11n.pt"]
    assert len(said) == 1


@pytest.mark.parametrize("name", ["mine.pt", "sub/yolo11n.pt", "yolo11n-seg.pt", "yolo11n.onnx", "../yolo11n.pt"])
def test_nothing_else_is_asked_for(asked: list[str], name: str) -> None:
    assert named_weights(Path(name)) == Path(name)
    assert asked == []


def test_a_file_here_goes_before_the_name(asked: list[str], tmp_path: Path) -> None:
    (tmp_path / "yolo11n.pt").touch()
    assert named_weights(Path("yolo11n.pt")) == Path("yolo11n.pt")
    assert asked == []


def test_what_cannot_be_fetched_is_said_in_one_line(asked: list[str], tmp_path: Path) -> None:
    with pytest.raises(VisionError, match=r"yolo11x\.pt: no such file, and it cannot be downloaded"):
        named_weights(Path("yolo11x.pt"))
    assert list((tmp_path / "cache").rglob("*.pt")) == []
