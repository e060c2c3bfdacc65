"""Known answers, one camera maker after the other: pictures with the tags that maker writes, and the pose they mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from mapping.ground.geoid import undulation_m
from mapping.ground.metadata import ImagePose, read_image_pose
from mapping.ground.pose import rotation_ned_from_camera

LAT, LON = 47.25, 8.5
N_ZURICH = 47.6  # EGM96 near Zurich: mean sea level lies above the ellipsoid
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def packet(body: str) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}>{body}</rdf:RDF></x:xmpmeta>'.encode()


def read(path: Path, xmp: str, make: str, model: str = "", height_m: float = 500.0) -> ImagePose:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = make, model
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (47.0, 15.0, 0.0),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (8.0, 30.0, 0.0),
        ExifTags.GPS.GPSAltitudeRef: b"\x00",
        ExifTags.GPS.GPSAltitude: IFDRational(round(height_m * 1000), 1000),
    }
    Image.new("L", (16, 12)).save(path / "a.jpg", exif=exif, xmp=packet(xmp))
    return read_image_pose(path / "a.jpg")


def angles(found: ImagePose) -> tuple[float | None, float | None, float | None]:
    return found.yaw_deg, found.pitch_deg, found.roll_deg


def looks(found: ImagePose) -> np.ndarray:
    """North, east and down of the direction the middle of the picture shows."""
    assert found.yaw_deg is not None
    assert found.pitch_deg is not None
    assert found.roll_deg is not None
    rotation = rotation_ned_from_camera(found.yaw_deg, found.pitch_deg, found.roll_deg)
    return np.asarray(rotation.apply([0.0, 0.0, 1.0]))


def test_the_geoid_lies_above_the_ellipsoid_in_zurich_and_below_it_in_bengal() -> None:
    assert undulation_m(LAT, LON) == pytest.approx(N_ZURICH, abs=1.0)
    assert undulation_m(23.04, 88.89) == pytest.approx(-55.0, abs=3.0)


DJI = 'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"'


def dji(**properties: object) -> str:
    written = " ".join(f'drone-dji:{name}="{value}"' for name, value in properties.items())
    return f'<rdf:Description rdf:about="DJI Meta Data" {DJI} {written}/>'


GIMBAL = {"GimbalYawDegree": "-90.0", "GimbalPitchDegree": "-30.0", "GimbalRollDegree": "+0.00"}


def test_dji_writes_gimbal_angles_in_ned_and_height_above_the_sea(tmp_path: Path) -> None:
    said = GIMBAL | {"GpsLatitude": "+47.2500001", "GpsLongitude": "+8.5000001"}
    found = read(tmp_path, dji(AbsoluteAltitude="+540.20", RelativeAltitude="+40.20", **said), "DJI", "FC6310")
    assert (found.lat_deg, found.lon_deg) == (47.2500001, 8.5000001)
    assert (found.alt_amsl_m, found.alt_home_m) == (540.2, 40.2)
    assert angles(found) == (270.0, -30.0, 0.0)
    np.testing.assert_allclose(looks(found), [0.0, -np.cos(np.radians(30)), 0.5], atol=1e-12)
    assert (found.sigma_position_m, found.sigma_height_m) == (None, None)


def test_dji_with_a_fixed_rtk_counts_from_the_ellipsoid_and_says_how_well(tmp_path: Path) -> None:
    rtk = {"RtkFlag": "50", "RtkStdLon": "0.30", "RtkStdLat": "0.40", "RtkStdHgt": "0.20"}
    found = read(tmp_path, dji(AbsoluteAltitude="+540.20", RelativeAltitude="+40.20", **GIMBAL, **rtk), "DJI")
    assert found.alt_amsl_m == pytest.approx(540.2 - N_ZURICH, abs=1.0)
    assert found.alt_home_m == 40.2
    assert found.sigma_position_m == pytest.approx(0.5 / np.sqrt(2))
    assert found.sigma_height_m == 0.2


@pytest.mark.parametrize(
    ("tags", "by_rtk", "noted"),
    [
        ({"RtkFlag": "0"}, False, False),
        ({"RtkFlag": "34", "RtkStdLon": "1.0", "RtkStdLat": "1.0"}, True, True),
        ({"AltitudeType": "RtkAlt", "RtkFlag": "50"}, True, False),
        ({"AltitudeType": "GpsFusionAlt", "GpsStatus": "Normal"}, False, False),
    ],
)
def test_dji_datum_by_its_flags(tmp_path: Path, tags: dict[str, str], by_rtk: bool, noted: bool) -> None:
    found = read(tmp_path, dji(AbsoluteAltitude="+540.20", **GIMBAL, **tags), "DJI")
    assert found.alt_amsl_m == pytest.approx(540.2 - (N_ZURICH if by_rtk else 0.0), abs=1.0)
    assert any("RTK" in note for note in found.notes) == noted
    assert found.sigma_position_m is None


def test_autel_newer_firmware(tmp_path: Path) -> None:
    xmp = (
        '<rdf:Description rdf:about="" xmlns:drone="http://www.autelrobotics.com/drone/1.0/" '
        'drone:AbsoluteAltitude="+547.60" drone:RelativeAltitude="+60.0" drone:GpsLatitude="47.2500000" '
        'drone:GpsLongtitude="8.5000000" drone:GimbalRollDegree="+0.0" drone:GimbalYawDegree="+45.0" '
        'drone:GimbalPitchDegree="-90.0"/>'
    )
    found = read(tmp_path, xmp, "Autel Robotics", "XT709")
    assert (found.lat_deg, found.lon_deg, found.alt_home_m) == (LAT, LON, 60.0)
    assert found.alt_amsl_m == pytest.approx(547.6 - N_ZURICH, abs=1.0)
    assert angles(found) == (45.0, -90.0, 0.0)


def test_autel_older_firmware_counts_pitch_from_straight_down(tmp_path: Path) -> None:
    xmp = (
        '<rdf:Description rdf:about="Autel Robotics Meta Data" xmlns:Camera="http://pix4d.com/camera/1.0" '
        'Camera:Pitch="60" Camera:Yaw="90" Camera:Roll="0" Camera:VertCS="ellipsoidal"/>'
    )
    found = read(tmp_path, xmp, "Autel Robotics", "XB015", height_m=500.0)
    assert found.alt_amsl_m == 500.0
    assert angles(found) == (90.0, -30.0, 0.0)
    np.testing.assert_allclose(looks(found), [0.0, np.cos(np.radians(30)), 0.5], atol=1e-12)


@pytest.mark.parametrize("as_attributes", [True, False])
def test_skydio_camera_in_ned_among_tags_of_the_same_names(tmp_path: Path, as_attributes: bool) -> None:
    structures = {
        "CameraOrientationFLU": (-20.0, 35.0, 1.0),
        "CameraOrientationNED": (20.0, -35.0, -1.0),
        "VehicleOrientationNED": (25.0, 3.0, 2.0),
    }
    written = []
    for name, (yaw, pitch, roll) in structures.items():
        fields = {"Yaw": yaw, "Pitch": pitch, "Roll": roll}
        if as_attributes:
            inner = " ".join(f'drone-skydio:{key}="{value}"' for key, value in fields.items())
            written.append(f"<drone-skydio:{name} {inner}/>")
        else:
            inner = "".join(f"<drone-skydio:{key}>{value}</drone-skydio:{key}>" for key, value in fields.items())
            written.append(f'<drone-skydio:{name} rdf:parseType="Resource">{inner}</drone-skydio:{name}>')
    xmp = (
        '<rdf:Description rdf:about="" xmlns:drone-skydio="https://www.skydio.com/drone-skydio/1.0/">'
        "<drone-skydio:Latitude>47.25</drone-skydio:Latitude><drone-skydio:Longitude>8.5</drone-skydio:Longitude>"
        "<drone-skydio:AbsoluteAltitude>540.5</drone-skydio:AbsoluteAltitude>"
        f"<drone-skydio:RelativeAltitude>33.0</drone-skydio:RelativeAltitude>{''.join(written)}</rdf:Description>"
    )
    found = read(tmp_path, xmp, "Skydio", "2", height_m=1.0)
    assert (found.lat_deg, found.lon_deg, found.alt_amsl_m, found.alt_home_m) == (LAT, LON, 540.5, 33.0)
    assert angles(found) == (20.0, -35.0, -1.0)


PARROT = 'xmlns:drone-parrot="http://www.parrot.com/drone-parrot/1.0/" xmlns:Camera="http://pix4d.com/camera/1.0"'


@pytest.mark.parametrize(("model", "ellipsoidal"), [("Anafi", False), ("ANAFI USA", False), ("ANAFI Ai", True)])
def test_parrot_says_it_in_ned_and_which_datum_depends_on_the_model(
    tmp_path: Path, model: str, ellipsoidal: bool
) -> None:
    xmp = (
        f'<rdf:Description rdf:about="" {PARROT} Camera:Pitch="11.6" Camera:Yaw="176.3" Camera:Roll="-0.3" '
        'Camera:AboveGroundAltitude="4915200/65536" drone-parrot:CameraYawDegree="176.310745" '
        'drone-parrot:CameraPitchDegree="-78.362686" drone-parrot:CameraRollDegree="-0.322913"/>'
    )
    found = read(tmp_path, xmp, "Parrot", model, height_m=500.0)
    assert angles(found) == (176.310745, -78.362686, -0.322913)
    assert found.alt_home_m == 75.0
    assert found.alt_amsl_m == pytest.approx(500.0 - (N_ZURICH if ellipsoidal else 0.0), abs=1.0)


@pytest.mark.parametrize(("written", "pitch"), [("0.0", -90.0), ("65.0", -25.0), ("-80.0", -80.0)])
def test_parrot_with_pix4d_tags_alone(tmp_path: Path, written: str, pitch: float) -> None:
    xmp = f'<rdf:Description rdf:about="" {PARROT} Camera:Pitch="{written}" Camera:Yaw="10" Camera:Roll="0"/>'
    assert angles(read(tmp_path, xmp, "Parrot", "Bebop 2")) == (10.0, pitch, 0.0)


def test_teal_adds_the_camera_to_the_platform_and_writes_fractions(tmp_path: Path) -> None:
    xmp = (
        '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PlatformYaw="35000/100" '
        'exif:CameraYaw="2000/100" exif:PlatformPitch="-300/100" exif:CameraPitch="-4200/100" '
        'exif:PlatformRoll="35900/100" exif:CameraRoll="-100/100"/>'
    )
    found = read(tmp_path, xmp, "Teledyne FLIR", "Hadron 640R EO", height_m=1337.5)
    assert angles(found) == (10.0, -45.0, -2.0)
    assert found.alt_amsl_m == 1337.5


def test_an_unknown_maker_counts_from_the_sea_and_has_no_attitude(tmp_path: Path) -> None:
    found = read(tmp_path, '<rdf:Description rdf:about=""/>', "Sony", "ILCE-QX1", height_m=480.0)
    assert (found.lat_deg, found.lon_deg, found.alt_amsl_m, found.alt_home_m) == (LAT, LON, 480.0, None)
    assert angles(found) == (None, None, None)


def test_angles_that_are_all_zero_were_never_measured(tmp_path: Path) -> None:
    zero = dict.fromkeys(GIMBAL, "0.0")
    found = read(tmp_path, dji(AbsoluteAltitude="+540.20", **zero), "DJI")
    assert angles(found) == (None, None, None)
    assert any("angles are all 0" in note for note in found.notes)
