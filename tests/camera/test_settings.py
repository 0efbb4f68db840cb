"""A camera by a TOML file, by plain values and by flags."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import tyro

import drive  # noqa: F401 - registers the environments
from drive.camera import Camera, CameraFlags, read_camera
from drive.core.errors import UserError
from drive.record import RecordConfig

FILE = """
[camera]
width_px = 64
height_px = 48
fov_deg = 70
x = 1.2
z = 1.1
yaw_deg = 4.0
pitch_deg = 8
roll_deg = -1.5
lens = "brown-conrady"
distortion = [-0.2, 0.04, 0, 0, 0.0]
"""
CAMERA = Camera(
    64, 48, 70.0, 1.2, z=1.1, yaw_deg=4.0, pitch_deg=8.0, roll_deg=-1.5, lens="brown-conrady",
    distortion=(-0.2, 0.04, 0.0, 0.0, 0.0),
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "camera.toml").write_text(FILE)
    return tmp_path / "camera.toml"


def test_a_file_gives_the_camera_and_flags_go_before_it(file: Path) -> None:
    assert read_camera(file) == read_camera(str(file)) == CAMERA
    file.write_text(FILE, encoding="utf-8-sig")  # as editors on Windows write it
    assert read_camera(file) == CAMERA
    config = tyro.cli(RecordConfig, args=["set", "--camera", str(file), "--camera-height-m", "2"])
    assert config.camera == Camera(**CAMERA.to_json() | {"z": 2.0})
    assert config.to_json()["camera"] == config.camera.to_json()


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_environments_take_a_file_or_plain_values(make: Callable[..., Any], file: Path) -> None:
    for given in (file, str(file), CAMERA.to_json()):
        with closing(make("drive/Lane-v0", camera=given)) as env:
            assert env.unwrapped.task.camera == CAMERA
    with closing(make("drive/Lane-v0", cameras={"front": {"width_px": 32}, "left": file})) as env:
        assert env.unwrapped.world.cameras == {"front": Camera(width_px=32), "left": CAMERA}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fov": 70.0}, r"camera: unknown key 'fov'; did you mean fov_deg\? known: width_px, "),
        ({"hight_px": 3}, r"did you mean height_px or "),
        ({"fov_deg": "70"}, r"camera: fov_deg: expected float, got str"),
        ({"width_px": 320.5}, r"camera: width_px: expected int, got float"),
        ({"x": True}, r"camera: x: expected float, got bool"),
        ({"distortion": [0.1, "a"]}, r"camera: distortion\[1\]: expected float, got str"),
        ({"z": 140}, r"camera: z is 140.0 m above the ground; take 0.2 to 10 m"),
        ({"x": 1500.0}, r"camera: x is 1500.0 m ahead of the rear axle; take -10 to 10 m"),
        ({"y": float("nan")}, r"camera: y is nan"),
        ({"yaw_deg": 361.0}, r"camera: yaw_deg is 361.0; take -180 to 180 degrees"),
        ({"lens": "fisheye"}, r"camera: lens is 'fisheye'; take one of pinhole"),
        ({1: 2}, r"camera: unknown key 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(values: dict[Any, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        gymnasium.make("drive/Lane-v0", camera=values)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width_px = 64", "has width_px beside the table"),
        ("", "lacks the table"),
        ("camera = 3", "lacks the table"),
        ("[camera]\nfov = 3", r"\[camera\]: unknown key 'fov'; did you mean fov_deg"),
        ("[camera]\nfov_deg = 3.0", r"\[camera\]: fov_deg is 3.0; take 10 to 150"),
        ("[camera", "is no TOML file"),
        ("a = " + 5000 * "[", "is no TOML file"),
        ("\x00\xff", "is no TOML file"),
        ('[camera]\noutputs = ["depth"]', "commands use rgb alone"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_is_named(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "my camera.toml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=message) as told:
        _ = CameraFlags(camera=path).front
    assert str(path) in str(told.value) and "\n" not in str(told.value)
