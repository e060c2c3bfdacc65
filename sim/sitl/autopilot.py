"""Starts an ArduPilot SITL binary in a folder of its own and ends it: its arguments, its parameters, its last words.

The binary connects to us, not we to it: it opens no MAVLink port of its own, so there is no port to be taken, and
nobody on the network reaches it. What it says over its two lines is left to `relay` and `photographs`.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import psutil

from sim.errors import SimulationError
from vision.errors import InputError

CONNECT_TIMEOUT_S = 30.0
LAST_LINES = 4
FULL_SPEED = 100.0
"""SITL knows no "as fast as it goes"; more than this no machine reaches."""

HOVER_CURRENT_A = 28.1
"""What SITL's quad draws when it hovers, as measured; its battery is sized by it."""

_FOLDER = "picket-sitl-"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class SitlSettings:
    """Where the vehicle stands (heights above sea level), how fast its time runs, its battery and the weather.

    `parameters` are set at its start, over ours. `speedup` 0 is as fast as it goes.
    """

    home_lat_deg: float
    home_lon_deg: float
    home_alt_amsl_m: float
    heading_deg: float = 0.0
    speedup: float = 1.0
    system: int = 1
    endurance_s: float | None = None
    wind_speed_m_s: float = 0.0
    wind_from_deg: float = 0.0
    gust_m_s: float = 0.0
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Autopilot:
    """A running SITL: its process, its folder, and the two lines it has opened to us, for ground and for camera."""

    process: subprocess.Popen[bytes]
    folder: Path
    ground: socket.socket
    camera: socket.socket

    def died(self) -> SimulationError | None:
        """Why it is gone, in its own last lines; None while it runs."""
        if self.process.poll() is None:
            return None
        how = _how(self.process.returncode)
        return SimulationError(f"ArduPilot ended by itself ({how}): {_last_words(self.folder)}")


@contextlib.contextmanager
def autopilot(binary: Path, settings: SitlSettings) -> Iterator[Autopilot]:
    """Start `binary` and wait until it has connected; on leaving it is killed and its folder removed.

    It also ends when this process does, however that ends (on Linux; elsewhere when it is next written to). Raises
    InputError where the file is no program, SimulationError with its last lines where it ends before it has connected.
    """
    check_binary(binary)
    _clear_old_folders()
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
    process: subprocess.Popen[bytes] | None = None
    lines: list[socket.socket] = []
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        defaults = folder / "picket.parm"
        defaults.write_text(_parameters(settings), encoding="ascii")
        ports = [listener.getsockname()[1] for listener in listeners]
        with (folder / "output.txt").open("wb") as output:
            try:
                process = subprocess.Popen(
                    _command(binary.resolve(), settings, defaults, ports),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                )
            except OSError as error:
                raise InputError(binary, f"cannot be started ({error.strerror}); {_WANTED}") from error
        stack.callback(_end, process)
        for listener in listeners:
            lines.append(stack.enter_context(_accept(listener, process, folder)))
        camera, ground = lines
        yield Autopilot(process, folder, ground, camera)


_NAME = b"ArduCopter"
"""In every build: it is the firmware's name for itself."""

_WANTED = "give the arducopter program that ArduPilot's SITL build makes"


def check_binary(binary: Path) -> None:
    """Raises InputError where `binary` is no file that can be executed, or holds no ArduCopter."""
    if not binary.exists():
        raise InputError(binary, f"no such file; {_WANTED}")
    if not binary.is_file() or not os.access(binary, os.X_OK):
        raise InputError(binary, f"not a program that may be executed; {_WANTED}")
    try:
        with binary.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = content.find(_NAME) >= 0
    except (OSError, ValueError) as error:
        raise InputError(binary, f"cannot be read ({error}); {_WANTED}") from error
    if not found:
        raise InputError(binary, f"is another program than ArduCopter; {_WANTED}")


def _command(binary: Path, settings: SitlSettings, defaults: Path, ports: Sequence[int]) -> list[str]:
    home = (settings.home_lat_deg, settings.home_lon_deg, settings.home_alt_amsl_m, settings.heading_deg)
    return [
        *(str(binary), "--model", "quad", "--wipe"),
        *("--speedup", f"{settings.speedup or FULL_SPEED:g}", "--sysid", str(settings.system)),
        *("--home", ",".join(f"{value:.7f}" for value in home), "--defaults", str(defaults)),
        # Stations are on SERIAL1, as a radio is: on SERIAL0, the USB port, ArduPilot takes unsigned messages always.
        *(f"--serial{number}=tcpclient:127.0.0.1:{port}" for number, port in enumerate(ports)),
        "--serial2=none:",
        *("--rc-in-port", str(_free_udp_port())),
    ]


def _parameters(settings: SitlSettings) -> str:
    """The text of the defaults file: ours, then what the settings say."""
    ours = resources.files("sim.sitl").joinpath("quad.parm").read_text(encoding="ascii")
    given: dict[str, float] = {
        "SIM_WIND_SPD": settings.wind_speed_m_s,
        "SIM_WIND_DIR": settings.wind_from_deg,
        "SIM_WIND_TURB": settings.gust_m_s,
    }
    if settings.endurance_s is not None:
        given["BATT_CAPACITY"] = round(HOVER_CURRENT_A * settings.endurance_s / 3.6)
    given |= settings.parameters
    return ours + "".join(f"{name} {value:g}\n" for name, value in given.items())


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    """In the child before it becomes ArduPilot: the kernel kills it when we are gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _accept(listener: socket.socket, process: subprocess.Popen[bytes], folder: Path) -> socket.socket:
    listener.settimeout(0.2)
    for _ in range(round(CONNECT_TIMEOUT_S / 0.2)):
        with contextlib.suppress(TimeoutError):
            connection = listener.accept()[0]
            connection.setblocking(False)
            return connection
        if process.poll() is not None:
            how = _how(process.returncode)
            raise SimulationError(f"ArduPilot ended at its start ({how}): {_last_words(folder)}")
    raise SimulationError(f"ArduPilot does not connect within {CONNECT_TIMEOUT_S:.0f} s: {_last_words(folder)}")


def _how(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {-code}"


def _last_words(folder: Path) -> str:
    """The last lines it printed, as one."""
    text = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-LAST_LINES:]) or "it said nothing"


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL: SITL heeds no other signal while it waits for its clock."""
    process.kill()
    process.wait()


def _clear_old_folders() -> None:
    """Remove what a killed predecessor left: folders whose process is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        number = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
