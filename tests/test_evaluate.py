"""The evaluation from end to end: complete, repeatable, and never half-written."""

import errno
import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.core.machine import simulator_key
from drive.evaluate import EvaluateConfig, main
from drive.evaluation.evaluated import finished, show
from drive.evaluation.plan import make_plan
from drive.evaluation.results import read_rows, read_steering
from drive.evaluation.runner import Crew, Plan
from drive.scoring.suites import ScenarioRef, schedule
from tests.sim.maps.xodr import LINE_100, document, road


def config(out: Path, **changes: Any) -> EvaluateConfig:
    defaults: dict[str, Any] = {"agent": ("straight",), "episodes": 2, "workers": 1, "films": 0}
    return EvaluateConfig(out=out, **(defaults | {"reference": False} | changes))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents on two scenarios, a shadow, films and the report."""
    out = tmp_path_factory.mktemp("results") / "scores"
    main(config(out, agent=("straight", "calm=tests.fakes:calm"), shadow=("expert",), films=1))
    return out


def test_every_scheduled_drive_appears_once(results: Path) -> None:
    rows = read_rows(results)
    wanted = [(agent, f"lane/{i}") for i in range(2) for agent in ("straight", "calm")]
    assert [(row["agent"], row["scenario"]) for row in rows] == wanted
    assert {path.name for path in results.iterdir()} == {
        "config.json",
        "episodes.jsonl",
        "summary.json",
        "timing.json",
        "steps.parquet",
        "report.html",
    }


def test_the_same_actions_give_the_same_hashes(results: Path) -> None:
    straight, calm = read_rows(results)[:2]
    assert straight["sha256_states"] == calm["sha256_states"]
    assert straight["sha256_frames"] == calm["sha256_frames"]
    first, second = (read_rows(results)[i]["sha256_frames"] for i in (0, 2))
    assert first != second


def test_the_summary_has_rates_with_intervals(results: Path) -> None:
    summary = json.loads((results / "summary.json").read_text())
    agents = summary["agents"]
    assert (agents["straight"]["role"], agents["calm"]["role"]) == ("floor", "tested")
    for figures in (agents["calm"], agents["calm"]["training_weather"], agents["calm"]["held_out_weather"]):
        low, high = figures["success_rate_interval"]
        assert 0.0 <= low <= figures["success_rate"] <= high <= 1.0
        assert figures["distance_km"] > 0.0
    assert "expert" not in agents
    assert agents["calm"]["shadows"]["expert"]["mean_absolute_disagreement"] > 0.0
    assert agents["straight"]["shadows"] == {}
    timing = json.loads((results / "timing.json").read_text())
    spent = timing["agents"]["calm"]
    assert 0.0 < spent["act_ms_p50"] <= spent["act_ms_p95"] <= spent["act_ms_p99"]
    assert spent["steps"] == sum(row["steps"] for row in read_rows(results) if row["agent"] == "calm")
    stored = json.loads((results / "config.json").read_text())
    assert stored["camera"] == Camera().to_json()
    assert stored["simulator"] == simulator_key()


def test_the_report_is_one_file_with_films_and_words(results: Path) -> None:
    page = (results / "report.html").read_text()
    assert page.count("data:video/webm;base64,") == 2
    assert page.count("<svg") == 3
    assert page.count('role="img" aria-label="') == 3
    links = re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page)
    assert links == []
    assert "calm drove 0 of 2 routes" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_stored_actions_are_verified(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    steering = read_steering(results)
    assert {key: len(values) for key, values in steering.items()} == {
        (row["agent"], row["scenario"]): row["steps"] for row in read_rows(results)
    }
    main(config(results, verify=True))
    assert "same frames" in capsys.readouterr().out
    for name in ("config.json", "steps.parquet", "episodes.jsonl", "summary.json"):
        (tmp_path / name).write_bytes((results / name).read_bytes())
    rows = read_rows(tmp_path)
    rows[1]["sha256_frames"] = "0" * 64
    (tmp_path / "episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit) as ended:
        main(config(tmp_path, verify=True))
    assert ended.value.code == 1
    assert "calm on lane/0: sha256_frames" in capsys.readouterr().out


def test_two_processes_drive_like_one(results: Path, tmp_path: Path) -> None:
    main(config(tmp_path, workers=2))
    alone = {row["scenario"]: row for row in read_rows(results) if row["agent"] == "straight"}
    for row in read_rows(tmp_path):
        for key in ("sha256_states", "sha256_frames"):
            assert row[key] == alone[row["scenario"]][key]


def test_an_agents_failure_counts_and_does_not_stop_the_run(tmp_path: Path) -> None:
    main(config(tmp_path, agent=("tests.fakes:stumbling",), episodes=1))
    (row,) = read_rows(tmp_path)
    assert row["outcome"] == "agent_failure"
    assert row["failure"] == "steering is nan, not in [-1, 1], at step 5"
    assert json.loads((tmp_path / "summary.json").read_text())["agents"]["stumbling"]["success_rate"] == 0.0


def test_a_program_error_gives_no_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from drive.sim.task import LaneTask

    advance = LaneTask.advance_worlds

    def break_down(task: LaneTask, *arguments: Any) -> Any:
        scenario = task.world.scenarios[0]
        if scenario is not None and scenario.name == "lane/1":
            raise FloatingPointError("broken")
        return advance(task, *arguments)

    monkeypatch.setattr(LaneTask, "advance_worlds", break_down)
    with pytest.raises(SystemExit) as ended:
        main(config(tmp_path))
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "straight on lane/1: FloatingPointError: broken at step 0" in said.err
    assert "%" not in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["episodes.jsonl.part"]


def test_ctrl_c_leaves_the_finished_drives(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        main(config(tmp_path, agent=("straight", "tests.fakes:interrupted"), episodes=1))
    assert not (tmp_path / "summary.json").exists()


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"holds other things \(thesis.txt\); name an empty or new folder"):
        main(config(tmp_path))
    with pytest.raises(UserError, match="is a file"):
        main(config(tmp_path / "thesis.txt"))
    with pytest.raises(UserError, match="holds no complete results"):
        main(config(tmp_path, verify=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suite": "lanes"}, "Unknown suite 'lanes'"),
        ({"agent": ("modlar",)}, "did you mean modular"),
        ({"shadow": ("modlar",)}, "did you mean modular"),
        ({"agent": ("a=expert", "a=straight")}, "both called 'a'"),
        ({"agent": ("expert=modular",)}, "'expert=modular': expert is the name of a reference"),
        ({"agent": ("straight=modular",)}, "straight is the name of a reference"),
        ({"shadow": ("straight=modular",)}, "straight is the name of a reference"),
        (
            {"agent": ("net=modular",), "shadow": ("net=tests.fakes:calm",)},
            "Shadow 'net=tests.fakes:calm' has the name of the agent 'net=modular'; take another",
        ),
        ({"agent": (), "reference": True, "shadow": ("modular",)}, "'modular' rides with nobody"),
        ({"agent": ("modular",), "shadow": ("modular",)}, "'modular' rides with nobody"),
        ({"junction_episodes": 3}, "needs --map"),
        ({"map": Path("nowhere.xodr")}, "nowhere.xodr"),
        ({"map": Path("any.xodr"), "suite": "corners"}, "corners is of generated roads; .* --suite lane"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        main(config(tmp_path / "out", **changes))
    assert not (tmp_path / "out").exists()


def test_policies_trained_on_these_seeds_are_refused(tmp_path: Path) -> None:
    policy = tmp_path / "policy.onnx"
    policy.write_bytes(b"")
    (tmp_path / "policy.json").write_text(json.dumps({"training_seeds": [5, 1_000_001]}))
    with pytest.raises(UserError, match="trained on seeds of this evaluation"):
        make_plan(config(tmp_path, agent=(str(policy),)))


SMALL = Camera(width_px=32, height_px=16, pitch_deg=5.0)  # of `network`


def network(path: Path, scale: float) -> Path:
    """A policy file: steering = scale * mean of a frame of SMALL."""
    pytest.importorskip("onnx")
    from tests.models.test_policy import mean_policy

    return mean_policy(path, scale=scale)


def write_policy(folder: Path, name: str, camera: Camera | None) -> Path:
    policy = network(folder / f"{name}.onnx", 0.0)
    if camera is not None:
        policy.with_suffix(".json").write_text(json.dumps({"camera": asdict(camera)}))
    return policy


def test_agents_see_through_the_camera_that_the_policy_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    policy, out = write_policy(tmp_path, "small", SMALL), tmp_path / "out"
    asked = config(out, agent=(f"net={policy}", "straight"), episodes=1)
    main(asked)
    assert json.loads((out / "config.json").read_text())["camera"] == SMALL.to_json()
    net, straight = read_rows(out)
    assert net["failure"] is None
    assert net["sha256_frames"] == straight["sha256_frames"]
    main(config(out, verify=True))
    assert "same frames" in capsys.readouterr().out
    assert finished(asked) and finished(config(out, agent=asked.agent, episodes=1, workers=2))
    show(out)
    assert "net drove" in capsys.readouterr().out
    assert not finished(config(out, agent=asked.agent, episodes=2))
    network(policy, 0.001)
    assert not finished(asked)
    network(policy, 0.0)
    assert finished(asked)
    (out / "report.html").unlink()
    assert not finished(asked)


def test_policies_of_two_cameras_are_refused(tmp_path: Path) -> None:
    first, second = write_policy(tmp_path, "a", SMALL), write_policy(tmp_path, "b", Camera())
    with pytest.raises(UserError, match=r"b\.onnx and .*a\.onnx were trained on different cameras") as told:
        main(config(tmp_path / "out", agent=(str(first),), shadow=(str(second),)))
    assert "width_px 320, not 32" in str(told.value) and "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_policy_of_another_camera_leaves_nothing_behind(tmp_path: Path) -> None:
    silent = write_policy(tmp_path, "silent", None)
    with pytest.raises(UserError, match="takes frames of 32x16 px, the camera gives 320x160"):
        main(config(tmp_path / "out", agent=(str(silent),)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("length", "changes", "message"),
    [
        (40.0, {}, "80 m"),
        (100.0, {"junction_episodes": 2}, "passes a junction; take --junction-episodes 0"),
    ],
)
def test_a_map_without_such_lanes_leaves_nothing_behind(
    tmp_path: Path, length: float, changes: dict[str, Any], message: str
) -> None:
    street = tmp_path / "street.xodr"
    plan = LINE_100.replace("100", f"{length:g}")
    street.write_text(document(road(plan, length=length)))
    with pytest.raises(UserError, match=message):
        main(config(tmp_path / "out", map=street, **changes))
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_earlier_results_alone(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("config.json", "steps.parquet", "episodes.jsonl", "summary.json", "timing.json", "report.html")
    before = {name: (results / name).read_bytes() for name in names}
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    write_text = Path.write_text

    def full(path: Path, *arguments: Any, **options: Any) -> int:
        if path.name == "summary.json.part":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="no space left on the disk"):
        main(config(tmp_path, episodes=1))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_results_are_never_of_two_runs(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in results.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    replace, moved = os.replace, []

    def killed(source: Path, target: Path) -> None:
        if moved:
            raise KeyboardInterrupt
        moved.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        main(config(tmp_path, episodes=1))
    assert not (tmp_path / "summary.json").exists() and not (tmp_path / "report.html").exists()
    with pytest.raises(UserError, match="holds no complete results"):
        read_rows(tmp_path)


def test_an_agent_that_cannot_start_is_scored_and_not_filmed(tmp_path: Path) -> None:
    main(config(tmp_path, agent=("tests.fakes:stillborn",), episodes=1, films=2))
    (row,) = read_rows(tmp_path)
    assert row["failure"] == "reset raised KeyError: 'weights'"
    figures = json.loads((tmp_path / "summary.json").read_text())["agents"]["stillborn"]
    assert figures["autonomy_formula"] == 0.0 and figures["comfort_nuplan_formula_rate"] == 0.0
    assert "<video" not in (tmp_path / "report.html").read_text()


def test_a_film_that_fails_does_not_cost_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def no_ffmpeg(*_: object, **__: object) -> bytes:
        raise OSError("ffmpeg went away")

    monkeypatch.setattr("drive.evaluation.films.encode", no_ffmpeg)
    main(config(tmp_path, episodes=1, films=1))
    page = (tmp_path / "report.html").read_text()
    assert "No film of straight on lane/0: OSError: ffmpeg went away." in page
    assert "<video" not in page
    assert "ffmpeg went away" in capsys.readouterr().out


def test_workers_that_die_while_filming_do_not_cost_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures.process import BrokenProcessPool

    run = Crew.run

    def die(crew: Crew, method: str, jobs: Any) -> Any:
        if method == "film":
            raise BrokenProcessPool
        return run(crew, method, jobs)

    monkeypatch.setattr(Crew, "run", die)
    main(config(tmp_path, episodes=1, films=1))
    assert "Films are missing: a worker process was killed" in (tmp_path / "report.html").read_text()


def test_a_film_of_an_environment_that_breaks_is_refused() -> None:
    from drive.evaluation.films import FilmOrder, make_film
    from tests.fakes import FakeEnv, FakeScenario

    order = FilmOrder("net", np.zeros(10), {}, 20, 30, "")
    with pytest.raises(RuntimeError, match="the simulator broke at step 4"):
        make_film(FakeEnv(), FakeScenario(fail_at=4), order)


def test_a_shadow_does_not_ride_with_itself_but_with_all_others() -> None:
    asked = EvaluateConfig(agent=("calm=tests.fakes:calm", "modular"), shadow=("modular",), episodes=1)
    plan, _, privileged = make_plan(asked)
    assert plan.shadowed == {"calm", "modular"} and not privileged["modular"]
    alone, _, _ = make_plan(EvaluateConfig(agent=("modular",), shadow=("modular",), episodes=1))
    assert alone.shadowed == {"expert", "modular", "straight"}


def test_references_come_along_once() -> None:
    plan, slots, privileged = make_plan(EvaluateConfig(agent=("modular", "expert"), episodes=3))
    assert list(plan.agents) == ["modular", "expert", "straight"]
    assert plan.shadowed == {"modular"}
    assert privileged["expert"] and not privileged["modular"]
    assert slots == schedule(3)


@pytest.mark.parametrize(
    "changes", [{"episodes": 0}, {"workers": 0}, {"films": -1}, {"junction_episodes": -1}]
)
def test_settings_are_checked(changes: dict[str, int]) -> None:
    (name,) = changes
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')} is {changes[name]}; take"):
        EvaluateConfig(**changes)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="nobody to drive"):
        EvaluateConfig(reference=False)


def test_a_worker_that_dies_is_an_error_of_the_run(tmp_path: Path) -> None:
    from concurrent.futures.process import BrokenProcessPool

    plan = Plan("lane", None, {"straight": "straight"}, {})
    with pytest.raises(BrokenProcessPool), Crew(plan, 2) as crew:
        list(crew.run("__class__", [(ScenarioRef(0), _die())]))


class _die:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        import os

        return os._exit, (3,)
