"""There and back: what went out comes in again."""

import csv
import json
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest

from drive.commands.data import exporting
from drive.commands.data.exporting import ExportConfig
from drive.commands.data.importing import ImportConfig, main
from drive.core.errors import UserError
from drive.dataset import DatasetInfo, exclude, read_episode, read_info
from tests.interchange.sources import donkey, udacity
from tests.models.synthetic import write_lines

Format = Literal["donkey", "udacity", "minari", "rlds"]


def export(data: Path, out: Path, format: Format, **settings: Any) -> Path:
    exporting.main(ExportConfig(data, out, format, **settings))
    return out


def assert_same(a: DatasetInfo, b: DatasetInfo, names: list[str] | None = None) -> None:
    """Bitwise the same pictures, numbers to 1e-6, the same episodes, rate and camera."""
    assert [row.length for row in a.episodes] == [row.length for row in b.episodes]
    assert (a.fps, a.camera, a.calibrated) == (b.fps, b.camera, b.calibrated)
    for i in range(a.total_episodes):
        one, other = read_episode(a, i), read_episode(b, i)
        for name in names or a.features:
            if isinstance(one[name], list):
                assert one[name] == other[name], name
            else:
                np.testing.assert_allclose(one[name], other[name], rtol=0.0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("times", ["kept", "none"])
def test_udacity_comes_back_equal(tmp_path: Path, times: str) -> None:
    log = udacity(tmp_path / "log", frames=20, rate_hz=7.0, pause_before={12: 40.0})
    main(ImportConfig(source=log, out=tmp_path / "one"))
    export(tmp_path / "one", tmp_path / "log2", "udacity")
    main(ImportConfig(source=tmp_path / "log2", out=tmp_path / "two"))
    assert_same(read_info(tmp_path / "one"), read_info(tmp_path / "two"))
    pictures = [
        sorted((p.name, p.read_bytes()) for p in f.iterdir())
        for f in (tmp_path / "log" / "IMG", tmp_path / "log2" / "IMG")
    ]
    assert pictures[0] == pictures[1]
    with log.open() as one, (tmp_path / "log2" / "driving_log.csv").open() as two:
        rows, again = list(csv.reader(one)), list(csv.reader(two))
    assert again[0] == ["center", "left", "right", "steering", "throttle", "brake", "speed"]
    before = np.array([row[3:] for row in rows], np.float64)
    np.testing.assert_allclose(
        np.array([row[3:] for row in again[1:]], np.float64), before, rtol=3e-7, atol=1e-7
    )


def test_a_tub_comes_back_equal(tmp_path: Path) -> None:
    tub = donkey(tmp_path / "tub", sessions=("22-08-13_0", "22-08-13_1"), speed_key="enc/speed")
    main(ImportConfig(source=tub, out=tmp_path / "one"))
    export(tmp_path / "one", tmp_path / "tub2", "donkey")
    main(ImportConfig(source=tmp_path / "tub2", out=tmp_path / "two"))
    assert read_info(tmp_path / "two").total_episodes == 2
    assert_same(read_info(tmp_path / "one"), read_info(tmp_path / "two"))
    for name in ("0_cam_image_array_.jpg", "11_cam_image_array_.jpg"):
        assert (tub / "images" / name).read_bytes() == (tmp_path / "tub2" / "images" / name).read_bytes()
    records = [
        json.loads(line) for line in (tmp_path / "tub2" / "catalog_0.catalog").read_text().splitlines()
    ]
    assert records[7]["user/angle"] == pytest.approx(7 / 20 - 0.2, abs=1e-7)
    assert records[7]["_timestamp_ms"] == 1660396688209 + 350


def test_a_written_tub_has_the_lines_that_donkey_car_expects(tmp_path: Path) -> None:
    data = write_lines(tmp_path / "data", episodes=3, length=400)
    tub = export(data, tmp_path / "tub", "donkey")
    lines = (tub / "manifest.json").read_text().splitlines()
    inputs, types, metadata, sessions, catalogs = map(json.loads, lines)
    assert len(lines) == 5 and len(inputs) == len(types) and metadata == {}
    assert sessions["sessions"]["all_full_ids"] == ["20-01-01_0", "20-01-01_1", "20-01-01_2"]
    assert catalogs == {
        "paths": ["catalog_0.catalog", "catalog_1.catalog"],
        "current_index": 1200,
        "max_len": 1000,
        "deleted_indexes": [],
    }
    about = json.loads((tub / "catalog_1.catalog_manifest").read_text())
    data_lines = (tub / "catalog_1.catalog").read_bytes().splitlines(keepends=True)
    assert about["start_index"] == 1000 and about["line_lengths"] == [len(line) for line in data_lines]
    record = json.loads(data_lines[0])
    assert record["_index"] == 1000 and (tub / "images" / record["cam/image_array"]).is_file()
    frames = read_episode(data, 2)
    assert record["user/angle"] == pytest.approx(-float(np.asarray(frames["action"])[200, 0]))


@pytest.mark.parametrize("format", ["donkey", "udacity"])
def test_our_own_recordings_come_back_equal(tmp_path: Path, format: Format) -> None:
    data = write_lines(tmp_path / "data", episodes=3, length=30)
    export(data, tmp_path / "theirs", format, max_steering_deg=45.0)
    main(ImportConfig(source=tmp_path / "theirs", out=tmp_path / "back"))
    back = read_info(tmp_path / "back")
    names = ["observation.images.front", "observation.command", "action", "timestamp", "episode_index"]
    assert_same(read_info(data), back, names)
    assert back.calibrated
    before, after = (np.asarray(read_episode(one, 0)["observation.state"])[:, 0] for one in (data, back))
    np.testing.assert_allclose(after, before, rtol=3e-7)


def test_what_udacity_cannot_hold_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_lines(tmp_path / "data", episodes=1, length=200)
    beyond = int((np.abs(np.asarray(read_episode(data, 0)["action"])[:, 0]) > np.radians(25) / 0.6).sum())
    export(data, tmp_path / "log", "udacity")
    assert beyond and f"{beyond} frames steer beyond 25 degrees" in capsys.readouterr().out
    with (tmp_path / "log" / "driving_log.csv").open() as file:
        steering = [float(row["steering"]) for row in csv.DictReader(file)]
    assert max(map(abs, steering)) == 1.0


@pytest.mark.parametrize("format", ["donkey", "udacity"])
def test_excluded_frames_stay_out_and_what_is_left_stays_apart(tmp_path: Path, format: Format) -> None:
    data = write_lines(tmp_path / "data", episodes=2, length=30)
    exclude(data, episode=0, start=10, stop=12)
    exclude(data, episode=1)
    export(data, tmp_path / "theirs", format)
    main(ImportConfig(source=tmp_path / "theirs", out=tmp_path / "back"))
    back = read_info(tmp_path / "back")
    assert [row.length for row in back.episodes] == [10, 18]
    whole = read_episode(data, 0)["observation.images.front"]
    assert read_episode(back, 1)["observation.images.front"] == whole[12:]


@pytest.mark.parametrize("format", ["donkey", "udacity"])
def test_pngs_stay_pngs(tmp_path: Path, format: Format) -> None:
    log = udacity(tmp_path / "log", frames=4, sides=False)
    text = log.read_text()
    for path in (tmp_path / "log" / "IMG").iterdir():
        pixels = cv2.imread(str(path))
        path.with_suffix(".png").write_bytes(bytes(cv2.imencode(".png", pixels)[1]))
        path.unlink()
    log.write_text(text.replace(".jpg", ".png"))
    main(ImportConfig(source=log, out=tmp_path / "one"))
    export(tmp_path / "one", tmp_path / "theirs", format)
    assert len(list((tmp_path / "theirs").rglob("*.png"))) == 4
    main(ImportConfig(source=tmp_path / "theirs", out=tmp_path / "two"))
    assert_same(
        read_info(tmp_path / "one"), read_info(tmp_path / "two"), ["observation.images.front", "action"]
    )


def test_nothing_is_written_over_or_left_half(tmp_path: Path) -> None:
    data = write_lines(tmp_path / "data", episodes=1, length=5)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="holds other things"):
        export(data, tmp_path / "full", "donkey")
    exclude(data, episode=0)
    with pytest.raises(UserError, match="no frame to export"):
        export(data, tmp_path / "out", "donkey")
    with pytest.raises(UserError, match="does not exist"):
        export(tmp_path / "none", tmp_path / "out", "donkey")
    with pytest.raises(UserError, match="keeps our steering"):
        ExportConfig(data, tmp_path / "out", "rlds", max_steering_deg=25.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "full"]
