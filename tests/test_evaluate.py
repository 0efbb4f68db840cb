"""The evaluation from end to end: complete, repeatable, and never half-written."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from drive.camera import Camera
from drive.commands import report
from drive.core.errors import UserError
from drive.core.machine import simulator_key
from drive.evaluate import EvaluateConfig, finished, main
from drive.evaluation.episodes import EPISODES, file_of, read_episode
from drive.evaluation.figures import read_results
from drive.evaluation.plan import Plan, make_plan
from drive.evaluation.printing import print_earlier
from drive.evaluation.results import only_run, read_rows, run_folder
from drive.evaluation.runner import Runner
from drive.scoring.suites import ScenarioRef, schedule
from tests.children import HEARS_CTRL_C, gone
from tests.faulty import fake_simulator, use_toy_simulator
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
        "episodes",
        "episodes.jsonl",
        "evaluate.lock",
        "films",
        "logs",
        "summary.json",
        "timing.json",
        "report.html",
    }


def test_the_same_actions_give_the_same_hashes(results: Path) -> None:
    straight, calm = read_rows(results)[:2]
    assert straight["sha256_states"] == calm["sha256_states"]
    assert straight["sha256_frames"] is None, "it does not look, so that nothing is drawn"
    first, second = (read_rows(results)[i]["sha256_frames"] for i in (1, 3))
    assert len(first) == 64 and first != second


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
    main(config(results, verify=True))
    assert "same states, and the same frames in the 2 drives where" in capsys.readouterr().out
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    rows = read_rows(tmp_path)
    rows[1]["sha256_frames"] = "0" * 64
    (tmp_path / "episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit) as ended:
        main(config(tmp_path, verify=True))
    assert ended.value.code == 1
    assert "calm on lane/0: sha256_frames" in capsys.readouterr().out


def test_whoever_has_the_pedals_is_replayed_with_them(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    agents = ("tests.fakes:pedalling", "straight")
    main(config(tmp_path, agent=agents, episodes=1, longitudinal="agent"))
    pedalling, straight = read_rows(tmp_path)
    assert pedalling["sha256_states"] != straight["sha256_states"]
    stored, _ = read_episode(file_of(tmp_path, EPISODES, "pedalling", ScenarioRef(0)))
    assert set(stored.acceleration_action[:20]) == {0.5}
    assert np.isfinite(stored.acceleration_action).all()
    assert "agents steer, accelerate and brake" in " ".join(capsys.readouterr().out.split())
    main(config(tmp_path, verify=True))
    assert "same frames" in capsys.readouterr().out


def test_two_processes_drive_like_one(results: Path, tmp_path: Path) -> None:
    main(config(tmp_path, workers=2))
    alone = {row["scenario"]: row for row in read_rows(results) if row["agent"] == "straight"}
    for row in read_rows(tmp_path):
        for key in ("sha256_states", "sha256_frames"):
            assert row[key] == alone[row["scenario"]][key]


def test_an_agents_failure_counts_and_does_not_stop_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(config(tmp_path, agent=("tests.fakes:stumbling",), episodes=1))
    assert ended.value.code == 1, "it failed in every drive"
    said, how = capsys.readouterr(), "steering is nan, not in [-1, 1], at step 5"
    assert f"stumbling failed by itself in 1 of 1 drive: {how} on lane/0." in said.out
    assert "stumbling failed by itself in every drive" in said.out and "in every drive" in said.err
    page = (tmp_path / "report.html").read_text()
    assert f'<p class="failure">stumbling failed by itself in 1 of 1 drive: {how}' in page
    (row,) = read_rows(tmp_path)
    assert row["outcome"] == "agent_failure"
    assert row["failure"] == "steering is nan, not in [-1, 1], at step 5"
    assert json.loads((tmp_path / "summary.json").read_text())["agents"]["stumbling"]["success_rate"] == 0.0


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
        make_plan((str(policy),), reference=False)


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
    assert len(net["sha256_frames"]) == 64 and straight["sha256_frames"] is None
    main(config(out, verify=True))
    assert "same frames" in capsys.readouterr().out
    assert finished(asked) and finished(config(out, agent=asked.agent, episodes=1, workers=2))
    print_earlier(out)
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
    assert (
        "width_px 320, not 32" in str(told.value)
        and "--camera" in str(told.value)
        and "\n" not in str(told.value)
    )
    assert not (tmp_path / "out").exists()


def test_a_policy_meets_another_camera(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    policy, out, file = write_policy(tmp_path, "small", SMALL), tmp_path / "out", tmp_path / "camera.toml"
    file.write_text("[camera]\nwidth_px = 48\nheight_px = 32\npitch_deg = 8.0\n")
    said = "net was trained with another camera than this one (width_px 48, not 32"
    main(config(out, agent=(f"net={policy}",), episodes=1, camera=file))
    assert " ".join(capsys.readouterr().out.split()).count(said) == 1
    assert said in (out / "report.html").read_text()
    assert json.loads((out / "config.json").read_text())["camera"] == Camera(48, 32, pitch_deg=8.0).to_json()


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


def test_an_agent_that_cannot_start_is_scored_and_not_filmed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(config(tmp_path, agent=("tests.fakes:stillborn",), episodes=1, films=2))
    (row,) = read_rows(tmp_path)
    assert row["failure"] == "reset raised KeyError: 'weights'"
    figures = json.loads((tmp_path / "summary.json").read_text())["agents"]["stillborn"]
    assert figures["autonomy_formula"] == 0.0 and figures["comfort_nuplan_formula_rate"] == 0.0
    assert "<video" not in (tmp_path / "report.html").read_text()


def test_a_film_of_an_environment_that_breaks_is_refused() -> None:
    from drive.evaluation.films import FilmOrder, make_film
    from tests.fakes import FakeEnv, FakeScenario

    order = FilmOrder("net", np.zeros(10), None, {}, 20, 30, "")
    with pytest.raises(RuntimeError, match="the simulator broke at step 4"):
        make_film(FakeEnv(), FakeScenario(fail_at=4), order)


def test_a_shadow_does_not_ride_with_itself_but_with_all_others() -> None:
    plan = make_plan(("calm=tests.fakes:calm", "modular"), ("modular",), episodes=1)
    assert plan.shadowed == {"calm", "modular"}
    assert plan.riding("calm") == {"modular": "modular"} and plan.riding("modular") == {}
    alone = make_plan(("modular",), ("modular",), episodes=1)
    assert alone.shadowed == {"expert", "modular", "straight"}


def test_references_come_along_once() -> None:
    plan = make_plan(("modular", "expert"), episodes=3)
    assert list(plan.agents) == ["modular", "expert", "straight"]
    assert plan.shadowed == {"modular"}
    assert plan.scenarios == schedule(3)


def test_foreign_agents_share_no_process(tmp_path: Path) -> None:
    policy = network(tmp_path / "a.onnx", 0.0)
    agents = ("calm=tests.fakes:calm", "modular", f"net={policy}")
    plan = make_plan(agents, ("s=tests.fakes:calm",), episodes=1)
    assert plan.kind("calm") == "calm=tests.fakes:calm\ns=tests.fakes:calm"
    assert plan.kind("modular") == "s=tests.fakes:calm" and plan.kind("expert") == ""
    assert plan.kind("net", {"s": "died"}) == f"net={policy}"
    policy.unlink()
    with pytest.raises(UserError, match="does not exist: name a policy file"):
        make_plan(agents, episodes=1)


@pytest.mark.parametrize(
    "changes", [{"episodes": 0}, {"workers": 0}, {"films": -1}, {"junction_episodes": -1}]
)
def test_settings_are_checked(changes: dict[str, int]) -> None:
    (name,) = changes
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')} is {changes[name]}; take"):
        EvaluateConfig(**changes)  # type: ignore[arg-type]


def test_without_an_agent_it_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Name who is tested with --agent: a policy file \(--agent runs"):
        main(EvaluateConfig(out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


class _Dies:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


def test_a_process_that_dies_while_filming_costs_its_film(tmp_path: Path) -> None:
    plan = Plan("lane", None, {}, {}, make_simulator=fake_simulator)
    with Runner(plan, 1) as runner:
        told = runner.film(tmp_path, [(ScenarioRef(0), _Dies())])
    assert told == ["the task ended the process with exit code 3 (os._exit?)"]


# --- with a toy simulator


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roads of 30 m, of which the second breaks the simulator for seeds from 1,000,100 on."""
    use_toy_simulator(monkeypatch.setattr)


def test_a_program_error_gives_no_rate_and_is_kept(
    toy: None, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(config(tmp_path, episodes=102))
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "straight on scenario 101: FloatingPointError: the simulator broke at step 4" in said.err
    assert "(1 program error, 1 drive missing)" in said.err
    assert "%" not in said.out
    assert {path.name for path in tmp_path.iterdir()} == {"evaluate.lock", "unfinished"}
    report.main(report.ReportConfig(tmp_path))
    said = capsys.readouterr()
    assert "Missing: 1 of 102 drives of straight: 101." in said.out
    assert "straight on scenario 101: an error of the program: FloatingPointError" in said.out
    log = (tmp_path / "unfinished/logs/straight/101.txt").read_text()
    assert "in step" in log


def test_a_film_that_fails_does_not_cost_the_report(
    toy: None, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    main(config(tmp_path, episodes=1, films=1))
    page = (tmp_path / "report.html").read_text()
    assert "No film of straight on fake/0: RuntimeError: AttributeError" in page and "<video" not in page
    assert "No film of straight on fake/0" in capsys.readouterr().out


def test_a_full_disk_leaves_the_earlier_results_alone(
    toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(config(tmp_path, episodes=1))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("drive.evaluation.results.replace_files", full)
    with pytest.raises(UserError, match="no space left on the disk"):
        main(config(tmp_path, episodes=1))
    assert {path: path.read_bytes() for path in before} == before


def test_the_report_is_made_again_from_the_drives(
    toy: None, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    main(config(tmp_path, agent=("straight", "tests.faulty:exits"), episodes=3))
    printed = capsys.readouterr().out.strip().splitlines()
    names = ("episodes.jsonl", "summary.json", "timing.json", "report.html")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names[:2] + names[3:]:
        (tmp_path / name).unlink()
    report.main(report.ReportConfig(tmp_path))
    assert capsys.readouterr().out.strip().splitlines() == printed[:-1]
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    how = "act ended the process with exit code 1 (os._exit?) at step 3 on fake/1"
    assert f"exits failed by itself in 1 of 3 drives: {how}." in before["report.html"].decode()
    assert any(line.startswith(f"exits failed by itself in 1 of 3 drives: {how}") for line in printed)


def test_figures_of_time_are_the_same_when_they_are_read_again(toy: None, tmp_path: Path) -> None:
    main(config(tmp_path, episodes=1))
    for wall_s in (0.1004, 0.1496, 3.00049):  # each more digits than are stored
        timing = read_results(tmp_path, wall_s).timing
        (tmp_path / "timing.json").write_text(json.dumps(timing))
        assert read_results(tmp_path).timing == timing


def test_a_second_run_is_refused_and_a_report_only_reads(
    toy: None, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    main(config(tmp_path, episodes=1))
    for name in ("report.html", "summary.json"):
        (tmp_path / name).unlink()
    shutil.copytree(tmp_path, tmp_path / "complete", ignore=shutil.ignore_patterns("complete"))
    before = sorted(tmp_path.rglob("*"))
    with only_run(tmp_path):
        with pytest.raises(UserError, match="another drive evaluate is running there; wait for it"):
            main(config(tmp_path, episodes=1))
        capsys.readouterr()
        report.main(report.ReportConfig(tmp_path))
        said = capsys.readouterr().out
        assert "The run is still driving" in said and "report.html" not in said
        assert sorted(tmp_path.rglob("*")) == before
    report.main(report.ReportConfig(tmp_path))
    assert not (tmp_path / "complete").exists() and (tmp_path / "report.html").is_file()


def test_a_folder_without_drives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no evaluation; run drive evaluate"):
        report.main(report.ReportConfig(tmp_path))
    assert list(tmp_path.iterdir()) == []


SLOW = (
    HEARS_CTRL_C
    + """
import sys
from pathlib import Path
from drive import evaluate
from tests.faulty import use_toy_simulator

use_toy_simulator(setattr)
agents = ("straight", "slow=tests.faulty:slow")
evaluate.main(evaluate.EvaluateConfig(agent=agents, episodes=20, workers=2, films=0, reference=False,
                                      out=Path(sys.argv[1])))
"""
)


@pytest.mark.parametrize(
    ("finished", "sent"),
    [(1, signal.SIGKILL), (25, signal.SIGKILL), (9, signal.SIGINT)],
)
def test_a_killed_run_keeps_its_finished_drives(
    tmp_path: Path, finished: int, sent: signal.Signals, capsys: pytest.CaptureFixture
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    run = tmp_path / "unfinished"
    while len(list(run.glob("episodes/*/*.npz"))) < finished or not (run / "config.json").exists():
        assert process.poll() is None
        time.sleep(0.002)
    children = {child.pid for child in psutil.Process(process.pid).children(recursive=True)}
    process.send_signal(sent)
    said = process.communicate()
    assert gone(children)
    if sent == signal.SIGINT:
        assert f"finished drives: drive report {tmp_path}".encode() in b"".join(said[0].split(b"\n"))
    folder = run_folder(tmp_path)
    results = read_results(folder)
    missing = sum(len(refs) for refs in results.missing.values())
    assert len(results.drives) >= finished and len(results.drives) + missing == 40
    assert all(drive.row["outcome"] == "goal" for drive in results.drives)
    capsys.readouterr()
    if not results.drives:
        with pytest.raises(UserError, match="no drive is finished yet"):
            report.main(report.ReportConfig(tmp_path))
        return
    report.main(report.ReportConfig(tmp_path))
    out = capsys.readouterr().out
    for name, refs in results.missing.items():
        assert (f"Missing: {len(refs)} of 20 drives of {name}" in out) == bool(refs)
    assert (folder / "report.html").is_file()
