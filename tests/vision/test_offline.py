"""Loading and detecting stay off the network, off stdout and out of the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vision.networks.cache import cache_folder

ROOT = Path(__file__).resolve().parents[2]

DETECT = """
import sys
asked = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen"):
        asked.append((event, str(arguments)[:200]))
sys.addaudithook(watch)
import vision.detector, vision.batch
heavy = [name for name in ("torch", "ultralytics", "torchvision", "matplotlib", "openvino") if name in sys.modules]
import numpy as np
found = vision.detector.load_detector(backend=sys.argv[1]).detect([np.zeros((512, 640, 3), np.uint8)], 0.16)
print(len(found), file=sys.stderr)
print("heavy", heavy, "asked", [event for event in asked if event[0] != "subprocess.Popen"], file=sys.stderr)
"""


@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_a_fresh_process_detects_in_silence(tmp_path: Path, backend: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "XDG_"))}
    run = subprocess.run(
        [sys.executable, "-c", DETECT, backend],
        cwd=ROOT,
        env={**settings, "HOME": str(home), "TMPDIR": str(tmp_path), "PICKET_CACHE": str(cache_folder())},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert run.stdout == ""
    assert run.stderr.splitlines() == ["1", "heavy [] asked []"]
    assert list(home.rglob("*")) == []
    assert list(tmp_path.glob("picket-*")) == []
