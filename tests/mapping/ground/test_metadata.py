from __future__ import annotations

import dataclasses
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from mapping.ground.metadata import ImagePose, read_image_pose, write_image_pose
from mapping.ground.pose import Poses
from vision.errors import InputError

NIGHT_S = 1_795_371_300.5  # 2026-11-22 18:15:00.5 UTC
POSE = Poses.from_columns(
    1,
    time_s=NIGHT_S,
    lat_deg=23.0415,
    lon_deg=88.8901,
    alt_amsl_m=71.5,
    alt_home_m=60.25,
    yaw_deg=271.5,
    pitch_deg=-89.0,
    roll_deg=-1.25,
)
NOTHING = ImagePose(width_px=16, height_px=12, jfif=True)

DJI_ELEMENTS = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/">
<drone-dji:AbsoluteAltitude>+120.50</drone-dji:AbsoluteAltitude>
<drone-dji:RelativeAltitude>+80.10</drone-dji:RelativeAltitude>
<drone-dji:GpsLatitude>+47.25000000</drone-dji:GpsLatitude>
<drone-dji:GpsLongtitude>-8.50000000</drone-dji:GpsLongtitude>
<drone-dji:GimbalYawDegree>-90.00</drone-dji:GimbalYawDegree>
<drone-dji:GimbalPitchDegree>-45.00</drone-dji:GimbalPitchDegree>
<drone-dji:GimbalRollDegree>+0.00</drone-dji:GimbalRollDegree>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return jpeg(tmp_path / "plain.jpg")


def jpeg(path: Path, exif: Image.Exif | None = None, xmp: bytes = b"") -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (12, 16), dtype=np.uint8)
    Image.fromarray(pixels).save(path, exif=exif or Image.Exif(), xmp=xmp)
    return path


def picture_of(path: Path) -> bytes:
    content = path.read_bytes()
    return content[content.index(b"\xff\xdb") :]


def test_image_that_says_nothing(plain: Path, tmp_path: Path) -> None:
    assert read_image_pose(plain) == NOTHING
    Image.new("L", (16, 12)).save(tmp_path / "a.png")
    assert read_image_pose(tmp_path / "a.png") == dataclasses.replace(NOTHING, jfif=False)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\xff\xd8\xff\xe0\x00\x10JFIF"])
def test_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    for use in (lambda: read_image_pose(path), lambda: write_image_pose(path, POSE, 0)):
        with pytest.raises(InputError, match=r"broken\.jpg: ") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert path.read_bytes() == content
    with pytest.raises(InputError, match="no such image"):
        read_image_pose(tmp_path / "absent.jpg")


def test_what_is_written_is_read_back_and_the_picture_untouched(plain: Path) -> None:
    before = picture_of(plain)
    write_image_pose(plain, POSE, 0, model='Boson "640" & lens')
    assert picture_of(plain) == before
    assert read_image_pose(plain) == ImagePose(
        time_s=NIGHT_S,
        lat_deg=23.0415,
        lon_deg=88.8901,
        alt_amsl_m=71.5,
        alt_home_m=60.25,
        yaw_deg=271.5,
        pitch_deg=-89.0,
        roll_deg=-1.25,
        width_px=16,
        height_px=12,
        model='Boson "640" & lens',
    )
    once = plain.read_bytes()
    write_image_pose(plain, POSE, 0)
    assert read_image_pose(plain).model == 'Boson "640" & lens'
    assert len(plain.read_bytes()) == len(once)
    assert [path.name for path in plain.parent.iterdir()] == ["plain.jpg"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    time_s=st.floats(0.0, 4e9),
    lat=st.floats(-90.0, 90.0),
    lon=st.floats(-180.0, 180.0),
    height=st.floats(-400.0, 9000.0),
    yaw=st.floats(0.0, 359.99),
    pitch=st.floats(-90.0, 90.0),
    roll=st.floats(-180.0, 180.0),
)
def test_any_pose_survives_within_rounding(
    plain: Path, time_s: float, lat: float, lon: float, height: float, yaw: float, pitch: float, roll: float
) -> None:
    pose = Poses.from_columns(
        1,
        time_s=time_s,
        lat_deg=lat,
        lon_deg=lon,
        alt_amsl_m=height,
        alt_home_m=height,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )
    write_image_pose(plain, pose, 0)
    found = read_image_pose(plain)
    assert found.notes == ()
    assert found.time_s == pytest.approx(time_s, abs=2e-6)
    assert (found.alt_amsl_m, found.alt_home_m) == (pytest.approx(height, abs=1e-3), pytest.approx(height, abs=1e-3))
    assert found.yaw_deg is not None
    assert math.cos(math.radians(found.yaw_deg - yaw)) == pytest.approx(1.0, abs=1e-9)
    assert (found.pitch_deg, found.roll_deg) == (pytest.approx(pitch, abs=1e-4), pytest.approx(roll, abs=1e-4))
    if abs(lat) > 1e-6 or abs(lon) > 1e-6:  # the place 0, 0 means "no fix" in image metadata
        assert (found.lat_deg, found.lon_deg) == (pytest.approx(lat, abs=1e-8), pytest.approx(lon, abs=1e-8))


@pytest.mark.parametrize(("lat", "lon"), [(-35.3633531, 149.1645859), (46.9999999999, -91.99), (0.5, -0.25)])
def test_exif_alone_gives_place_height_and_time_to_other_programs(plain: Path, lat: float, lon: float) -> None:
    pose = dataclasses.replace(POSE, lat_deg=np.array([lat]), lon_deg=np.array([lon]), alt_amsl_m=np.array([-2.5]))
    write_image_pose(plain, pose, 0)
    with Image.open(plain) as image:
        exif = image.getexif()
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2026:11:22 18:15:00"
        assert all(float(part) < 60 for part in exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude][1:])
        bare = io.BytesIO()
        Image.new("L", (16, 12)).save(bare, "JPEG", exif=exif.tobytes())
    plain.write_bytes(bare.getvalue())
    found = read_image_pose(plain)
    assert (found.lat_deg, found.lon_deg) == (pytest.approx(lat, abs=2e-9), pytest.approx(lon, abs=2e-9))
    assert (found.alt_amsl_m, found.time_s) == (-2.5, NIGHT_S)
    assert found.yaw_deg is None


def test_unknown_pose_writes_no_position(plain: Path) -> None:
    write_image_pose(plain, Poses.from_columns(1, time_s=NIGHT_S), 0)
    assert read_image_pose(plain) == dataclasses.replace(NOTHING, time_s=NIGHT_S, jfif=False)


def test_exif_that_is_there_is_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "a person"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ISOSpeedRatings: 400}
    path = jpeg(tmp_path / "a.jpg", exif)
    write_image_pose(path, POSE, 0)
    with Image.open(path) as image:
        assert image.getexif()[ExifTags.Base.Artist] == "a person"
        assert image.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 400


def test_xmp_of_others_is_not_overwritten(tmp_path: Path) -> None:
    path = jpeg(tmp_path / "dji.jpg", xmp=DJI_ELEMENTS)
    before = path.read_bytes()
    with pytest.raises(InputError, match="XMP metadata of another program"):
        write_image_pose(path, POSE, 0)
    assert path.read_bytes() == before


def test_only_jpeg_is_written(tmp_path: Path) -> None:
    Image.new("L", (16, 12)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="JPEG images only"):
        write_image_pose(tmp_path / "a.png", POSE, 0)


def test_dji_elements_with_the_misspelt_longitude(tmp_path: Path) -> None:
    found = read_image_pose(jpeg(tmp_path / "dji.jpg", xmp=DJI_ELEMENTS))
    assert (found.lat_deg, found.lon_deg, found.alt_amsl_m, found.alt_home_m) == (47.25, -8.5, 120.5, 80.1)
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (270.0, -45.0, 0.0)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("said", "time_s"), [("2026-11-22T18:15:00.500000", NIGHT_S), ("2026-11-22T18:15:00.5Z", NIGHT_S), ("soon", None)]
)
def test_dji_says_when_it_exposed(tmp_path: Path, said: str, time_s: float | None) -> None:
    element = f"<drone-dji:UTCAtExposure>{said}</drone-dji:UTCAtExposure></rdf:Description>"
    xmp = DJI_ELEMENTS.replace(b"</rdf:Description>", element.encode())
    assert read_image_pose(jpeg(tmp_path / "dji.jpg", xmp=xmp)).time_s == time_s


def test_dji_frame_as_taken(shared: Path) -> None:
    found = read_image_pose(shared / "data/flights/brighton-beach/DJI_0018.JPG")
    assert found == ImagePose(
        lat_deg=pytest.approx(46 + 50 / 60 + 33.3855 / 3600),
        lon_deg=pytest.approx(-(91 + 59 / 60 + 40.4156 / 3600)),
        alt_amsl_m=198.31,
        alt_home_m=39.8,
        yaw_deg=45.0,
        pitch_deg=-89.9,
        roll_deg=0.0,
        width_px=4000,
        height_px=2250,
        make="DJI",
        model="FC300S",
        focal_px=pytest.approx(20.0 / 43.2666 * 5000.0, rel=1e-4),
        focal_source="EXIF says 20 mm on 35 mm film; no distortion",
        notes=("its time has no time zone and was not used",),
    )


def test_dji_frame_that_a_viewer_turned_is_noticed(shared: Path) -> None:
    found = read_image_pose(shared / "data/flights/brighton-beach/DJI_0024.JPG")
    assert found.yaw_deg == 220.0
    assert found.notes[0] == (
        "suspicious: saved anew by Microsoft Windows Photo Viewer 10.0.10240.16384 at 2016:06:23 19:24:38 (taken at "
        "2016:06:23 16:32:43): if it was turned or cropped, its attitude no longer fits the picture"
    )


def with_exif(path: Path, main: dict[int, object], detail: dict[int, object], gps: dict[int, object]) -> ImagePose:
    exif = Image.Exif()
    for tag, value in main.items():
        exif[tag] = value
    exif[ExifTags.IFD.Exif], exif[ExifTags.IFD.GPSInfo] = detail, gps
    return read_image_pose(jpeg(path, exif))


def test_time_needs_its_zone_or_gps(tmp_path: Path) -> None:
    taken = {ExifTags.Base.DateTimeOriginal: "2026:11:23 00:15:00", ExifTags.Base.SubsecTimeOriginal: "5"}
    gps = {ExifTags.GPS.GPSDateStamp: "2026:11:22", ExifTags.GPS.GPSTimeStamp: (18.0, 15.0, 1.0)}
    path = tmp_path / "a.jpg"
    assert with_exif(path, {}, taken | {ExifTags.Base.OffsetTimeOriginal: "+06:00"}, {}).time_s == NIGHT_S
    assert with_exif(path, {}, taken, gps).time_s == NIGHT_S + 0.5
    alone = with_exif(path, {}, taken, {})
    assert alone.time_s is None
    assert alone.notes == ("its time has no time zone and was not used",)


def test_turned_and_resized_pictures_are_noticed(tmp_path: Path) -> None:
    found = with_exif(
        tmp_path / "a.jpg",
        {ExifTags.Base.Orientation: 6, ExifTags.Base.Software: "GIMP 2.10.36"},
        {ExifTags.Base.ExifImageWidth: 12, ExifTags.Base.ExifImageHeight: 16},
        {},
    )
    assert [note.removeprefix("suspicious: ").split(":")[0] for note in found.notes] == [
        "saved anew by GIMP 2.10.36",
        "EXIF orientation 6",
        "EXIF says 12 x 16 pixels, the picture has 16 x 12",
    ]


def test_firmware_and_equal_times_are_no_rewriting(tmp_path: Path) -> None:
    stamp = "2026:11:22 18:15:00"
    main = {ExifTags.Base.Software: "v01.23.4920", ExifTags.Base.DateTime: stamp, ExifTags.Base.Orientation: 1}
    found = with_exif(tmp_path / "a.jpg", main, {ExifTags.Base.DateTimeOriginal: stamp}, {})
    assert not any("saved anew" in note for note in found.notes)


@pytest.mark.parametrize(
    "gps",
    [
        {ExifTags.GPS.GPSLatitude: (0.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (0.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: (IFDRational(0, 0),) * 3, ExifTags.GPS.GPSLongitude: (IFDRational(8, 1),) * 3},
        {ExifTags.GPS.GPSLatitude: (123.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (8.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: (12.0,), ExifTags.GPS.GPSLongitude: (8.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSDateStamp: "yesterday"},
    ],
)
def test_places_that_are_none(tmp_path: Path, gps: dict[int, object]) -> None:
    assert with_exif(tmp_path / "a.jpg", {}, {}, gps) == NOTHING


@pytest.mark.parametrize(
    "xmp",
    [
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><unclosed></x:xmpmeta>",
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><!DOCTYPE a [<!ENTITY b 'c'>]></x:xmpmeta>",
        b"garbage",
    ],
)
def test_damaged_xmp_is_said_and_not_read(tmp_path: Path, xmp: bytes) -> None:
    found = read_image_pose(jpeg(tmp_path / "a.jpg", xmp=xmp))
    assert found == dataclasses.replace(NOTHING, notes=("its XMP metadata is damaged and was not read",))


@pytest.mark.parametrize("cut", range(0, 300, 23))
def test_damaged_exif_counts_as_none(plain: Path, cut: int) -> None:
    write_image_pose(plain, POSE, 0)
    content = bytearray(plain.read_bytes())
    content[30 + cut : 34 + cut] = b"\xff\xfe\xfd\xfc"
    plain.write_bytes(bytes(content))
    found = read_image_pose(plain)
    assert (found.width_px, found.height_px) == (16, 12)
