"""`python -m sim` as its parent sees it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.__main__ import main, parser, settings_of
from sim.world.scene import Scene, scene_to_geojson

HOME = "23.04,88.9,12"


@contextmanager
def process(*flags: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "sim", *flags]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def port_of(child: subprocess.Popen[str]) -> int:
    assert child.stdout is not None
    return int(json.loads(child.stdout.readline())["port"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_its_port_and_ends_when_told(number: signal.Signals) -> None:
    with process("--home", HOME, "--port", "0", "--speedup", "5") as child:
        with socket.create_connection(("127.0.0.1", port_of(child)), 5.0) as line:
            assert line.recv(1)[0] == 0xFD, "MAVLink 2 from the first byte"
            child.send_signal(number)
            out, errors = child.communicate(timeout=20)
        assert (child.returncode, out, errors) == (0, "", "")


def test_it_calls_a_ground_station_over_udp_and_answers_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ground:
        ground.bind(("127.0.0.1", 0))
        ground.settimeout(20.0)
        where = f"127.0.0.1:{ground.getsockname()[1]}"
        with process("--home", HOME, "--port", "0", "--speedup", "5", "--udp", where) as child:
            port_of(child)
            data, vehicle = ground.recvfrom(65536)
            asked = mavlink.MAVLink_param_request_read_message(1, 1, b"RTL_ALT", -1)
            ground.sendto(asked.pack(mavlink.MAVLink(None, 255, 190)), vehicle)
            parser_of_answers = mavlink.MAVLink(None)
            heard = list(parser_of_answers.parse_buffer(data) or [])
            while not any(message.get_type() == "PARAM_VALUE" for message in heard):
                heard += parser_of_answers.parse_buffer(ground.recv(65536)) or []
    assert any(message.get_type() == "HEARTBEAT" for message in heard)


def test_a_cut_link_is_refused_and_then_open_again() -> None:
    with process("--home", HOME, "--port", "0", "--speedup", "5", "--fault", "link-cut@boot:5+10") as child:
        port = port_of(child)
        with socket.create_connection(("127.0.0.1", port), 5.0) as line:
            line.settimeout(30.0)
            with suppress(ConnectionResetError):
                while line.recv(65536):
                    pass
        until_s = time.monotonic() + 30.0
        refused = 0
        while time.monotonic() < until_s:
            try:
                with socket.create_connection(("127.0.0.1", port), 5.0) as line:
                    line.settimeout(5.0)
                    if line.recv(1):
                        break
            except OSError:
                refused += 1
                time.sleep(0.05)
        else:
            pytest.fail("it never opened again")
    assert refused


def test_a_port_in_use_is_one_line_and_exit_1() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with process("--home", HOME, "--port", str(port)) as child:
            out, errors = child.communicate(timeout=20)
    assert child.returncode == 1
    assert out == ""
    assert errors.count("\n") == 1
    assert str(port) in errors


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ((), "--home"),
        (("--home", "here"), "--home"),
        (("--home", "95,0,0"), "--home"),
        (("--home", "nan,0,0"), "--home"),
        (("--home", HOME, "--speedup", "-1"), "--speedup"),
        (("--home", HOME, "--speedup", "fast"), "--speedup"),
        (("--home", HOME, "--wind", "5"), "--wind"),
        (("--home", HOME, "--endurance", "0"), "--endurance"),
        (("--home", HOME, "--endurance", "nan"), "--endurance"),
        (("--home", HOME, "--start", "tomorrow"), "tomorrow"),
        (("--home", HOME, "--start", "2026-11-22T18:15:00"), "time zone"),
        (("--home", HOME, "--port", "70000"), "--port"),
        (("--home", HOME, "--scene", "nowhere.geojson"), "--camera"),
        (("--home", HOME, "--scene", "nowhere.geojson", "--camera", "boson640-14", "--images", "i"), "nowhere.geojson"),
        (("--home", HOME, "--scene", "nowhere.geojson", "--camera", "no-such", "--images", "i"), "no-such"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    flags: tuple[str, ...],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(flags) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.count("\n") == 1
    assert named in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", [(-35.3, 149.1, 600.0), (-54.8, -68.3, -2.0), (60.1, -45.2, 0.0)])
def test_a_home_in_the_south_or_the_west_follows_an_equals_sign(home: tuple[float, float, float]) -> None:
    settings = settings_of(parser().parse_args(["--home=" + ",".join(str(part) for part in home)]))
    assert (settings.home_lat_deg, settings.home_lon_deg, settings.home_alt_amsl_m) == home


def test_it_ends_after_a_landing_when_asked(place: Any) -> None:
    """The ground stations made in `place` serve as clients; the vehicle here is a process of its own."""
    with process("--home", HOME, "--port", "0", "--speedup", "0", "--exit-when-landed") as child:
        place.server.port = port_of(child)
        ground = place.ground()
        ground.ready()
        assert ground.mode(4) == 0
        assert ground.arm() == 0
        assert ground.command(22, 0, 0, 0, 0, 0, 0, 5.0) == 0
        while ground.next("GLOBAL_POSITION_INT").relative_alt < 4_000:
            pass
        assert ground.mode(9) == 0
        ground.until_disarmed()
        assert child.wait(20) == 0


def test_every_photograph_is_on_the_card_when_it_has_ended(tmp_path: Path, place: Any) -> None:
    scene, images = tmp_path / "truth.geojson", tmp_path / "images"
    scene_to_geojson(Scene((), seed=1, lat0_deg=23.04, lon0_deg=88.9), scene)
    camera = ("--scene", str(scene), "--camera", "boson640-14", "--images", str(images))
    with process("--home", HOME, "--port", "0", "--speedup", "0", *camera) as child:
        place.server.port = port_of(child)
        ground = place.ground()
        ground.ready()
        for _ in range(3):
            assert ground.command(mavlink.MAV_CMD_DO_DIGICAM_CONTROL) == 0
        while ground.next("CAMERA_FEEDBACK").img_idx < 3:
            pass
        child.terminate()
        out, errors = child.communicate(timeout=60)
    assert (child.returncode, out, errors) == (0, "", "")
    assert sorted(path.name for path in images.iterdir()) == ["IMG_00001.jpg", "IMG_00002.jpg", "IMG_00003.jpg"]
