"""The camera's flags, which several commands share."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tyro

from drive import cli
from drive.camera import OUTPUTS, Camera, CameraFlags, camera_outputs
from drive.core.errors import UserError
from drive.record import RecordConfig
from drive.web.serve.command import ServeConfig

CAMERA = [field.name for field in fields(CameraFlags)]


@pytest.mark.parametrize(("command", "config"), [("record", RecordConfig), ("serve", ServeConfig)])
def test_the_help_lists_the_commands_own_flags_first_and_the_cameras_last(
    command: str, config: type[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["drive", command, "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    listed = re.findall(r"^\W --([a-z-]+)", capsys.readouterr().out, re.M)
    own = [field.name for field in fields(config) if field.name not in ("out", "camera_flags")]
    assert listed == [name.replace("_", "-") for name in own + CAMERA]


def test_the_flags_give_the_camera_and_are_kept_beside_the_commands_own() -> None:
    said = ["set", "--episodes", "3", "--width-px", "64", "--camera-pitch-deg", "5"]
    config = tyro.cli(RecordConfig, args=said)
    asked = RecordConfig(Path("set"), 3, camera_flags=CameraFlags(width_px=64, camera_pitch_deg=5.0))
    assert config == asked
    assert (config.camera.width_px, config.camera.height_px, config.camera.pitch_deg) == (64, 160, 5.0)
    kept = config.to_json()
    assert kept["camera"] == config.camera.to_json() and "camera_flags" not in kept
    json.dumps(kept)


@pytest.mark.parametrize("command", ["record set", "serve"])
def test_a_camera_that_cannot_be_is_refused_by_every_command(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["drive", *command.split(), "--fov-deg", "180"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: The camera cannot be built: Camera.fov_deg is 180.0")
    with pytest.raises(UserError, match="Camera size 2x160"):
        CameraFlags(width_px=2)


# -- lens, mount and outputs ------------------------------------------------------------------------------


def test_points_are_shown_where_opencv_projects_them() -> None:
    points = np.stack(np.meshgrid([6.0, 12.0], [-2.0, 1.0], [0.0, 1.5]), axis=-1).reshape(-1, 3)
    mount: dict[str, Any] = {
        "x": 1.0,
        "y": 0.2,
        "z": 1.6,
        "pitch_deg": 8.0,
        "yaw_deg": -12.0,
        "roll_deg": 20.0,
    }
    for lens, distortion, project in (
        ("pinhole", (), cv2.projectPoints),
        ("brown-conrady", (-0.2, 0.04, 0.001, -0.002, 0.0), cv2.projectPoints),
        ("kannala-brandt", (0.01, -0.02, 0.004, 0.0), cv2.fisheye.projectPoints),
    ):
        camera = Camera(lens=lens, distortion=distortion, fov_deg=100.0, **mount)
        transform = camera.camera_from_vehicle
        rotation, shift = cv2.Rodrigues(transform[:3, :3])[0], transform[:3, 3].copy()
        numbers = np.array(camera.coefficients or (0.0,) * 5)
        expected = project(points[:, None], rotation, shift, camera.intrinsics, numbers)[0][:, 0]
        np.testing.assert_allclose(camera.project(points), expected, atol=1e-9)
        x, y = camera.rays(*expected.T)
        seen = points @ transform[:3, :3].T + shift
        np.testing.assert_allclose((x, y), (seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]), atol=1e-8)


def test_the_field_of_view_is_the_lenss_own() -> None:
    for lens, distortion in (
        ("pinhole", ()),
        ("brown-conrady", (-0.2, 0.04, 0.0, 0.0, 0.0)),
        ("kannala-brandt", (0.01, -0.02, 0.004, 0.0)),
    ):
        camera = Camera(fov_deg=110.0, lens=lens, distortion=distortion)
        x, y = camera.rays(np.array([0.0, 320.0]), np.array([80.0, 80.0]))
        np.testing.assert_allclose(np.degrees(np.arctan(x)), [-55.0, 55.0], atol=1e-6)
        np.testing.assert_allclose(y, 0.0, atol=1e-9)


def test_a_camera_rolled_clockwise_sees_the_left_side_higher_up() -> None:
    left, right = Camera(roll_deg=10.0).project(np.array([[20.0, 5.0, 1.4], [20.0, -5.0, 1.4]]))
    upright = Camera().project(np.array([20.0, 5.0, 1.4]))
    assert (
        left[1] > upright[1] > right[1]
    )  # its right side hangs down, so the picture turns counter-clockwise


def test_what_stands_behind_is_shown_nowhere() -> None:
    assert np.isnan(Camera().project(np.array([-5.0, 0.0, 0.0]))).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lens": "fish"}, "take one of pinhole, brown-conrady, kannala-brandt"),
        ({"distortion": [0.1]}, "take none"),
        ({"lens": "kannala-brandt", "distortion": [0.1]}, "take the 4 numbers k1, k2, k3, k4"),
        (
            {"lens": "brown-conrady", "distortion": [float("nan")] * 5},
            "take the 5 numbers k1, k2, p1, p2, k3",
        ),
        (
            {"lens": "brown-conrady", "distortion": [-0.9, 0, 0, 0, 0], "fov_deg": 120},
            "take a smaller fov_deg",
        ),
        ({"lens": "kannala-brandt", "fov_deg": 150}, "more than 80 degrees"),
        ({"roll_deg": 200}, "take -180 to 180"),
        ({"outputs": ()}, "take one or more of rgb, depth, labels, instances"),
        ({"outputs": ("rgb", "rgb")}, "each once"),
        ({"outputs": ("flow",)}, "take one or more"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Camera(**fields)


def test_a_plain_cameras_file_is_what_it_always_was_and_every_camera_survives_json() -> None:
    old = {
        "width_px": 320, "height_px": 160, "fov_deg": 90.0, "x": 1.5, "y": 0.0, "z": 1.4, "pitch_deg": 3.0,
        "yaw_deg": 0.0,
    }  # fmt: skip
    assert Camera().to_json() == old and Camera(**old) == Camera()
    rich = Camera(
        roll_deg=5.0, lens="brown-conrady", distortion=(0.1, 0.0, 0.0, 0.0, 0.0), outputs=("rgb", "depth")
    )
    assert Camera(**json.loads(json.dumps(rich.to_json()))) == rich
    assert hash(rich) == hash(Camera(**rich.to_json()))


def test_a_lens_that_bends_lines_has_no_homography_of_the_ground() -> None:
    with pytest.raises(UserError, match="take a pinhole"):
        _ = Camera(lens="kannala-brandt").image_from_ground
    rolled = Camera(roll_deg=15.0)
    u, v, w = rolled.image_from_ground @ np.array([9.0, 1.0, 1.0])
    np.testing.assert_allclose((u / w, v / w), rolled.project(np.array([9.0, 1.0, 0.0])))


def test_pictures_have_keys_by_camera_and_output() -> None:
    cameras = {
        "front": Camera(outputs=("depth", "rgb")),
        "left": Camera(width_px=64, height_px=48, outputs=OUTPUTS),
        "rear": Camera(yaw_deg=180.0),
    }
    found = camera_outputs(cameras)
    assert [one.key for one in found] == [
        "camera", "depth_front", "camera_left", "depth_left", "labels_left", "instances_left", "camera_rear",
    ]  # fmt: skip
    shapes = {one.key: (one.shape, one.dtype) for one in found}
    assert shapes["camera"] == ((160, 320, 3), np.uint8) and shapes["depth_left"] == ((48, 64), np.float32)
    assert shapes["labels_left"] == ((48, 64), np.uint8) and shapes["instances_left"] == ((48, 64), np.int32)
    assert all(np.isfinite(one.high) for one in found)
    for wrong, message in (({"left": Camera()}, "named 'front'"), ({**cameras, "a-b": Camera()}, "'a-b'")):
        with pytest.raises(UserError, match=message):
            camera_outputs(wrong)
