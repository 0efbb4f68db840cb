"""The dataset on disk: LeRobotDataset v3, written and read with numpy and pyarrow alone.

    info = read_info("runs/demo/data")                  # what it holds
    frames = read_episode(info, 0)                      # one episode by feature
    steering = frames["action"][:, 0]                   # the clean label, in [-1, 1], left positive
    jpeg = frames["observation.images.front"][0]        # bytes

`layout.py` says where things stand, `writer.py` how they get there in one step.
"""

from drive.dataset.checking import Problem, check
from drive.dataset.layout import (
    ACTION_NAMES,
    FRONT_IMAGE,
    INDEX_COLUMNS,
    STATE_NAMES,
    VIEW_IMAGE,
    Features,
    lane_features,
)
from drive.dataset.reader import (
    DatasetInfo,
    EpisodeRow,
    iter_episodes,
    iter_frames,
    read_episode,
    read_info,
)
from drive.dataset.writer import DatasetWriter

__all__ = [
    "ACTION_NAMES",
    "FRONT_IMAGE",
    "INDEX_COLUMNS",
    "STATE_NAMES",
    "VIEW_IMAGE",
    "DatasetInfo",
    "DatasetWriter",
    "EpisodeRow",
    "Features",
    "Problem",
    "check",
    "iter_episodes",
    "iter_frames",
    "lane_features",
    "read_episode",
    "read_info",
]
