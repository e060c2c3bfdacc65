"""`picket sim` as a script sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from picket.cli import main


def test_it_says_where_once_it_listens_and_ends_when_its_parent_is_told() -> None:
    command = [sys.executable, "-m", "picket", "sim", "--port", "0", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=os.environ, start_new_session=True
    ) as process:
        assert process.stdout is not None
        address, port = json.loads(process.stdout.readline())["url"].removeprefix("tcp:").split(":")
        with socket.create_connection((address, int(port)), 10.0) as line:
            assert line.recv(1)[0] == 0xFD, "MAVLink 2 from the first byte"
        process.send_signal(signal.SIGINT)  # to the command alone, not to the vehicle
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert f"MAVLink on tcp:127.0.0.1:{port}" in errors


def test_a_port_in_use_is_one_line_and_nothing_is_announced(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["sim", "--port", str(port), "--json"]) == 1
    output = capfd.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith("picket: ")
    assert str(port) in line
