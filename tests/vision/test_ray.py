"""The Ray engine on two local workers: the same table as one process, whatever dies, and closed to the outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.vision.yolo_data import write_weights
from vision.batch import detect_frames, search_settings
from vision.detector import NetworkDetector, load_detector
from vision.engines import local
from vision.engines.ray import Cluster, _check_reached, _joined
from vision.errors import VisionError

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'picket[ray]'"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # Ray's own open files
]
SETTINGS = search_settings(confidence=3e-4, tile_px=0)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> NetworkDetector:
    """A network nobody else has, so that its weights must travel."""
    return load_detector(write_weights(tmp_path_factory.mktemp("weights") / "tiny.pt"), backend="torch")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Sixteen small frames; one is no picture, one is not there."""
    folder = tmp_path_factory.mktemp("frames") / "images"
    folder.mkdir()
    draw = np.random.default_rng(0)
    listed = []
    for number in range(16):
        path = folder / f"{number:03d}.png"
        Image.fromarray(draw.integers(0, 255, (128, 160), dtype=np.uint8)).save(path)
        listed.append((path.stem, path))
    listed[5][1].write_bytes(b"torn")
    listed[10][1].unlink()
    return listed


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two workers on this machine, for all tests of the module."""
    two = Cluster(workers=2, shard=2)
    with _joined(two):
        yield two


def _alone(frames: Sequence[tuple[str, Path]], detector: NetworkDetector) -> Any:
    return detect_frames(frames, detector, SETTINGS, engine=local.search)


def _ends(name: str) -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # one that ends while it is looked at
            if name in " ".join(process.cmdline()):
                found.append(process)
    return found


def _loopback(text: str) -> bool:
    address = ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_two_workers_equal_one_process(
    frames: list[tuple[str, Path]], detector: NetworkDetector, cluster: Cluster
) -> None:
    alone = _alone(frames, detector)
    shared = detect_frames(frames, detector, SETTINGS, engine=cluster.search)
    assert alone.table.num_rows > 100
    assert shared.table.equals(alone.table)
    assert shared.skipped == alone.skipped
    assert [item.frame_id for item in shared.skipped] == ["005", "010"]


def test_a_worker_killed_in_the_middle_loses_nothing(
    frames: list[tuple[str, Path]], detector: NetworkDetector, cluster: Cluster
) -> None:
    alone = _alone(frames, detector)
    killed: list[int] = []

    def kill(done: int, _: int) -> None:
        if done == 3 and not killed:
            busy = _ends("ray::_search_shard")
            for process in busy:
                killed.append(process.pid)
                process.send_signal(signal.SIGKILL)

    many = [(f"{turn}-{name}", path) for turn in range(2) for name, path in frames]
    shared = detect_frames(many, detector, SETTINGS, engine=cluster.search, progress=kill)
    assert killed
    assert shared.table.num_rows == 2 * alone.table.num_rows
    assert shared.table.equals(_alone(many, detector).table)


def test_pictures_by_url(frames: list[tuple[str, Path]], detector: NetworkDetector, cluster: Cluster) -> None:
    folder = frames[0][1].parent
    by_url = Cluster(pictures_in=folder, pictures_at=folder.as_uri(), shard=2)
    shared = detect_frames(frames, detector, SETTINGS, engine=by_url.search)
    assert shared.table.equals(_alone(frames, detector).table)
    assert [item.frame_id for item in shared.skipped] == ["005", "010"]


def test_pictures_sent_to_a_cluster_elsewhere(
    frames: list[tuple[str, Path]], detector: NetworkDetector, cluster: Cluster
) -> None:
    shared = detect_frames(frames, detector, SETTINGS, engine=Cluster(address="auto", shard=2).search)
    assert shared.table.equals(_alone(frames, detector).table)


def test_nothing_listens_beyond_this_machine(cluster: Cluster) -> None:
    processes = psutil.Process().children(recursive=True)
    heard = {
        (process.name(), connection.laddr.ip)
        for process in processes
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert heard
    assert all(_loopback(address) for _, address in heard), heard
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) >= 32
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_cluster_that_is_not_there_is_named_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(VisionError, match=f"no Ray cluster at {address}"):
            _check_reached(address)
