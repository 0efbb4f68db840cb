"""The dataset on disk: LeRobotDataset v3, written and read with numpy and pyarrow alone.

    info = read_info("runs/demo/data")                  # what it holds
    frames = read_episode(info, 0)                      # one episode by feature
    steering = frames["action"][:, 0]                   # the clean label, in [-1, 1], left positive
    jpeg = frames["observation.images.front"][0]        # bytes
    learn = info.training_mask(0)                       # (T,) frames that no person has excluded

A drive by a person, alone or taking over from an agent (`driver` is then the agent's name):

    with DatasetWriter(
        root, fps=20, camera=camera, driver="person", features=hand_features(camera),
        person="Ada", note="first try with a wheel", map_name="Town02",
    ) as writer:
        index = writer.add_episode(
            columns,            # every feature of hand_features(camera) but INDEX_COLUMNS
            seed=17,            # of the scenario; None where there is none
            scenario=..., weather=...,
            ended="stopped",    # a drive.episode.End; those that `failed` are written too, not trained on
        )                       # driver=, person=, note= here override the writer's

Its columns: `action` is the clean label to learn from (the person's own action where the person drives, the
expert's where an agent drives), `executed.action` what was driven, `expert.action` the expert's answer to
each frame, `intervention` 1 while the person drives and 0 while an agent does, `mark` 1 in a marked stretch.

Data of other programs: pass `calibrated=False` with a `Camera` of the pictures' size where nothing else is
known, any whole `fps`, features of your own (see `layout.lane_features`; training needs
`observation.images.front`, `action` with steering first, and the names of `observation.state`), and
`seed=None`.

What a person takes out afterwards stands beside the frames, and can be put back:

    exclude(root, episode=3, start=0, stop=120)         # frames; without them the whole episode
    restore(root, episode=3)                            # all of it, or frames [start, stop)
    mark(root, episode=3, start=0, stop=120)            # and unmark(...)
    read_edits(root).ranges("excluded", 3)              # ((0, 120),)

`layout.py` says where things stand, `writer.py` how they get there in one step.
"""

from drive.dataset.checking import Problem, check
from drive.dataset.editing import exclude, mark, restore, unmark
from drive.dataset.edits import Edits, read_edits
from drive.dataset.layout import (
    ACTION_NAMES,
    FRONT_IMAGE,
    INDEX_COLUMNS,
    STATE_NAMES,
    VIEW_IMAGE,
    Features,
    hand_features,
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
    "Edits",
    "EpisodeRow",
    "Features",
    "Problem",
    "check",
    "exclude",
    "hand_features",
    "iter_episodes",
    "iter_frames",
    "lane_features",
    "mark",
    "read_edits",
    "read_episode",
    "read_info",
    "restore",
    "unmark",
]
