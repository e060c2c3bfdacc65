"""What is let go wrong goes wrong, and the vehicle answers as it should. In process, in simulated time."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.vehicle.autopilot import SimulatedVehicle
from sim.vehicle.faults import KINDS, Noise, fault_of
from sim.vehicle.storage import Item
from sim.vehicle.telemetry import Schedule
from sim.vehicle.values import Mode, VehicleSettings
from vision.errors import InputError


class Flight:
    """A vehicle on its mission: out, across and home."""

    def __init__(self, *faults: str, seed: int = 0, **params: float) -> None:
        settings = VehicleSettings(23.04, 88.9, 12.0, seed=seed)
        self.vehicle = SimulatedVehicle(settings, None, [fault_of(text) for text in faults])
        vehicle = self.vehicle
        for name, value in {"AUTO_OPTIONS": 3, "WPNAV_SPEED": 600, "CAM_AUTO_ONLY": 1, **params}.items():
            assert vehicle.set_param(name, value)
        points = [vehicle.frame.to_geodetic(*point) for point in ((60, 0), (160, 0), (160, 100))]
        ways = [Item(3, 16, x=round(lat * 1e7), y=round(lon * 1e7), z=20.0) for lat, lon in points]
        camera = Item(0, mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST, 10.0, 0.0, 1.0)
        rest = [Item(3, 22, z=20.0), ways[0], camera, *ways[1:], Item(0, 20)]
        vehicle.store.put_mission([vehicle.store.mission[0], *rest])
        self.said: list[str] = []
        self.photos = 0
        self.fly(3.0)
        assert vehicle.set_mode(Mode.AUTO)
        assert vehicle.arm(), self.said

    def fly(self, seconds: float, until: Callable[[SimulatedVehicle], bool] = lambda vehicle: False) -> bool:
        """Fly on; True where `until` came true."""
        vehicle = self.vehicle
        end_s = vehicle.time_s + seconds
        while vehicle.time_s < end_s:
            vehicle.step()
            for message in vehicle.outbox:
                if message.get_type() == "STATUSTEXT":
                    self.said.append(message.text.decode() if isinstance(message.text, bytes) else message.text)
                self.photos += message.get_type() == "CAMERA_FEEDBACK"
            vehicle.outbox.clear()
            if until(vehicle):
                return True
        return False

    def down(self) -> bool:
        return self.fly(400.0, lambda vehicle: not vehicle.armed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gps",
        "gps-loss",
        "gps-loss@",
        "gps-loss@x",
        "gps-loss@-1",
        "gps-loss@1=2",
        "wind@1=3",
        "link-drop@1=2",
        "battery@1=nan",
        "gps-loss@1+0",
        "gps-loss@moon:1",
    ],
)
def test_a_bad_description_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        fault_of(text)


def test_every_kind_can_be_described() -> None:
    for kind in KINDS:
        assert fault_of(f"{kind}@30+5").kind == kind
    assert fault_of("wind@boot:3=8:90").values == (8.0, 90.0)


def test_without_gps_it_lands_after_seven_seconds_as_copter_does() -> None:
    flight = Flight("gps-loss@30")
    flight.fly(34.0)
    assert flight.vehicle.mode == Mode.AUTO
    flight.fly(6.0)
    assert flight.vehicle.mode == Mode.LAND
    assert "EKF Failsafe: changed to LAND Mode" in flight.said
    assert flight.down()


def test_gps_that_comes_back_in_time_is_not_missed() -> None:
    flight = Flight("gps-loss@30+4")
    assert flight.fly(100.0, lambda vehicle: vehicle.run.index == 5)
    assert flight.vehicle.mode == Mode.AUTO
    assert not any("EKF" in text for text in flight.said[1:])


def test_the_parameters_of_sitl_do_the_same() -> None:
    flight = Flight()
    flight.fly(30.0)
    flight.vehicle.set_param("SIM_GPS_DISABLE", 1)
    assert flight.fly(10.0, lambda vehicle: vehicle.mode == Mode.LAND)


@pytest.mark.parametrize(("action", "mode"), [(2, Mode.RTL), (1, Mode.LAND), (0, Mode.AUTO)])
def test_a_battery_that_drops(action: int, mode: Mode) -> None:
    flight = Flight("battery@30=15", BATT_LOW_MAH=1000, BATT_FS_LOW_ACT=action)
    flight.fly(32.0)
    assert flight.vehicle.mode == mode
    assert any(text.startswith("Battery 1 is low") for text in flight.said)
    if action:
        assert flight.down()


def test_a_silent_camera_is_silent_and_no_more() -> None:
    loud, silent = Flight(), Flight("camera-silent@30+8")
    assert loud.down()
    assert silent.down()
    assert 0 < silent.photos < loud.photos - 2


def test_wind_slows_the_way_out_and_is_reported() -> None:
    flight = Flight("wind@25=12:0")
    flight.fly(40.0)
    body = flight.vehicle.body
    assert math.hypot(flight.vehicle.wind.north_m_s, flight.vehicle.wind.east_m_s) == pytest.approx(12.0, abs=1.0)
    assert math.degrees(body.pitch_rad) < -8.0


@pytest.mark.parametrize(("params", "mode"), [({"FS_THR_ENABLE": 1}, Mode.RTL), ({"FS_THR_ENABLE": 0}, Mode.AUTO)])
def test_a_lost_transmitter(params: dict[str, float], mode: Mode) -> None:
    # FS_OPTIONS 0: not even in AUTO does it go on
    flight = Flight("rc-loss@30", FS_OPTIONS=0, **params)
    flight.fly(31.0)
    assert flight.vehicle.mode == mode


def test_a_lost_ground_station() -> None:
    flight = Flight(FS_GCS_ENABLE=1, FS_OPTIONS=0)
    flight.vehicle.failsafes.hear_ground(255)
    flight.fly(4.0)
    assert flight.vehicle.armed
    flight.vehicle.failsafes.hear_ground(255)
    flight.fly(4.5)
    assert flight.vehicle.mode == Mode.AUTO
    flight.fly(1.0)
    assert flight.vehicle.mode == Mode.RTL
    assert "GCS Failsafe" in flight.said
    flight.vehicle.failsafes.hear_ground(255)
    flight.fly(0.5)
    assert "GCS Failsafe Cleared" in flight.said


def test_a_reboot_in_flight_ends_on_the_ground_with_everything_kept() -> None:
    flight = Flight("reboot@30")
    flight.fly(31.0)
    vehicle = flight.vehicle
    assert not vehicle.armed
    flight.fly(10.0)
    assert vehicle.body.on_ground
    assert len(vehicle.store.mission) == 7
    assert vehicle.params["WPNAV_SPEED"] == 600
    schedule = Schedule(vehicle)
    system_time = next(message for message in schedule.messages() if message.get_type() == "SYSTEM_TIME")
    assert system_time.time_boot_ms < 10_000
    assert vehicle.arm() or "PreArm" in flight.said[-1]


def test_noise_does_what_it_says() -> None:
    vehicle = Flight().vehicle
    packets = [bytes([number]) * 20 for number in range(200)]

    def through(*faults: str) -> list[bytes]:
        vehicle.faults.active = {fault.kind: fault for fault in map(fault_of, faults)}
        noise = Noise(vehicle.faults, "test")
        sent = [noise.outgoing(packet, float(second)) for second, packet in enumerate(packets)]
        late = noise.overdue(1e6)
        vehicle.faults.active = {}
        return [part for part in (*sent, late) if part]

    assert through() == packets
    assert through("link-pause@0") == []
    assert b"".join(through("link-double@0")) == b"".join(packet * 2 for packet in packets)
    assert 120 < len(through("link-drop@0=0.2")) < 190
    corrupted = through("link-corrupt@0=0.5")
    assert 60 < sum(packet not in packets for packet in corrupted) < 140
    assert through("link-late@0=3") == [b"".join(packets)]
    shuffled = b"".join(through("link-shuffle@0=10"))
    assert sorted(shuffled) == sorted(b"".join(packets))
    assert shuffled != b"".join(packets)


def telemetry(seed: int) -> bytes:
    """All that one flight sends, in bytes."""
    flight = Flight("wind@20=6:45", "gps-glitch@40+20=5", seed=seed)
    packer = mavlink.MAVLink(None, 1, 1)
    schedule = Schedule(flight.vehicle)
    sent = bytearray()
    while flight.vehicle.armed:
        flight.vehicle.step()
        for message in (*flight.vehicle.outbox, *schedule.messages()):
            sent += message.pack(packer)
            packer.seq = (packer.seq + 1) % 256
        flight.vehicle.outbox.clear()
    return bytes(sent)


def test_the_same_seed_sends_the_same_bytes() -> None:
    first = telemetry(3)
    assert len(first) > 100_000
    assert telemetry(3) == first
    assert telemetry(4) != first
