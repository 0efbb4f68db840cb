"""The camera's flags, which several commands share."""

from dataclasses import fields
from pathlib import Path

import pytest

from drive.camera_flags import CameraFlags
from drive.errors import UserError
from drive.record import RecordConfig
from drive.serve.command import ServeConfig

CAMERA = [field.name for field in fields(CameraFlags)]


@pytest.mark.parametrize("config", [RecordConfig, ServeConfig])
def test_a_command_lists_its_own_flags_first_and_the_cameras_last(config: type[CameraFlags]) -> None:
    names = [field.name for field in fields(config)]
    assert names[-len(CAMERA) :] == CAMERA and len(set(names)) == len(names) > len(CAMERA)


def test_the_camera_takes_no_position_among_the_arguments() -> None:
    config = RecordConfig(Path("set"), 3, width_px=64, camera_pitch_deg=5.0)
    assert (config.out, config.episodes) == (Path("set"), 3)
    assert (config.camera.width_px, config.camera.height_px, config.camera.pitch_deg) == (64, 160, 5.0)
    assert [config.to_json()[name] for name in CAMERA] == [64, 160, 90.0, 1.4, 5.0]


def test_a_camera_that_cannot_be_is_refused_by_every_command() -> None:
    for make in (lambda: RecordConfig(Path("set"), fov_deg=180.0), lambda: ServeConfig(fov_deg=180.0)):
        with pytest.raises(UserError, match="The camera cannot be built"):
            make()
