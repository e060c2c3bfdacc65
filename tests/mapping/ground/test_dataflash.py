"""An autopilot's own log, written here record by record."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mapping.ground.dataflash import read_dataflash
from vision.errors import InputError

UTC_AT_BOOT_S = 1_795_300_000.0
WEEK = 2445
FORMATS = {
    "FMT": (128, "BBnNZ", "<BB4s16s64s", "Type,Length,Name,Format,Columns"),
    "GPS": (130, "QBIH", "<QBIH", "TimeUS,Status,GMS,GWk"),
    "POS": (131, "QLLff", "<Qiiff", "TimeUS,Lat,Lng,Alt,RelHomeAlt"),
    "ATT": (132, "Qfff", "<Qfff", "TimeUS,Roll,Pitch,Yaw"),
    "CAM": (133, "QHLLfffff", "<QHiifffff", "TimeUS,Img,Lat,Lng,Alt,RelAlt,R,P,Y"),
}


def record(kind: str, *values: object) -> bytes:
    number, _, packing, _ = FORMATS[kind]
    return b"\xa3\x95" + bytes([number]) + struct.pack(packing, *values)


def write_log(path: Path, seconds: int = 20, with_gps: bool = True) -> None:
    """A vehicle flying north for so many seconds, a photo in every fifth."""
    data = b""
    for kind, (number, letters, packing, columns) in FORMATS.items():
        length = 3 + struct.calcsize(packing)
        data += record("FMT", number, length, kind.encode(), letters.encode(), columns.encode())
    for tenth in range(seconds * 10):
        boot_us = tenth * 100_000
        lat = 230_000_000 + tenth * 10
        if with_gps and tenth % 2 == 0:
            gps_s = UTC_AT_BOOT_S + boot_us / 1e6 - 315_964_800 + 18 - WEEK * 604_800
            data += record("GPS", boot_us, 3, round(gps_s * 1000), WEEK)
        data += record("POS", boot_us, lat, 880_000_000, 70.0, 60.0)
        data += record("ATT", boot_us, 1.0, -2.0, 350.0 + tenth / 100)
        if tenth % 50 == 10:
            data += record("CAM", boot_us, tenth // 50 + 1, lat, 880_000_000, 70.0, 60.0, 1.0, -2.0, -10.0)
    path.write_bytes(data)


def test_a_log_gives_track_and_triggers_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "1.bin"
    write_log(path)
    log = read_dataflash(path)
    track = log.track()
    assert track.num_rows == 200
    assert track["time_utc"][0].as_py().timestamp() == pytest.approx(UTC_AT_BOOT_S, abs=0.01)
    assert track["lat_deg"][100].as_py() == pytest.approx(23.0001, abs=1e-9)
    assert track["yaw_deg"][100].as_py() == pytest.approx(351.0, abs=1e-3)
    triggers = log.triggers()
    assert [trigger.img_idx for trigger in triggers] == [1, 2, 3, 4]
    assert triggers[1].time_s == pytest.approx(UTC_AT_BOOT_S + 6.0, abs=0.01)
    assert (triggers[1].alt_home_m, triggers[1].yaw_deg) == (60.0, 350.0)


def test_a_log_that_ends_anywhere_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "1.bin"
    write_log(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4 + 5])
    assert 100 < read_dataflash(path).track().num_rows < 200


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is no DataFlash log|no position"), (b"\x00words" * 300, "is no DataFlash|no position")],
)
def test_what_is_no_log_is_bad_input(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "1.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is no DataFlash log|no position"):
        read_dataflash(path)
    with pytest.raises(InputError, match="no such log"):
        read_dataflash(tmp_path / "none.bin")
