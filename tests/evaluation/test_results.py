"""The results' folder: whole drives back, kills at any moment, and a full disk told in one line."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.evaluation.episodes import (
    EPISODES,
    FILMS,
    LOGS,
    file_of,
    is_stored,
    read_episode,
    read_row,
    write_episode,
    write_film,
)
from drive.evaluation.figures import missing_drives, read_results
from drive.evaluation.report import page_of
from drive.evaluation.results import (
    COMPLETE,
    UNFINISHED,
    check_folder,
    holds_run,
    prepare_folder,
    put_in_place,
    read_earlier_steering,
    read_json,
    read_rows,
    run_folder,
    settle,
    write_report,
    write_results,
)
from drive.evaluation.summary import episode_row
from drive.scoring.suites import ScenarioRef, schedule
from tests.scoring.episodes import at, episode

ROUTE = np.linspace(0.0, 1.0, 40, dtype=np.float32).reshape(10, 4)
REFS = schedule(3)


def config(agents: tuple[str, ...] = ("net", "straight")) -> dict[str, Any]:
    """`config.json` of three scenarios."""
    found = {name: {"source": name, "privileged": False, "training_pictures": None} for name in agents}
    return {
        "suite": "lane",
        "map": None,
        "longitudinal": "cruise",
        "films": 1,
        "plan": {"episodes": 3, "junction_episodes": 0, "shadows": {}, "agents": found},
        "run": {"workers": 2, "machine": {"platform": "tests", "python": "3", "cores": 2}},
    }


def store(folder: Path, agent: str, ref: ScenarioRef, **changes: Any) -> None:
    changes = {"agent": agent, "scenario": f"lane/{ref.index}", "weather": "wet"} | changes
    write_episode(folder, ref, episode(40, **changes), ROUTE, 0.5)


def start(out: Path) -> Path:
    """A run of which the last drive of `straight` is missing."""
    run = prepare_folder(out, config())
    for ref in REFS:
        store(run, "net", ref, lateral_offset=at(40, {20: 2.0}) if ref.index else 0.0)
    for ref in REFS[:2]:
        store(run, "straight", ref)
    return run


def finish(run: Path) -> None:
    """All of the run's drives, and its results."""
    store(run, "straight", REFS[2])
    write_film(run, "net", REFS[0], b"film")
    results = read_results(run, 2.0)
    write_results(run, results.rows, results.summary, results.timing)
    write_report(run, page_of(run, results))


def test_an_episode_comes_back_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    driven = episode(
        40,
        agent="my net (1)",
        steering=rng.uniform(-1, 1, 40),
        acceleration_action=rng.uniform(-1, 1, 40),
        act_seconds=rng.uniform(0, 1, 40).astype(np.float32),
        shadow_steering={"a": rng.uniform(-1, 1, 40), "b/c": np.full(40, np.nan)},
        failure="act raised ValueError: no at step 40",
        extra={"seed": 7, "map": "M", "shadow_failures": {"b/c": "no"}},
    )
    write_episode(tmp_path, ScenarioRef(3, True), driven, ROUTE, 0.25)
    ref = ScenarioRef(3, True)
    path = file_of(tmp_path, EPISODES, driven.agent, ref)
    assert path.name == "junction-3.npz"
    back, route = read_episode(path, file_of(tmp_path, LOGS, driven.agent, ref))
    assert np.array_equal(route, ROUTE)
    for name, value in vars(driven).items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(getattr(back, name), value, equal_nan=True), name
            assert getattr(back, name).dtype == value.dtype
        elif name != "shadow_steering":
            assert getattr(back, name) == value
    for name, heard in driven.shadow_steering.items():
        assert np.array_equal(back.shadow_steering[name], heard, equal_nan=True)
    assert episode_row(back) == episode_row(driven)
    row = read_row(tmp_path, driven.agent, ref)
    assert (row.drive_seconds, row.row) == (0.25, episode_row(driven))
    assert np.isnan(read_episode(path)[0].act_seconds).all()


def test_clock_times_are_in_no_episodes_bytes(tmp_path: Path) -> None:
    for name, seconds in (("a", 0.1), ("b", 0.2)):
        store(tmp_path / name, "net", REFS[0], act_seconds=np.full(40, seconds))
    first, second = (file_of(tmp_path / name, EPISODES, "net", REFS[0]).read_bytes() for name in "ab")
    assert first == second


def test_names_of_agents_stay_inside_the_folder(tmp_path: Path) -> None:
    for name in ("..", ".", "a/b", "net:1"):
        path = file_of(tmp_path, EPISODES, name, REFS[0])
        assert path.resolve().parent.parent == (tmp_path / EPISODES).resolve()


def test_an_unfinished_run_has_figures_and_says_what_is_missing(tmp_path: Path) -> None:
    run = start(tmp_path)
    assert run_folder(tmp_path) == run
    (run / LOGS / "straight" / "2.txt").write_text("OSError: broken at step 3\n\nTraceback ...")
    results = read_results(run)
    assert missing_drives(run, results) == [
        "Missing: 1 of 3 drives of straight: 2.",
        "straight on scenario 2: an error of the program: OSError: broken at step 3.",
    ]
    agents = results.summary["agents"]
    assert (agents["net"]["episodes"], agents["straight"]["episodes"]) == (3, 2)
    (pair,) = results.summary["pairs"]
    assert pair["both"] + pair["only_first"] + pair["only_second"] + pair["neither"] == 2
    assert results.timing["wall_s"] is None
    page = page_of(run, results, ["Missing: one.", "\x1b[2J\x00 and \ud800"])
    assert "\ufffd[2J\ufffd and \ufffd" in page
    assert "Missing: one." in page and "with 2 workers on 2 cores" in page
    store(run, "straight", REFS[2])
    assert missing_drives(run, read_results(run)) == []


def test_an_agent_without_a_drive_is_only_missing(tmp_path: Path) -> None:
    run = prepare_folder(tmp_path, config())
    assert read_results(run).summary["agents"] == {}
    store(run, "net", REFS[1])
    results = read_results(run)
    assert list(results.summary["agents"]) == ["net"]
    assert missing_drives(run, results) == [
        "Missing: 2 of 3 drives of net: 0, 2.",
        "Missing: 3 of 3 drives of straight: 0-2.",
    ]
    page_of(run, results)


def test_figures_made_later_are_those_of_the_run(tmp_path: Path) -> None:
    finish(start(tmp_path))
    put_in_place(tmp_path)
    assert run_folder(tmp_path) == tmp_path and not (tmp_path / UNFINISHED).exists()
    again = read_results(tmp_path)
    assert json.loads(json.dumps(again.summary)) == read_json(tmp_path, "summary.json")
    assert json.loads(json.dumps(again.timing)) == read_json(tmp_path, "timing.json")
    assert [json.loads(json.dumps(drive.row)) for drive in again.drives] == read_rows(tmp_path)
    assert file_of(tmp_path, FILMS, "net", REFS[0], ".webm").read_bytes() == b"film"


def test_a_kill_while_results_are_put_in_place_loses_no_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each of its deletions and renames in turn, over results of an earlier run."""
    finish(start(tmp_path / "old"))
    put_in_place(tmp_path / "old")
    finish(start(tmp_path / "old"))
    done = killed_at = 0
    unlink, rename, rmtree = Path.unlink, Path.rename, shutil.rmtree

    def counting(call: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal done
            done += 1
            if done == killed_at:
                raise KeyboardInterrupt
            return call(*arguments, **options)

        return counted

    while True:
        out, done = tmp_path / f"kill {killed_at}", 0
        shutil.copytree(tmp_path / "old", out)
        killed_at += 1
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", counting(unlink))
            patched.setattr(Path, "rename", counting(rename))
            patched.setattr(shutil, "rmtree", counting(rmtree))
            try:
                put_in_place(out)
                break
            except KeyboardInterrupt:
                pass
        assert holds_run(out)
        settle(out)
        folder = run_folder(out)
        assert (folder / "config.json").is_file()
        stored = [is_stored(folder, name, ref) for name in ("net", "straight") for ref in REFS]
        assert stored == [True] * 6
        assert file_of(folder, FILMS, "net", REFS[0], ".webm").read_bytes() == b"film"
        if folder == out:
            assert not (out / UNFINISHED).exists() and not (out / COMPLETE).exists()
    assert killed_at > 12


def test_a_kill_while_an_unfinished_run_is_deleted_leaves_earlier_results_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(start(tmp_path))
    put_in_place(tmp_path)
    names = ("config.json", "summary.json", "report.html")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    start(tmp_path)
    rmtree = shutil.rmtree

    def killed(path: Path, **_: Any) -> None:
        if path.exists():
            rmtree(path / EPISODES)
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_folder(tmp_path, config(("other",)))
    settle(tmp_path)
    assert run_folder(tmp_path) == tmp_path and is_stored(tmp_path, "net", REFS[0])
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    prepare_folder(tmp_path, config())
    assert not (tmp_path / f"{UNFINISHED}.part").exists()


def test_damaged_results_are_named(tmp_path: Path) -> None:
    (tmp_path / "episodes.jsonl").write_text('{"agent": ')
    with pytest.raises(UserError, match="holds no complete results"):
        read_rows(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UserError, match=r"episodes\.jsonl is damaged"):
        read_rows(tmp_path)
    (tmp_path / "steps.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"steps\.parquet is missing or damaged"):
        read_earlier_steering(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"suite": "lane"}))
    with pytest.raises(UserError, match=r"written by another version of drive \(KeyError\('plan'\)"):
        read_results(tmp_path)
    run = start(tmp_path)
    path = file_of(run, EPISODES, "net", REFS[1])
    for content in (b"", b"PK no zip", path.read_bytes()[:900]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"net/1\.npz is missing or damaged"):
            read_results(run)


def test_a_full_disk_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match=r"0\.npz: no space left on the disk; free some and run again"):
        store(tmp_path, "net", REFS[0])
    assert list((tmp_path / EPISODES).rglob("*.npz*")) == []


def test_a_folder_is_checked_without_a_trace(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_unfinished_run_is_replaced_and_earlier_results_stay_until_then(tmp_path: Path) -> None:
    start(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    run = prepare_folder(tmp_path, config())
    assert (tmp_path / "summary.json").read_text() == "{}"
    assert list((run / EPISODES).iterdir()) == []


def test_steering_of_earlier_versions_is_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    def labels(*names: str) -> pa.DictionaryArray:
        return pa.array(names).dictionary_encode()

    columns = {
        "agent": labels("net", "net", "straight"),
        "scenario": labels("lane/0", "lane/0", "lane/0"),
        "step": pa.array([0, 1, 0], pa.int32()),
        "steering": pa.array([0.5, -0.25, 0.0], pa.float32()),
    }
    parquet.write_table(pa.table(columns), tmp_path / "steps.parquet")
    found = read_earlier_steering(tmp_path)
    assert {key: values.tolist() for key, values in found.items()} == {
        ("net", "lane/0"): [0.5, -0.25],
        ("straight", "lane/0"): [0.0],
    }
