"""A clumsy driver's recording: as bad as meant, and a dataset like any other."""

from pathlib import Path

import numpy as np

from drive.dataset import check, read_episode, read_info
from drive.sim.sensors.camera import Camera
from tests.serve.clumsy import record_clumsily


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
    columns = ["action", "action.expert", "privileged.lateral_offset_m"]
    episodes = [read_episode(info, row.index, columns) for row in info.episodes]
    offset = np.concatenate([np.abs(one["privileged.lateral_offset_m"]) for one in episodes])
    assert 0.15 < offset.mean() < 0.7  # the expert: 0.04
    difference = np.concatenate([one["action"][:, 0] - one["action.expert"][:, 0] for one in episodes])
    assert np.abs(difference).mean() > 0.03
