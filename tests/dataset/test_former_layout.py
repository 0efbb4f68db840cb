"""Datasets of the former layout: read as they are, rewritten by a copy that can be continued and joined."""

import json
from pathlib import Path

import numpy as np
import pytest

from drive.commands.data.copies import DataMergeConfig, main
from drive.core.errors import UserError
from drive.dataset import check, lane_features, read_episode, read_info
from drive.dataset.checking import notes
from drive.dataset.layout import REWARD
from tests.dataset.former_layout import to_former_layout
from tests.dataset.test_dataset import CAMERA, write


@pytest.fixture
def former(tmp_path: Path) -> tuple[Path, list[dict]]:
    """A dataset, and what it holds of each episode."""
    root = tmp_path / "former"
    episodes = write(root, [4, 3])
    to_former_layout(root)
    names = json.loads((root / "meta/info.json").read_text())["features"]
    assert {"observation.images.view", "action.view", "action.executed", "view.yaw_rad"} <= set(names)
    return root, [{name: values[name] for name in values if name != REWARD} for values in episodes]


def holds(root: Path, *episodes: dict) -> None:
    """The dataset is whole and has these episodes, without rewards."""
    info = read_info(root)
    assert check(root) == [] and info.total_episodes == len(episodes) and REWARD not in info.features
    for i, written in enumerate(episodes):
        read = read_episode(info, i)
        assert list(read) == list(info.features) and set(written) - {REWARD} < set(read)
        for name in set(written) - {REWARD}:
            assert np.array_equal(np.asarray(read[name]), np.asarray(written[name])), name


def test_it_is_read_under_todays_names(former: tuple[Path, list[dict]]) -> None:
    holds(former[0], *former[1])


def test_it_is_not_appended_to_and_its_copy_is(former: tuple[Path, list[dict]], tmp_path: Path) -> None:
    root, episodes = former
    with pytest.raises(UserError, match=f"layout of an older version.*drive data merge NEW {root}"):
        write(root, [2], first_seed=9)
    main(DataMergeConfig(tmp_path / "new", (root,)))
    assert not read_info(tmp_path / "new").former
    episodes += write(tmp_path / "new", [2], first_seed=9)
    holds(tmp_path / "new", *episodes)
    with pytest.raises(UserError, match=r"other features.*view\.image"):  # only rewards may be missing
        write(tmp_path / "new", [2], features=lane_features(CAMERA, views=False))


@pytest.mark.parametrize("order", [1, -1])
def test_it_is_merged_with_one_of_today(
    former: tuple[Path, list[dict]], tmp_path: Path, capsys: pytest.CaptureFixture[str], order: int
) -> None:
    root, old = former
    new = write(tmp_path / "today", [2], first_seed=9)
    (root / "open-000000.journal").write_bytes(b"frames")
    main(DataMergeConfig(tmp_path / "both", (root, tmp_path / "today")[::order]))
    holds(tmp_path / "both", *[episode for part in (old, new)[::order] for episode in part])
    said = capsys.readouterr().out
    assert f"Note: {REWARD} is left out, {root} has none." in said
    assert f"move it into {tmp_path / 'both'} and start `drive serve --data {tmp_path / 'both'}`" in said
    [note] = notes(root)
    assert f"`drive data merge NEW {root}`, then move it into NEW and start `drive serve --data NEW`" in note
