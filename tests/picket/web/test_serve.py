"""The command: what it prints, where it listens, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from picket.cli import main


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
