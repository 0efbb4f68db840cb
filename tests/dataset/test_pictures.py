"""Damaged pictures are found and named, one by one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from drive.dataset import FRONT_IMAGE, check, read_info
from drive.dataset.files import frames_file
from drive.dataset.layout import arrow_schema
from drive.dataset.pictures import damaged_pictures
from drive.dataset.reader import read_episode
from tests.dataset.test_dataset import CAMERA, write

SHAPE = (80, 160, 3)


def picture(seed: int, kind: str = ".jpg") -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)
    return bytes(cv2.imencode(kind, cv2.GaussianBlur(noise, (9, 9), 3))[1])


def torn(data: bytes, how: str) -> bytes:
    middle = len(data) // 2
    return {
        "truncated": data[:middle],
        "closed": data[:middle] + b"\xff\xd9",  # what a camera writes when it is switched off
        "altered": data[:middle] + bytes(40) + data[middle + 40 :],
        "head": data[:10] + bytes(60) + data[70:],
        "empty": b"",
        "other": b"GIF89a",
    }[how]


@pytest.mark.parametrize(
    ("kind", "how"),
    [(".jpg", how) for how in ("truncated", "closed", "head", "empty", "other")]
    + [(".png", how) for how in ("truncated", "closed", "altered", "head", "empty", "other")],
)  # a JPEG altered in its middle may be a JPEG of something else: the file's checksums tell
def test_a_damaged_picture_is_found_among_whole_ones(kind: str, how: str) -> None:
    pictures = [picture(i, kind) for i in range(70)]
    pictures[66] = torn(pictures[66], how)
    with ThreadPoolExecutor(2) as pool:
        found = list(damaged_pictures(pictures, SHAPE, pool))
    assert [number for number, _ in found] == [66]


def test_whole_pictures_of_another_size_are_found() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert list(damaged_pictures([picture(0)], SHAPE, pool)) == []
        found = list(damaged_pictures([picture(0)], (160, 80, 3), pool))
    assert found == [(0, "is 160 x 80 px, not 80 x 160")]


def test_the_check_names_episode_and_frame_of_what_was_recorded_torn(tmp_path: Path) -> None:
    write(tmp_path, [5, 6])
    info = read_info(tmp_path)
    values = read_episode(info, 1)
    data = values[FRONT_IMAGE][4]
    values[FRONT_IMAGE][4] = data[: len(data) // 2] + b"\xff\xd9"
    values[FRONT_IMAGE][2] = data[:50]
    values["action"] = np.array(values["action"])
    values["action"][3, 1] = np.nan
    path = tmp_path / "data/chunk-000/file-001.parquet"
    path.write_bytes(frames_file(values, arrow_schema(info.features)))
    assert CAMERA.height_px == 16
    found = [(one.path, one.kind, one.episode, one.frame) for one in check(tmp_path, decode=True)]
    assert found == [(path, "damaged", 1, 3), (path, "damaged", 1, 2), (path, "damaged", 1, 4)]
    assert [one.frame for one in check(tmp_path)] == [3, 2]


def test_several_damaged_files_are_all_named(tmp_path: Path) -> None:
    write(tmp_path, [3, 3, 3, 3])
    bad = [
        tmp_path / f"{name}/chunk-000/file-00{i}.parquet" for name, i in (("meta/episodes", 1), ("data", 3))
    ]
    for path in bad:
        path.write_bytes(path.read_bytes()[:-20])
    problems = check(tmp_path, decode=True)
    for path in bad:
        assert any(str(path) in one.message for one in problems), path
