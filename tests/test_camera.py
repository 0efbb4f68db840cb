"""The camera's flags, which several commands share."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tyro

from drive import cli
from drive.camera import CameraFlags
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
    assert list(kept)[-len(CAMERA) :] == CAMERA and "camera_flags" not in kept
    assert [kept[name] for name in CAMERA] == [64, 160, 90.0, 1.4, 5.0]


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
