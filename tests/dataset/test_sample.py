"""The recordings that come with the program: they stay readable, and their README stays true."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import tyro

from drive import cli
from drive.camera import Camera
from drive.dataset import FRONT_IMAGE, VIEW_IMAGE, check, hand_features, iter_episodes, read_info
from drive.episode import End
from drive.record import RecordConfig

DATA = Path(__file__).parents[2] / "data"
SAMPLE = DATA / "sample"


def test_sample_is_whole_and_small() -> None:
    assert check(SAMPLE) == []
    assert sum(path.stat().st_size for path in DATA.glob("sample/**/*") if path.is_file()) < 3_000_000


def test_sample_shows_roads_with_labels() -> None:
    info = read_info(SAMPLE)
    assert (info.total_episodes, info.total_frames, info.fps) == (3, 240, 10)
    for row, frames in iter_episodes(info):
        assert row.seed is not None and row.seed < 1_000_000 and row.driver == "expert"
        for name in (FRONT_IMAGE, VIEW_IMAGE):
            for jpeg in frames[name][::30]:
                picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
                assert picture.shape == (info.camera.height_px, info.camera.width_px, 3)
                assert picture.std() > 10.0
        steering = np.asarray(frames["action"])[:, 0]
        assert 0.01 < np.abs(steering).max() < 1.0
        assert np.abs(np.asarray(frames["privileged.lateral_offset_m"])).max() < 1.5


def test_readme_names_the_command_that_made_it() -> None:
    command = re.search(r"^drive record (.*)$", (DATA / "README.md").read_text(), re.M)
    assert command is not None
    config = tyro.cli(RecordConfig, args=shlex.split(command.group(1)))
    info = read_info(SAMPLE)
    assert config.out == Path("data/sample") and config.episodes == info.total_episodes
    assert config.camera == info.camera and config.fps == info.fps
    (recording,) = info.recordings
    today = config.to_json()
    assert {name: today[name] for name in recording["config"]} == recording["config"]
    later = today.keys() - recording["config"].keys()  # settings that came since
    assert all(today[name] == getattr(RecordConfig(Path("data/sample")), name) for name in later)


def test_readme_reads_it_in_a_few_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    code = re.search(r"```python\n(.*?)```", (DATA / "README.md").read_text(), re.S)
    assert code is not None
    (tmp_path / "data").symlink_to(DATA)
    monkeypatch.chdir(tmp_path)
    exec(code.group(1), {})
    assert "10 frames/s; 80 frames" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "frame.jpg")).shape == (80, 160, 3)


def test_readme_explains_every_column() -> None:
    table = (DATA / "README.md").read_text()
    for name in (*read_info(SAMPLE).features, *hand_features(Camera()), *End):
        assert f"`{name}`" in table


COMMANDS = re.findall(r"^(drive data .*?)(?: {3,}.*)?$", (DATA / "README.md").read_text(), re.M)


@pytest.mark.parametrize("line", COMMANDS)
def test_readme_commands_are_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    understood: list[object] = []
    monkeypatch.setattr(cli, "run", understood.append)
    monkeypatch.setattr("sys.argv", shlex.split(line))
    cli.main()
    assert len(COMMANDS) >= 7 and type(understood[0]).__name__.lower() == f"data{line.split()[2]}config"
