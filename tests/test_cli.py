"""The command line as a user meets it: help that teaches, mistakes answered in one line."""

import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import metadata
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from drive import cli
from drive.commands import doctor
from drive.driving.agents import BUILT_IN
from drive.models.networks.table import NETWORKS
from drive.scoring.suites import SUITES
from drive.sim.sensors.weather import WEATHERS

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
COMMANDS = ("demo", "record", "serve", "data", "train", "evaluate", "list", "map", "bench", "doctor")


def drive(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the `drive` command in this process."""
    out, err, code = StringIO(), StringIO(), 0
    words = ["drive", *map(str, arguments)]
    with (
        patch("sys.argv", words),
        patch.dict(os.environ, COLUMNS="200"),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def drive_apart(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "drive", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """The message of a command that was refused, checked to be a clean refusal."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_help_names_every_command_and_the_first_step():
    result = drive_apart("--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert command in result.stdout
    assert "start here" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_its_flags(command):
    result = drive(command, "--help")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) > 5
    assert "usage: drive" in result.stdout


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ("expart", "expert"),
        ("no_such_module:make", "no_such_module"),
        ("math:no_such_factory", "no_such_factory"),
        ("missing.onnx", "missing.onnx"),
    ],
)
def test_an_unknown_agent_is_named_with_the_remedy(tmp_path, agent, says):
    out = tmp_path / "out"
    message = complaint(drive("evaluate", "--agent", agent, "--episodes", 1, "--out", out))
    assert says in message
    assert not out.exists(), "a refused run must leave nothing behind"


def test_unknown_suite_and_weather_are_answered_with_known_names(tmp_path):
    assert "lane" in complaint(drive("evaluate", "--suite", "lame", "--out", tmp_path / "a"))
    assert "fog" in complaint(drive("record", tmp_path / "b", "--weather", "foggy"))
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_a_policy_that_is_no_onnx_file_is_refused(tmp_path):
    path = tmp_path / "policy.onnx"
    path.write_bytes(b"this is not a network")
    message = complaint(drive("evaluate", "--agent", path, "--episodes", 1, "--out", tmp_path / "out"))
    assert "policy.onnx" in message
    assert "ONNX" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02binary", b"<html></html>", b"<OpenDRIVE><header"])
def test_a_file_that_is_no_map_is_refused(tmp_path, content):
    path = tmp_path / "broken.xodr"
    path.write_bytes(content)
    assert "broken.xodr" in complaint(drive("map", path))
    assert "broken.xodr" in complaint(
        drive("evaluate", "--agent", "modular", "--map", path, "--episodes", 1, "--out", tmp_path / "out")
    )
    assert not (tmp_path / "out").exists()


def test_reserved_seeds_are_refused_for_recording(tmp_path):
    message = complaint(drive("record", tmp_path / "data", "--seed", 1_000_000))
    assert "reserved" in message
    assert not (tmp_path / "data").exists()


def test_training_on_nothing_says_how_to_record(tmp_path):
    (tmp_path / "empty").mkdir()
    message = complaint(drive("train", tmp_path / "empty", "--out", tmp_path / "run"))
    assert "drive record" in message
    assert not (tmp_path / "run").exists()


def test_an_output_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    message = complaint(drive("evaluate", "--agent", "straight", "--episodes", 1, "--out", tmp_path))
    assert str(tmp_path.name) in message
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_without_tensorflow_training_prints_the_exact_install_line(tmp_path):
    # An interpreter that cannot find the package, as on a machine without the extra.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'tensorflow' else find(name, package)\n"
    )
    result = drive_apart("train", SAMPLE, "--out", tmp_path / "run", PYTHONPATH=str(tmp_path))
    assert 'pip install "drivegym[train]"' in complaint(result)


def test_doctor_reports_in_json():
    result = drive_apart("doctor", "--json")
    findings = json.loads(result.stdout)
    assert result.returncode == 0
    assert findings["kernels"]["state"] == "ok"
    for name in ("cores", "kernels", "opencv", "policies", "films"):
        assert findings[name]["state"] == "ok", findings[name]
    assert findings["policies"]["detail"] == f"onnxruntime {version('onnxruntime')}"
    try:
        wanted = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "tf2onnx", "onnx"))
    except PackageNotFoundError as error:
        assert findings["training"]["state"] == findings["gpu"]["state"] == "missing"
        assert findings["training"]["detail"] == f"no {error.name}"
    else:
        assert (findings["training"]["state"], findings["training"]["detail"]) == ("ok", wanted)
    assert bool(findings["gpu"]["remedy"]) == (findings["gpu"]["state"] == "missing")


@pytest.mark.parametrize(
    ("check", "extra", "absent"),
    [("_train", "train", "keras"), ("_pages", "serve", "uvicorn"), ("_minari", "interchange", "h5py")],
)
def test_doctor_names_the_extra_that_brings_what_is_missing(monkeypatch, check, extra, absent):
    monkeypatch.setattr(metadata, "version", lambda name: "1.2")
    finding = getattr(doctor, check)()
    assert finding.state == "ok" and f"{absent} 1.2" in finding.detail and not finding.remedy

    def version_of(name):
        if name == absent:
            raise PackageNotFoundError(name)
        return "1.2"

    monkeypatch.setattr(metadata, "version", version_of)
    assert getattr(doctor, check)() == doctor.Finding(
        finding.name, "missing", f"no {absent}", f'pip install "drivegym[{extra}]"'
    )


def test_doctor_prints_remedies_whole(monkeypatch, capsys):
    remedy = 'pip install "drivegym[train]"'
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(
        doctor, "CHECKS", (lambda: doctor.Finding("training", "missing", "no keras", remedy),)
    )
    doctor.main(doctor.DoctorConfig())
    assert remedy in capsys.readouterr().out


def test_doctor_survives_a_broken_onnxruntime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    finding = doctor._policies()
    assert finding.state == "broken"
    assert "onnxruntime" in finding.remedy


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demo", "--recordings", 1), "--recordings is 1; take 2 or more"),
        (("demo", "--workers", 0), "--workers is 0; take 1 or more"),
        (("evaluate", "--episodes", 0), "--episodes is 0; take 1 or more"),
    ],
)
def test_a_setting_out_of_range_is_one_line(tmp_path, arguments, says):
    message = complaint(drive(*arguments, "--out", tmp_path / "out"))
    assert message.splitlines() == [f"error: {says}{message.partition(says)[2].rstrip()}"]
    assert not (tmp_path / "out").exists()


def test_the_earlier_name_of_a_command_and_a_flag_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["drive", "data", "reshoot", str(tmp_path / "no"), str(tmp_path / "out"), "--looks", "2"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert str(tmp_path / "no") in capsys.readouterr().err, "refused for its folder, not for its words"


def test_a_missing_command_teaches_and_a_mistyped_one_is_named_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, status, says in (
        ([], 0, "start here"),
        (["data"], 0, "bring them in and out"),
        (["evalute"], 2, "error: There is no command 'drive evalute': did you mean evaluate"),
        (["data", "vieww"], 2, "error: There is no command 'drive data vieww': did you mean view"),
    ):
        monkeypatch.setattr("sys.argv", ["drive", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert ended.value.code == status and says in said.out + said.err


def test_what_can_be_named_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["drive", "list"])
    cli.main()
    said = capsys.readouterr().out
    for names in (BUILT_IN, [one.name for one in SUITES], WEATHERS, NETWORKS, ["default", "320x160"]):
        for name in names:
            assert name in said
    monkeypatch.setattr("sys.argv", ["drive", "list", "suites"])
    cli.main()
    said = capsys.readouterr().out
    assert "corners" in said and "pilotnet" not in said


def test_sigterm_ends_as_ctrl_c_does():
    program = (
        "import sys, time; from drive import cli\n"
        "cli.run = lambda config: (print('up', flush=True), time.sleep(600))\n"
        "sys.argv = ['drive', 'bench']; cli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.communicate(timeout=300)[1] == "stopped\n"
        assert process.returncode == 143


def test_it_tells_its_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr("sys.argv", ["drive", "--version"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert re.fullmatch(r"drive \d+\.\d+\.\d+ \(simulator version \d+\)\n", capsys.readouterr().out)
