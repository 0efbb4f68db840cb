"""A clumsy driver's recording: as bad as meant, and a dataset like any other."""

from pathlib import Path

import numpy as np

from drive.camera import Camera
from drive.dataset import check, read_episode, read_info
from tests.web.serve.clumsy import ROADS, record_clumsily


def test_a_clumsy_driver_wobbles_along_and_is_recorded(tmp_path: Path) -> None:
    kept, crashed = record_clumsily(
        tmp_path / "d", seconds=60.0, seed=102, camera=Camera(width_px=64, height_px=32)
    )
    info = read_info(tmp_path / "d")
    assert check(tmp_path / "d") == []
    assert info.total_frames == 1200
    assert kept + crashed == info.total_episodes and kept >= 1
    learn = np.concatenate([info.training_mask(row.index) for row in info.episodes])
    assert learn.mean() > 0.4
    columns = ["action", "expert.action", "privileged.lateral_offset_m"]
    episodes = [read_episode(info, row.index, columns) for row in info.episodes]
    offset = np.concatenate([np.abs(one["privileged.lateral_offset_m"]) for one in episodes])
    assert 0.15 < offset.mean() < 0.7  # the expert: 0.04
    difference = np.concatenate([one["action"][:, 0] - one["expert.action"][:, 0] for one in episodes])
    assert np.abs(difference).mean() > 0.03


def test_the_next_road_after_a_while_every_third_from_corner_to_corner(tmp_path: Path) -> None:
    camera = Camera(width_px=64, height_px=32)
    record_clumsily(tmp_path / "d", seconds=4.0, seed=102, camera=camera, road_s=1.0, maps=ROADS)
    info = read_info(tmp_path / "d")
    assert info.total_frames == 80
    drives = [(row.seed, row.length, info.recording_of(row.index)) for row in info.episodes]
    assert [(seed, length, recording["map"]) for seed, length, recording in drives if recording] == [
        (102, 20, "generated"),
        (103, 20, "generated"),
        (104, 20, "generated corners"),
        (105, 20, "generated"),
    ]
    assert [info.road_of(i) for i in range(4)] == [("generated", seed) for seed in range(102, 106)]
