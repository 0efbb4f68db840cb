"""The demo from recording to report, and what a second run does again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from drive import evaluate, record, train
from drive.commands.demo import DemoConfig, main
from drive.core.errors import UserError
from drive.dataset import read_info


def config(out: Path, **changes: Any) -> DemoConfig:
    quick: dict[str, Any] = {
        "recordings": 2,
        "corners": 1,
        "episodes": 1,
        "epochs": 1,
        "max_duration_s": 3.0,
        "workers": 1,
    }
    return DemoConfig(out=out, **(quick | changes))


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("recordings", 1, 2), ("episodes", 0, 1), ("workers", 0, 1), ("epochs", 0, 1), ("corners", -1, 0)],
)
def test_settings_are_checked(name: str, value: int, least: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--{name} is {value}; take {least} or more"):
        config(tmp_path, **{name: value})


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"holds other things \(thesis.txt\)"):
        main(config(tmp_path))
    with pytest.raises(UserError, match="is a file"):
        main(config(tmp_path / "thesis.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_from_nothing_to_a_report_and_only_what_is_needed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorflow")
    done: list[str] = []
    for module in (record, train, evaluate):

        def note(asked: Any, step: Any = module.main, name: str = module.__name__) -> None:
            done.append(name.removeprefix("drive."))
            step(asked)

        monkeypatch.setattr(module, "main", note)

    out = tmp_path / "demo"
    main(config(out))
    assert done == ["record", "record", "train", "evaluate"]
    assert read_info(out / "data").maps == ("generated", "generated corners")
    assert {path.name for path in out.iterdir()} == {"data", "pilotnet", "evaluation"}
    summary = json.loads((out / "evaluation" / "summary.json").read_text())
    assert list(summary["agents"]) == ["expert", "pilotnet", "modular", "straight"]
    assert list(summary["agents"]["pilotnet"]["shadows"]) == ["modular"]
    first = capsys.readouterr().out

    done.clear()
    main(config(out))
    assert done == []
    again = capsys.readouterr().out
    assert "ceiling, privileged" in again and "ceiling, privileged" in first
    assert str(out / "evaluation" / "report.html") in again.replace("\n", "")

    monkeypatch.setattr(
        train, "main", lambda asked: done.append(f"train {asked.epochs}, {asked.out.exists()}")
    )
    shutil.copytree(out, tmp_path / "copy")
    copy = config(out, epochs=2)
    with pytest.raises(UserError, match="policy"):  # forgotten, and here nobody trains another
        main(copy)
    assert done == ["train 2, False"]
    shutil.rmtree(out)
    (tmp_path / "copy").rename(out)

    done.clear()
    (out / "evaluation" / "report.html").unlink()
    monkeypatch.setattr(evaluate, "main", lambda asked: done.append(f"evaluate {asked.episodes}"))
    main(config(out))
    assert done == ["evaluate 1"]


def test_more_recordings_mean_a_new_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(record, "main", lambda asked: done.append(f"record {asked.episodes} {asked.roads}"))
    monkeypatch.setattr("drive.commands.demo._recorded", lambda data: (3, 0))
    learned = tmp_path / "pilotnet"
    learned.mkdir()
    (learned / "train.json").write_text("{}")
    (learned / "policy.onnx").write_bytes(b"of three drives")

    def training(asked: Any) -> None:
        done.append(f"train, {sorted(path.name for path in tmp_path.iterdir())}")
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "main", training)
    with pytest.raises(KeyboardInterrupt):
        main(config(tmp_path, recordings=5))
    assert done == ["record 2 any", "record 1 corners", "train, []"]
