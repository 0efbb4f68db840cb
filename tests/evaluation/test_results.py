"""The results' folder: exact actions back, and a full disk told in one line."""

import errno
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.evaluation.results import (
    EpisodeLog,
    check_folder,
    prepare_folder,
    read_rows,
    read_steering,
    steps_table,
)


def drive(agent: str, scenario: str, steering: np.ndarray, **shadows: np.ndarray) -> SimpleNamespace:
    trace = {"x": np.zeros(len(steering), np.float32), "lateral_offset": np.ones(len(steering), np.float32)}
    row = {"agent": agent, "scenario": scenario}
    return SimpleNamespace(row=row, steering=steering, trace=trace, shadow_steering=shadows)


def test_stored_steering_comes_back_exactly(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(1)
    drives = [
        drive("net", "lane/0", rng.uniform(-1, 1, 7).astype(np.float32).astype(np.float64)),
        drive("net", "lane/1", np.zeros(0)),
        drive("straight", "lane/0", np.zeros(3), net=np.array([0.5, np.nan, 0.25], np.float32)),
    ]
    table = steps_table(drives)
    parquet.write_table(table, tmp_path / "steps.parquet")
    found = read_steering(tmp_path)
    assert list(found) == [("net", "lane/0"), ("straight", "lane/0")]
    assert np.array_equal(found["net", "lane/0"], drives[0].steering)
    assert table["shadow.net"].to_pylist() == [None] * 7 + [0.5, None, 0.25]


def test_a_full_disk_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UserError, match=r"episodes\.jsonl\.part: no space left on the disk; free some"):
        EpisodeLog(tmp_path)


def test_damaged_results_are_named(tmp_path: Path) -> None:
    (tmp_path / "episodes.jsonl").write_text('{"agent": ')
    with pytest.raises(UserError, match="holds no complete results"):
        read_rows(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UserError, match=r"episodes\.jsonl is damaged"):
        read_rows(tmp_path)
    (tmp_path / "steps.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"steps\.parquet is missing or damaged"):
        read_steering(tmp_path)


def test_a_disk_full_at_the_last_byte_is_told_in_one_line(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match="no space left on the disk"), EpisodeLog(tmp_path) as log:
        log._file.close()
        log._file = SimpleNamespace(close=full)  # type: ignore[assignment]


def test_a_folder_is_checked_without_a_trace(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_earlier_results_and_leftovers_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "episodes.jsonl.part").write_text("")
    (tmp_path / "summary.json").write_text("{}")
    prepare_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
