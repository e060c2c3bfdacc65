"""Search frames on a Ray cluster: the same job as `local`, cut into shards that any of the cluster's processes takes. A
shard whose worker dies is given to another, so nothing is lost, and results come in the order of the pictures. Workers
read pictures by path or URL, or are sent them. A cluster begun here listens on this machine's loopback only, wants a
token, shows no dashboard and reports to nobody. How a frame is searched is `local`'s and `frame`'s subject.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vision.detector import DEFAULT_WEIGHTS, Boxes, Detector, NetworkDetector, Recipe, load_detector
from vision.engines import local
from vision.errors import InputError, VisionError
from vision.frame import SearchSettings

SHARD = 8
"""Pictures a worker takes at a time: enough to make handing them out cheap, few enough to lose little with a worker."""

TRIES = 5
"""So often is a shard begun whose worker died; then it is the pictures that kill it."""

REACHED_S = 5.0
LOOPBACK = "127.0.0.1"
_SHARDS_A_WORKER = 2
_STORE_BYTES = 256 << 20

_Result = Boxes | str
"""What was found in a picture, or why it could not be searched."""


@dataclass(frozen=True)
class Cluster:
    """Where to search: the `address` of a Ray cluster, or a new one of `workers` on this machine (None: one for each
    core), `shard` pictures at a time. `pictures_at` is where workers find the folder `pictures_in`, a path or a URL of
    object storage; without it, pictures are read here and sent to a cluster elsewhere."""

    address: str | None = None
    workers: int | None = None
    pictures_in: Path | None = None
    pictures_at: str | None = None
    shard: int = SHARD

    def search(
        self, pictures: Sequence[Path], detector: Detector, settings: Sequence[SearchSettings]
    ) -> Iterator[Boxes | InputError]:
        """As `local.search`, on the cluster. Raises VisionError where Ray is not installed, the cluster is not to be
        reached, its workers have other weights, or a shard could not be searched however often it was tried."""
        if not isinstance(detector, NetworkDetector):
            raise VisionError("only a network can be sent to a cluster; search with --engine local")
        with _joined(self) as ray:
            recipe = _Packed.of(detector, ray)
            shards = [range(k, min(k + self.shard, len(pictures))) for k in range(0, len(pictures), self.shard)]
            cores, gpus = (float(ray.cluster_resources().get(name, 0.0)) for name in ("CPU", "GPU"))
            needs = {"num_gpus": 1} if gpus else {"num_cpus": 1}
            task = ray.remote(**needs, max_retries=TRIES)(_search_shard)
            ahead = _SHARDS_A_WORKER * max(1, int(gpus or cores))
            waiting: deque[tuple[range, Any]] = deque()
            for shard in shards:
                sent = [self._sent(pictures[k]) for k in shard]
                waiting.append((shard, task.remote(recipe, sent, [settings[k] for k in shard])))
                if len(waiting) > ahead:
                    yield from _received(ray, *waiting.popleft(), pictures)
            while waiting:
                yield from _received(ray, *waiting.popleft(), pictures)

    def _sent(self, picture: Path) -> str | bytes:
        """What a worker is told of a picture: where it is, or what is in it."""
        if self.pictures_at is not None:
            inside = Path(picture).relative_to(self.pictures_in) if self.pictures_in else Path(picture)
            return f"{self.pictures_at.rstrip('/')}/{inside.as_posix()}"
        if self.address is None:
            return str(Path(picture).absolute())
        try:
            return Path(picture).read_bytes()
        except OSError:
            return str(picture)  # the worker will say that there is none


@dataclass(frozen=True)
class _Packed:
    """A detector to be made again by a worker: its recipe, what is in the files of its weights (none where they come
    with Picket), and which weights it must be."""

    recipe: Recipe
    files: Any
    sha256: str

    @classmethod
    def of(cls, detector: NetworkDetector, ray: Any) -> _Packed:
        weights, shipped = Path(detector.recipe.weights).resolve(), DEFAULT_WEIGHTS.parent.resolve()
        if weights.is_relative_to(shipped):
            return cls(replace(detector.recipe, weights=weights.relative_to(shipped)), None, detector.sha256)
        folder = weights if weights.is_dir() else weights.parent
        held = sorted(weights.rglob("*")) if weights.is_dir() else [weights, weights.with_suffix(".bin")]
        files = {
            str(Path(weights.name) / path.relative_to(folder)) if weights.is_dir() else path.name: path.read_bytes()
            for path in held
            if path.is_file()
        }
        return cls(replace(detector.recipe, weights=Path(weights.name)), ray.put(files), detector.sha256)


def _received(ray: Any, shard: range, reference: Any, pictures: Sequence[Any]) -> Iterator[Boxes | InputError]:
    """The results of a shard."""
    try:
        results = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise VisionError(f"a worker of the cluster failed: {_line(error.cause)}") from error
    except ray.exceptions.RayError as error:
        names = f"{pictures[shard[0]]} to {pictures[shard[-1]]}"
        raise VisionError(f"{names}: not searched, {TRIES + 1} workers died over them ({_line(error)})") from error
    for k, found in zip(shard, results, strict=True):
        yield InputError(pictures[k], found) if isinstance(found, str) else found


def _line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0][:200] if error and str(error).strip() else type(error).__name__


def _check_reached(address: str) -> None:
    """Raise VisionError where nobody listens at a cluster's HOST:PORT: Ray itself would wait for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon or "/" in address or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACHED_S).close()
    except (OSError, OverflowError) as error:
        raise VisionError(
            f"no Ray cluster at {address} ({error}); is it up, and can it be reached from here?"
        ) from error


@contextmanager
def _joined(cluster: Cluster) -> Iterator[Any]:
    """Ray, connected: to the cluster at an address, or to a new one on this machine that ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    here = cluster.address is None
    if here:  # Ray turns a loopback address into the machine's own, except where, as on Windows, it begins no clusters
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if here and os.environ["RAY_AUTH_MODE"] == "token":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ImportError as error:
        raise VisionError("Ray is not installed: pip install 'picket[ray]', or search with --engine local") from error
    if ray.is_initialized():
        yield ray
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if here:
            ray.init(
                num_cpus=cluster.workers or local.worker_count(),
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                _node_ip_address=LOOPBACK,
                **quiet,
            )
        else:
            _check_reached(str(cluster.address))
            ray.init(address=cluster.address, **quiet)
    except VisionError:
        raise
    except Exception as error:  # Ray raises its own, gRPC's and the system's where it cannot start or connect
        where = cluster.address or "this machine"
        raise VisionError(f"no Ray cluster at {where} ({_line(error)}); is its token known here?") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _search_shard(
    packed: _Packed, pictures: Sequence[str | bytes], settings: Sequence[SearchSettings]
) -> list[_Result]:
    """Runs on a worker: what was found in each picture, or why nothing could be. Raises VisionError where the worker
    has other weights than the one who asked."""
    detector = _detector_of(packed)
    with tempfile.TemporaryDirectory(prefix="picket-shard-") as folder:
        paths = [_fetched(picture, Path(folder) / f"{k}") for k, picture in enumerate(pictures)]
        whole = [k for k, path in enumerate(paths) if isinstance(path, Path)]
        found = local.search([paths[k] for k in whole], detector, [settings[k] for k in whole], workers=1)
        results: list[_Result] = [path if isinstance(path, str) else "" for path in paths]
        for k, each in zip(whole, found, strict=True):
            results[k] = each.problem if isinstance(each, InputError) else each
        return results


def _detector_of(packed: _Packed) -> NetworkDetector:
    """The detector, made once in a worker."""
    key = (packed.sha256, packed.recipe.backend, tuple(sorted(packed.recipe.classes.items())))
    if key not in _DETECTORS:
        _DETECTORS[key] = _made(packed)
    return _DETECTORS[key]


_DETECTORS: dict[tuple[Any, ...], NetworkDetector] = {}


def _made(packed: _Packed) -> NetworkDetector:
    recipe = packed.recipe
    if packed.files is None:
        path = DEFAULT_WEIGHTS.parent / recipe.weights
    else:
        import ray

        folder = Path(tempfile.mkdtemp(prefix="picket-weights-"))
        for name, content in ray.get(packed.files).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        path = folder / recipe.weights
    detector = load_detector(path, backend=recipe.backend, classes=recipe.classes, threads=1)
    if detector.sha256 != packed.sha256:
        raise VisionError(f"the worker has other weights ({detector.sha256[:12]}, not {packed.sha256[:12]})")
    return detector


def _fetched(picture: str | bytes, target: Path) -> Path | str:
    """A picture as a file here; why there is none, in words, where there is none."""
    if isinstance(picture, bytes):
        target.write_bytes(picture)
        return target
    if "://" not in picture:
        return Path(picture)
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(picture)
        with system.open_input_stream(path) as stream:
            target.write_bytes(stream.read())
        return target
    except Exception as error:  # every storage raises its own
        return f"not to be read from there ({_line(error)})"
