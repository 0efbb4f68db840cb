"""`drive data merge` and `split` as a user meets them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drive.commands.data.copies import DataMergeConfig, DataSplitConfig, apportion, choose, main
from drive.core.errors import UserError
from drive.dataset import DatasetWriter, check, exclude, read_info
from tests.dataset.test_dataset import CAMERA, make_columns, write


@given(st.integers(2, 400), st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4))
def test_shares_become_whole_numbers_that_add_up(total: int, weights: list[float]) -> None:
    total = max(total, len(weights))
    shares = [weight / sum(weights) for weight in weights]
    counts = apportion(total, shares)
    assert sum(counts) == total and min(counts) >= 1
    if all(share * total >= 1 for share in shares):
        assert all(abs(count - share * total) < 1 for count, share in zip(counts, shares, strict=True))


def seeds(root: Path) -> list[int | None]:
    return [row.seed for row in read_info(root).episodes]


def test_a_split_takes_each_episode_once_and_the_same_again(tmp_path: Path) -> None:
    write(tmp_path / "set", [2] * 20)
    exclude(tmp_path / "set", 7)
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        main(DataSplitConfig(tmp_path / "set", tmp_path / name, ("train=0.7", "val=0.2", "test=0.1"), seed))
    parts = {name: seeds(tmp_path / "first" / name) for name in ("train", "val", "test")}
    assert [len(found) for found in parts.values()] == [14, 4, 2]
    assert sorted(seed for found in parts.values() for seed in found if seed is not None) == list(range(20))
    assert all(found == seeds(tmp_path / "again" / name) for name, found in parts.items())
    assert any(found != seeds(tmp_path / "other" / name) for name, found in parts.items())
    for name, found in parts.items():
        info = read_info(tmp_path / "first" / name)
        left_out = [i for i in range(len(found)) if not info.training_mask(i).any()]
        assert [found[i] for i in left_out] == [7] * (7 in found)
        assert check(info.root) == []


def test_drives_on_the_same_road_stay_together(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="person") as writer:
        for i in range(12):
            writer.add_episode(make_columns(2, i), seed=i // 3)
    info = read_info(tmp_path)
    for seed in range(5):
        chosen = choose(info, {"train": 0.75, "val": 0.25}, seed)
        roads = [{info.episodes[episode].seed for episode in found} for found in chosen.values()]
        assert [len(found) for found in chosen.values()] == [9, 3] and not roads[0] & roads[1]
    with pytest.raises(UserError, match="has 12 episodes on 4 roads, too few for 5 parts"):
        choose(info, dict.fromkeys("abcde", 0.2), 0)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (("train=0.7", "val=0.2"), "add up to 0.9; make it 1"),
        (("train",), "--part train is no NAME=SHARE"),
        (("train=1.5",), "is no NAME=SHARE"),
        (("train=nan",), "is no NAME=SHARE"),
        (("../x=1",), "is no NAME=SHARE"),
        (("a=0.5", "a=0.5"), "--part a is given twice"),
    ],
)
def test_parts_that_make_no_sense_are_refused(part: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DataSplitConfig(Path("set"), Path("out"), part)


def test_a_split_that_fails_leaves_no_part(tmp_path: Path) -> None:
    write(tmp_path / "set", [2] * 4)
    path = tmp_path / "set/data/chunk-000/file-002.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    for seed in range(4):
        with pytest.raises(UserError, match="file-002"):
            main(DataSplitConfig(tmp_path / "set", tmp_path / "out", ("a=0.5", "b=0.5"), seed))
        assert not any((tmp_path / "out").iterdir())
    (tmp_path / "out/note").write_text("mine")
    with pytest.raises(UserError, match="holds other things"):
        main(DataSplitConfig(tmp_path / "set", tmp_path / "out"))


def test_a_merge_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a", [4, 2])
    write(tmp_path / "b", [3], first_seed=1)
    main(DataMergeConfig(tmp_path / "out", (tmp_path / "a", tmp_path / "b")))
    said = capsys.readouterr().out
    assert "1 seed is in more than one" in said and "3 episodes, 9 frames" in said
    with pytest.raises(UserError, match="named twice"):
        main(DataMergeConfig(tmp_path / "two", (tmp_path / "a", tmp_path / "b", tmp_path / "b/../a")))
    exclude(tmp_path / "a", 0)
    main(DataMergeConfig(tmp_path / "less", (tmp_path / "a",), learned_only=True))
    assert seeds(tmp_path / "less") == [1]
    exclude(tmp_path / "a", 1)
    with pytest.raises(UserError, match="no episode is left to copy"):
        main(DataMergeConfig(tmp_path / "none", (tmp_path / "a",), learned_only=True))
