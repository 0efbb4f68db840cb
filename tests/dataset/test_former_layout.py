"""Datasets of the former layout: read as they are, rewritten by a copy, not appended to."""

import json
from pathlib import Path

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.dataset import check, read_episode, read_info
from drive.dataset.copying import copy_episodes, whole_episodes
from tests.dataset.former_layout import to_former_layout
from tests.dataset.test_dataset import write


@pytest.fixture
def former(tmp_path: Path) -> tuple[Path, list[dict]]:
    root = tmp_path / "former"
    episodes = write(root, [4, 3])
    to_former_layout(root)
    names = json.loads((root / "meta/info.json").read_text())["features"]
    assert {"observation.images.view", "action.view", "action.executed", "view.yaw_rad"} <= set(names)
    return root, episodes


def test_it_is_read_under_todays_names(former: tuple[Path, list[dict]]) -> None:
    root, episodes = former
    info = read_info(root)
    for i, written in enumerate(episodes):
        read = read_episode(info, i)
        assert list(read) == list(info.features) and set(written) < set(read)
        for name, values in written.items():
            assert np.array_equal(np.asarray(read[name]), np.asarray(values)), name
    assert check(root) == []


def test_it_is_not_appended_to_and_a_copy_has_todays_layout(
    former: tuple[Path, list[dict]], tmp_path: Path
) -> None:
    root, episodes = former
    with pytest.raises(UserError, match=f"layout of an older version.*drive data merge NEW {root}"):
        write(root, [2], first_seed=9)
    info = read_info(root)
    write(tmp_path / "today", [2], first_seed=9)
    copy = copy_episodes(
        tmp_path / "new", [(one, whole_episodes(one)) for one in (info, read_info(tmp_path / "today"))]
    )
    assert not copy.former and copy.total_frames == 9 and check(copy.root) == []
    for name, values in episodes[1].items():
        assert np.array_equal(np.asarray(read_episode(copy, 1)[name]), np.asarray(values)), name
