"""What recordings by hand are said to cover."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drive.web.serve.coverage import Coverage, coverage_of, coverage_of_dataset
from tests.web.serve.hands import FACTS, PICTURE, open_recorder, row


def frame(offset: float = 0.0, curvature: float = 0.0, speed: float = 8.0) -> dict[str, Any]:
    return row(offset) | {"observation.state": [speed, speed * curvature, 13.0, 200.0, 0.0]}


def test_bends_and_recoveries_are_counted_by_what_the_car_did() -> None:
    way_back = [0.0, 0.4, 0.6, 0.4, 0.3, 0.2, 0.4, 0.2, -0.7, -0.1, 0.6]
    found = coverage_of([frame(offset) for offset in way_back], "wet", ("generated", 3))
    assert (found.frames, found.recoveries, found.left, found.right) == (11, 2, 0, 0)
    bends = [frame(curvature=k) for k in (0.02, 0.01, 0.006, 0.0, -0.006, -0.01)]
    found = coverage_of(bends, "wet", ("generated", 3))
    assert (found.left, found.right) == (2, 1)
    assert coverage_of([frame(curvature=0.1, speed=0.05)], "wet", ("generated", 3)).left == 0, "it stands"


def of(minutes: float, left: float = 0.2, right: float = 0.2, **others: Any) -> Coverage:
    frames = round(minutes * 1200)
    values = {"recoveries": 99, "roads": {("generated", i) for i in range(9)}} | others
    found = Coverage(frames, round(left * frames), round(right * frames), **values)
    found.weathers.update(others.get("weathers") or ["clear-noon", "overcast", "wet", "low-sun"])
    return found


@pytest.mark.parametrize(
    ("coverage", "told"),
    [
        (of(0.5), "Record a minute"),
        (of(4.0, roads={("generated", 1)}), "next road"),
        (of(4.0, left=0.05, right=0.05), "Drive bends"),
        (of(4.0, left=0.1, right=0.3), "to the left"),
        (of(4.0, left=0.3, right=0.1), "to the right"),
        (of(4.0, recoveries=2), "ways back"),
        (of(4.0), "five minutes"),
        (of(8.0), "train on it"),
    ],
)
def test_what_is_missing_most_is_named(coverage: Coverage, told: str) -> None:
    assert told in coverage.next()


def test_a_weather_that_is_missing_is_named() -> None:
    coverage = of(4.0)
    del coverage.weathers["wet"]
    assert coverage.next() == "Drive in other weather: wet."


def test_the_count_follows_what_is_deleted_kept_and_opened_again(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()

    def drive(*frames: dict[str, Any]) -> None:
        for values in frames:
            recorder.add(drive.step, values, {"observation.images.front": PICTURE})  # type: ignore[attr-defined]
            drive.step += 1  # type: ignore[attr-defined]

    drive.step = 0  # type: ignore[attr-defined]
    drive(*[frame(curvature=0.02)] * 20, *[frame(curvature=-0.02)] * 10)
    assert recorder.status()["coverage"]["left_seconds"] == 1.0
    recorder.cut(15)
    counted = recorder.status()["coverage"]
    assert (counted["seconds"], counted["left_seconds"], counted["right_seconds"]) == (0.8, 0.8, 0.0)
    recorder.discard()
    assert recorder.status()["coverage"]["seconds"] == 0.0
    recorder.begin_drive(FACTS)
    recorder.start()
    drive(*[frame(curvature=0.02)] * 40)
    recorder.end_drive("collision", drive.step - 1)  # type: ignore[attr-defined]
    recorder.begin_drive(replace(FACTS, map="generated town"))
    assert recorder.status()["coverage"]["seconds"] == 0.0, "a crash teaches nothing"
    drive(*[frame(0.7)] * 10, *[frame(0.1)] * 10)
    recorder.close()
    wanted = recorder.status()["coverage"]
    assert (wanted["seconds"], wanted["recoveries"], wanted["roads"]) == (1.0, 1, 1)
    assert coverage_of_dataset(tmp_path / "d").status() == wanted
    again = open_recorder(tmp_path / "d")
    again._earlier.result()
    assert again.status()["coverage"] == wanted
    again.close()
