"""The command: what it prints, where it listens, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from picket.cli import main
from picket.folder import is_running

WITH_WORK = """
import socket, sys, threading, time
from pathlib import Path
from picket.web.app import create_app
from picket.web.serving import WebServer
from picket.web.settings import Settings
listening = socket.create_server(("127.0.0.1", 0))
app = create_app(Settings(missions=Path(sys.argv[1]), port=listening.getsockname()[1]))
server = WebServer(app)
def work():
    while not server.started:
        time.sleep(0.01)
    jobs = app.state.jobs
    jobs._program = (sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)")
    job = jobs.start("plan", [], title="Planning", mission="m", who="A")
    print(jobs._all[job.id].process.pid, flush=True)
threading.Thread(target=work).start()
server.run(sockets=[listening])
"""
"""An app with work under way; it prints the number of the work's process."""


def test_the_printed_link_logs_in_once_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "picket", "serve", str(tmp_path / "missions"), "--port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        links: list[tuple[str, str]] = []
        while len(links) < 2:
            line = process.stderr.readline()
            assert line, "it ended by itself"
            found = re.search(r"For an? (officer|viewer): (http://127\.0\.0\.1:\d+)/login#(\S+)", line)
            links += [(found[2], found[3])] if found else []
        address, token = links[0]

        def log_in() -> httpx.Response:
            asked = {"name": "A", "token": token}
            return httpx.post(f"{address}/login", json=asked, headers={"Origin": address}, trust_env=False, timeout=60)

        assert log_in().status_code == 200
        assert log_in().status_code == 403
        said = process.stderr.readline() + process.stderr.readline()
        assert "For an officer: " in said
        assert token not in said
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        last = process.stderr.read()
    assert "Ended." in last
    assert "Traceback" not in last


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM])
def test_work_ends_with_the_app_when_its_terminal_closes(tmp_path: Path, how: signal.Signals) -> None:
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip(f"{how.name} is ignored here, as under nohup")
    with subprocess.Popen(
        [sys.executable, "-c", WITH_WORK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        work = int(process.stdout.readline())
        assert (tmp_path / ".jobs").exists()
        process.send_signal(how)
        process.wait(60)
    assert list((tmp_path / ".jobs").iterdir()) == []
    assert not is_running(work)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host=192.0.2.1"], "--open-to-network"),
        (["--host=0.0.0.0", "--open-to-network"], "every address"),
        (["--reviews=mysql://x"], "postgresql://"),
    ],
)
def test_what_is_not_meant_is_refused(tmp_path, capsys, options, said) -> None:
    assert main(["serve", str(tmp_path / "missions"), "--port=0", *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "missions").exists()


def test_a_port_in_use_is_said(tmp_path, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(tmp_path), f"--port={taken.getsockname()[1]}"]) == 1
    assert "another --port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "said", "status"),
    [
        ("sqlite:///reviews.db", "is not supported", 2),
        ("nonsense", "no address", 2),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be opened", 1),
    ],
)
def test_a_database_that_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, said: str, status: int
) -> None:
    """Said at the start, not by every page."""
    assert main(["serve", str(tmp_path), "--port", "0", "--reviews", url]) == status
    assert said in capsys.readouterr().err


def test_answers_leave_at_once(served: Any) -> None:
    """Connections take this from the socket they come in by; without it every answer waits 40 ms for an
    acknowledgement."""
    assert served.listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
