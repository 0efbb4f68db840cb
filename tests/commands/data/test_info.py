"""`drive data info`: its numbers are those of the frames."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from drive.commands.data import check as data_check
from drive.commands.data.info import DataInfoConfig, main, show, summarize
from drive.core.errors import UserError
from drive.dataset import exclude, mark, read_info
from tests.dataset.test_people import by_hand, hand_columns


@pytest.fixture
def drives(tmp_path: Path) -> Path:
    """Ada drives 40 frames at 10 m/s, Bo crashes after 20 at 5 m/s."""
    with by_hand(tmp_path / "set", map_name="Town02") as writer:
        for seed, (person, length, speed, ended) in enumerate(
            (("Ada", 40, 10.0, "goal"), ("Bo", 20, 5.0, "collision"))
        ):
            columns = hand_columns(length, seed)
            columns["observation.state"][:, 0] = speed
            columns["action"][:, 0] = 0.3 if person == "Ada" else -2.0
            columns["observation.command"] = np.full(length, seed)
            writer.add_episode(columns, seed=seed, person=person, ended=ended, weather="wet", note="[hi]")
    exclude(tmp_path / "set", 0, 0, 5)
    mark(tmp_path / "set", 0, 10, 20)
    return tmp_path / "set"


def test_numbers_are_those_of_the_frames(drives: Path) -> None:
    facts = summarize(read_info(drives))
    assert (facts["episodes"], facts["frames"], facts["pictures"]) == (2, 60, 60)
    assert facts["minutes"] == 0.05
    assert facts["distance_km"] == pytest.approx((40 * 10 + 20 * 5) / 20 / 1000)
    assert facts["mean_speed_mps"] == pytest.approx(8.33)
    assert facts["frames_to_learn_from"] == 35
    assert (facts["frames_excluded"], facts["episodes_failed"]) == (5, 1)
    assert facts["frames_marked"] == 10 + 2  # afterwards, and one in each drive
    assert facts["frames_driven_by_person"] == 30
    assert facts["persons"] == {"Ada": {"episodes": 1, "frames": 40}, "Bo": {"episodes": 1, "frames": 20}}
    assert facts["ends"]["collision"]["frames"] == 20 and facts["maps"] == ["Town02"]
    assert facts["commands"] == {"follow the lane": 40, "left": 20}
    steering = {(bar["from"], bar["to"]): bar["frames"] for bar in facts["steering"]}
    assert steering[0.2, 0.5] == 40 and steering[-1.0, -0.5] == 20 and sum(steering.values()) == 60
    speed = {bar["from"]: bar["frames"] for bar in facts["speed_mps"]}
    assert speed[5.0] == 20 and sum(speed.values()) == 60
    assert (
        facts["episode_list"][1]["person"] == "Bo" and facts["episode_list"][1]["frames_to_learn_from"] == 0
    )


def test_a_frame_that_was_marked_twice_counts_once(drives: Path) -> None:
    mark(drives, 0, 0, 3)  # frame 1 was marked while driving, too
    facts = summarize(read_info(drives))
    assert facts["frames_marked"] == 3 + 10 + 1
    assert [one["frames_marked"] for one in facts["episode_list"]] == [13, 1]
    assert facts["marked"] == [
        {"episode": 0, "from_frame": 0, "to_frame": 3},
        {"episode": 0, "from_frame": 10, "to_frame": 20},
        {"episode": 1, "from_frame": 1, "to_frame": 2},
    ]
    file = StringIO()
    show(facts, Console(file=file, width=200))
    assert (
        "14 frames, 0.7 s (episode 0: 0 to 0.15 s; episode 0: 0.5 to 1 s; episode 1: 0.05" in file.getvalue()
    )


@pytest.mark.parametrize(
    ("name", "said"), [("open-000000.journal", "start `drive serve --data"), ("a.journal.bad", "delete it")]
)
def test_an_interrupted_recording_is_noted_and_is_no_problem(
    drives: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (drives / name).write_bytes(b"frames")
    data_check.main(data_check.DataCheckConfig(drives))
    told = capsys.readouterr().out
    assert "whole" in told and name in told and said in told
    data_check.main(data_check.DataCheckConfig(drives, json=True))
    checked = json.loads(capsys.readouterr().out)
    assert checked["whole"] and [said in note for note in checked["notes"]] == [True]
    main(DataInfoConfig(drives))
    assert said in capsys.readouterr().out


def test_tables_show_what_is_left_out(drives: Path) -> None:
    file = StringIO()
    show(summarize(read_info(drives)), Console(file=file, width=120), every_episode=True)
    text = file.getvalue()
    assert "5 frames, 0.2 s (episode 0: 0 to 0.25 s)" in text
    assert "1 episode that ended in a crash" in text
    assert "speed [m/s]" in text and "[hi]" in text and "Ada" in text
    lines = [line for line in text.splitlines() if line.startswith("Ada") or line.startswith("Bo")]
    assert lines[0].count("█") == 32 and 15 <= lines[1].count("█") <= 17


def test_json_is_one_object(drives: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(DataInfoConfig(drives, json=True))
    facts = json.loads(capsys.readouterr().out)
    assert facts["frames"] == 60
    assert facts["edits"]["excluded"] == [{"episode": 0, "from_frame": 0, "to_frame": 5}]


def test_an_empty_folder_is_answered(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is empty"):
        main(DataInfoConfig(tmp_path))
