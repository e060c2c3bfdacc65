"""The demo, run once for all tests here: in a network of its own that has loopback and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ENTER = """
import fcntl, os, socket, struct, sys
loopback = struct.pack("16sh", b"lo", 0)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    flags = struct.unpack("16sh", fcntl.ioctl(control, 0x8913, loopback))[1]  # SIOCGIFFLAGS
    fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP
interfaces = sorted(name for _, name in socket.if_nameindex())
assert interfaces == ["lo"], interfaces
os.execv(sys.executable, [sys.executable, "-m", "picket", *sys.argv[1:]])
"""

WATCH = '''
"""Python reads this file at the start of every process: note each look-up, each address spoken to, each program run."""
import os
import sys

LOG = os.open(os.environ["PICKET_TEST_WATCH"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
LOCAL = ("127.", "::1", "localhost")


def note(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto") and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = str(arguments[0])
    elif event == "subprocess.Popen":
        os.write(LOG, f"run {arguments[0]}\\n".encode())
        return
    else:
        return
    os.write(LOG, f"{'local' if host.startswith(LOCAL) else 'AWAY'} {event} {host}\\n".encode())


sys.addaudithook(note)
'''


@dataclass(frozen=True)
class DemoRun:
    """What one run of the demo left: its JSON summary, folder, what it touched, its greatest memory (PSS, bytes)."""

    summary: dict[str, Any]
    stderr: str
    mission: Path
    watched: list[str]
    peak_bytes: int


def isolate() -> list[str]:
    """The command that puts what follows into an empty network namespace; skips where the system allows none."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no `unshare` on this system: the network cannot be cut off")
    command = [unshare, "--net"] if os.geteuid() == 0 else [unshare, "--map-root-user", "--net"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system allows no network namespaces: the network cannot be cut off")
    return command


def memory_of(process: psutil.Process) -> int:
    """Memory of a process and all its children, shared pages divided among them, in bytes."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """`picket demo --seed 3 --json`, cut off from every network but loopback, each of its processes watched."""
    command = isolate()
    folder = tmp_path_factory.mktemp("demo")
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    log = folder / "watched.txt"
    mission = folder / "mission"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder / "watch"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "PICKET_TEST_WATCH": str(log),
    }
    arguments = ["demo", "-o", str(mission), "--seed", "3", "--json"]
    with (folder / "stdout").open("w+") as stdout, (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            [*command, sys.executable, "-c", ENTER, *arguments],
            stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, env=environment, cwd=folder,
        )  # fmt: skip
        peak_bytes = 0
        while process.poll() is None:
            try:
                peak_bytes = max(peak_bytes, memory_of(psutil.Process(process.pid)))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.5)
        code = process.wait()
        stdout.seek(0)
        stderr.seek(0)
        printed, said = stdout.read(), stderr.read()
    assert code == 0, said[-4000:]
    return DemoRun(json.loads(printed), said, mission, log.read_text().splitlines(), peak_bytes)
