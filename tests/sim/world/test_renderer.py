"""Frames: geometry against `mapping`'s projection, repeatability, one ground under all frames, a look that the shipped
detector knows."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from shapely.geometry import Polygon

from mapping.ground.camera import Camera, pixel_rays, project
from mapping.ground.frame import LocalFrame
from mapping.ground.pose import rotation_ned_from_camera
from sim.world.projection import CameraPose, View, camera_pose
from sim.world.renderer import Renderer, render, true_boxes
from sim.world.scene import Object, Scene, populate
from vision.boxes import iou
from vision.detector import load_detector

LAT, LON = 23.0412, 88.8958
CAR = Object("vehicle-001", "vehicle", "car", LAT, LON, 30.0, 4.4, 1.8, 1.48, 0.0)
PERSON = Object("person-001", "person", "standing", LAT, LON, 200.0, 0.4, 0.6, 1.7, 1.0)
ATTITUDES = [(0.0, -90.0, 0.0), (137.0, -83.0, 4.0), (251.0, -86.0, -7.0), (310.0, -60.0, 0.0)]


def pose_over(
    east_m: float, north_m: float, yaw: float, pitch: float, roll: float, height_m: float = 60.0
) -> CameraPose:
    lat, lon = LocalFrame(LAT, LON).to_geodetic(east_m, north_m)
    return CameraPose(float(lat), float(lon), height_m, yaw, pitch, roll)


def aimed(yaw: float, pitch: float, roll: float, height_m: float = 60.0) -> CameraPose:
    """A pose from which the middle of the picture looks at a point a few metres beside the scene's origin."""
    axis = rotation_ned_from_camera(yaw, pitch, roll).as_matrix() @ [0.0, 0.0, 1.0]
    north, east = -axis[0] / axis[2] * height_m, -axis[1] / axis[2] * height_m
    return pose_over(east + 3.0, north - 2.0, yaw, pitch, roll, height_m)


def expected_pixel(camera: Camera, pose: CameraPose, up_m: float) -> np.ndarray:
    """Where mapping's own projection puts a point over the scene's origin."""
    east, north = LocalFrame(LAT, LON).to_local(pose.lat_deg, pose.lon_deg)
    ned = np.array([-float(north), -float(east), pose.height_m - up_m])
    turned = rotation_ned_from_camera(pose.yaw_deg, pose.pitch_deg, pose.roll_deg).inv().apply(ned)
    return project(camera, turned[None])[0]


@pytest.mark.parametrize("attitude", ATTITUDES)
@pytest.mark.parametrize("item", [CAR, PERSON], ids=["car", "person"])
@pytest.mark.parametrize("distortion", [(0.0, 0.0, 0.0, 0.0, 0.0), (-0.25, 0.08, 0.001, -0.001, 0.0)])
def test_an_object_is_drawn_where_the_projection_puts_it(
    camera: Camera, item: Object, attitude: tuple[float, float, float], distortion: tuple[float, ...]
) -> None:
    lens = replace(camera, distortion=distortion)
    pose = aimed(*attitude)
    with_it = render(Scene((item,), 4, LAT, LON), lens, pose).astype(float)
    without = render(Scene((), 4, LAT, LON), lens, pose).astype(float)
    changed = np.abs(with_it - without)
    changed[changed < 12] = 0
    rows, columns = np.nonzero(changed)
    (box,) = true_boxes(Scene((item,), 4, LAT, LON), lens, pose)
    where = expected_pixel(lens, pose, item.height_m / 2)
    drawn = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
    boxed = np.array([box.x1_px + box.x2_px, box.y1_px + box.y2_px]) / 2
    assert np.abs(drawn - boxed).max() < 2.0
    # An upright figure is no point: its box may lie off its middle by a fraction of the figure.
    assert np.abs(boxed - where).max() < (4.0 if item is CAR else 3.0)
    near_box = (columns > box.x1_px - 4) & (columns < box.x2_px + 4) & (rows > box.y1_px - 4) & (rows < box.y2_px + 4)
    assert near_box.mean() > 0.97


@pytest.mark.parametrize("attitude", ATTITUDES)
def test_the_centre_of_mass_of_a_flat_thing_lies_where_the_projection_puts_it(
    camera: Camera, attitude: tuple[float, float, float]
) -> None:
    """A vehicle pressed flat has the outline of a rounded rectangle round its middle, whatever is drawn on its roof."""
    item = replace(CAR, height_m=0.02)
    pose = aimed(*attitude)
    with_it, without = (render(Scene(held, 4, LAT, LON), camera, pose).astype(float) for held in ((item,), ()))
    rows, columns = np.nonzero(np.abs(with_it - without) > 8)
    outline = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    moments = cv2.moments(outline)
    centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"] + 0.5
    assert np.abs(centre - expected_pixel(camera, pose, 0.0)).max() < 2.0


def test_pixels_and_ground_agree_with_mapping(camera: Camera) -> None:
    pose = pose_over(10.0, -20.0, 77.0, -81.0, 5.0)
    view = View(camera, pose, LocalFrame(LAT, LON))
    east, north, hit = view.ground_map(12.0)
    assert hit.all()
    corner, _ = view.to_pixels(np.array([[east[1, 1], north[1, 1], 0.0]]))
    assert corner[0] == pytest.approx([4.0, 4.0], abs=1e-6)
    rays = pixel_rays(camera, corner) @ view.enu_from_camera.T
    assert rays[0, 2] < 0


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(scene: Scene, camera: Camera) -> None:
    pose = pose_over(0.0, 0.0, 20.0, -88.0, 1.0)
    one, other = Renderer(scene), Renderer(scene)
    other.frame(camera, pose_over(30.0, 12.0, 0.0, -90.0, 0.0), 8)
    assert one.frame(camera, pose, 3).tobytes() == other.frame(camera, pose, 3).tobytes()
    assert one.frame(camera, pose, 3).tobytes() != one.frame(camera, pose, 4).tobytes()
    elsewhere = render(replace(scene, seed=scene.seed + 1), camera, pose, 3)
    ours = one.frame(camera, pose, 3)
    assert abs(np.corrcoef(ours.ravel(), elsewhere.ravel())[0, 1]) < 0.6


def test_frames_agree_on_the_ground(camera: Camera) -> None:
    """The overlap of two frames shows the same ground once one is warped into the other."""
    renderer = Renderer(Scene((), 11, LAT, LON))
    frame = LocalFrame(LAT, LON)
    poses = pose_over(0.0, 0.0, 90.0, -87.0, 2.0), pose_over(9.0, 4.0, 102.0, -91.5, -3.0)
    views = [View(camera, pose, frame) for pose in poses]
    first, second = (renderer.frame(camera, pose, shot).astype(np.float32) for shot, pose in enumerate(poses))
    x, y = np.meshgrid(np.arange(640) + 0.5, np.arange(512) + 0.5)
    rays = pixel_rays(camera, np.stack([x.ravel(), y.ravel()], axis=1)) @ views[0].enu_from_camera.T
    ground = views[0].position + rays * (views[0].position[2] / -rays[:, 2])[:, None]
    pixels, _ = views[1].to_pixels(ground)
    maps = (pixels - 0.5).astype(np.float32).reshape(512, 640, 2)
    warped = cv2.remap(second, maps, None, cv2.INTER_LINEAR, borderValue=-1.0)
    both = warped >= 0
    assert both.mean() > 0.4
    assert np.corrcoef(first[both], warped[both])[0, 1] > 0.9
    # Shifted by a metre it does not fit any more.
    fine = first - cv2.GaussianBlur(first, (0, 0), 6)
    moved = warped - cv2.GaussianBlur(warped, (0, 0), 6)
    inner = cv2.erode(both.astype(np.uint8), np.ones((41, 41))) > 0
    here = np.corrcoef(fine[inner], moved[inner])[0, 1]
    there = np.corrcoef(fine[inner], np.roll(moved, 20, axis=1)[inner])[0, 1]
    assert here > 0.35
    assert here > there + 0.25


def test_frames_have_the_grey_levels_of_a_night_flight(camera: Camera) -> None:
    """Mean, spread and noise as measured on the 60-90 m night frames of HIT-UAV."""
    renderer = Renderer(Scene((), 21, LAT, LON))
    for shot, east in enumerate((0.0, 60.0, 140.0)):
        frame = renderer.frame(camera, pose_over(east, 10.0, 15.0, -89.0, 0.0), shot)
        assert frame.dtype == np.uint8
        assert frame.shape == (512, 640)
        assert 105 < frame.mean() < 145
        assert 6 < frame.std() < 50
        detail = frame.astype(float) - cv2.GaussianBlur(frame.astype(float), (0, 0), 3)
        patches = [detail[y : y + 24, x : x + 24].std() for y in range(40, 450, 24) for x in range(40, 580, 24)]
        assert 1.0 < np.percentile(patches, 5) < 2.4


def test_true_boxes_are_cut_at_the_frame(camera: Camera) -> None:
    scene = Scene((CAR,), 4, LAT, LON)
    whole = true_boxes(scene, camera, pose_over(0.0, 0.0, 0.0, -90.0, 0.0))
    assert whole[0].visible == pytest.approx(1.0)
    assert 70 < max(whole[0].x2_px - whole[0].x1_px, whole[0].y2_px - whole[0].y1_px) < 100
    half_width = 320 * 60 / camera.fx_px
    cut = true_boxes(scene, camera, pose_over(half_width, 0.0, 0.0, -90.0, 0.0))
    assert cut[0].x1_px == 0.0
    assert 0.3 < cut[0].visible < 0.7
    assert true_boxes(scene, camera, pose_over(60.0, 0.0, 0.0, -90.0, 0.0)) == []


@pytest.mark.parametrize("pitch", [-90.0, -30.0, 5.0])
def test_any_attitude_gives_a_frame(camera: Camera, pitch: float) -> None:
    frame = render(Scene((CAR, PERSON), 4, LAT, LON), camera, pose_over(0.0, -40.0, 0.0, pitch, 0.0, height_m=30.0))
    assert frame.shape == (512, 640)
    assert frame.std() > 2


def test_very_low_over_a_vehicle(camera: Camera) -> None:
    frame = render(Scene((CAR,), 4, LAT, LON), camera, pose_over(0.0, 0.0, 0.0, -90.0, 0.0, height_m=4.0))
    assert frame.shape == (512, 640)


def test_the_shipped_weights_find_people_and_vehicles(area: Polygon, camera: Camera, shutter: type) -> None:
    """Twelve frames of three worlds through JPEG into the detector that was trained on real frames only."""
    detector = load_detector()
    counted = {"person": [0, 0], "vehicle": [0, 0]}
    for seed in (31, 32, 33):
        scene = populate(area, seed, persons=60, vehicles=25)
        renderer, draw = Renderer(scene), np.random.default_rng(seed)
        for shot in range(4):
            target = scene.objects[int(draw.integers(len(scene.objects)))]
            fired = shutter(
                index=shot,
                lat_deg=target.lat_deg,
                lon_deg=target.lon_deg,
                yaw_deg=float(draw.uniform(0, 360)),
                pitch_deg=float(draw.normal(0, 3)),
                roll_deg=float(draw.normal(0, 2)),
            )
            pose = camera_pose(camera, fired)
            _, coded = cv2.imencode(".jpg", renderer.frame(camera, pose, shot), [cv2.IMWRITE_JPEG_QUALITY, 90])
            boxes = detector.detect([cv2.imdecode(coded, cv2.IMREAD_COLOR)], 0.25)[0]
            for true in renderer.boxes(camera, pose):
                if true.visible > 0.999:
                    counted[true.object_class][0] += any(
                        label_fits(label, true.object_class) and overlap(xyxy, true) > 0.3
                        for label, xyxy in zip(boxes.label, boxes.xyxy, strict=True)
                    )
                    counted[true.object_class][1] += 1
    for found, there in counted.values():
        assert there >= 10
        assert found / there >= 0.8


def label_fits(label: str, object_class: str) -> bool:
    return label.lower() == object_class


def overlap(xyxy: np.ndarray, true: object) -> float:
    """Intersection over union of a detected and a true box."""
    other = np.array([getattr(true, side) for side in ("x1_px", "y1_px", "x2_px", "y2_px")])
    return float(iou(xyxy[None], other[None])[0, 0])
