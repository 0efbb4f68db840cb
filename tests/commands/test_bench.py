"""The bench prints one JSON object a line, with the documented keys."""

import json
import math
from typing import Any

import pytest

from drive.commands import bench
from drive.commands.bench import SIZES, BenchConfig, main
from drive.commands.bench_serve import Seen, skipped, watch
from tests.children import HANG_S

COMMON = {"what", "camera", "environments", "threads", "steps_per_second"}


def test_each_line_is_json_with_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    main(BenchConfig(scenarios=1, steps=2, repeats=1, batch=2, threads=1, serve=False, training=False))
    *lines, reset, outputs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert reset["what"] == "reset" and 0.0 < reset["ms_median"] <= reset["ms_slowest"]
    assert outputs["what"] == "outputs" and outputs["camera"] == "320x160"
    assert (
        0.0 < outputs["rgb_us"] and 0.0 < outputs["rgb_depth_labels_instances_us"] and outputs["ratio"] > 0.0
    )
    cameras = [f"{width}x{height}" for width, height in SIZES]
    assert [(line["what"], line["camera"]) for line in lines] == [
        (what, camera) for what in ("env.step", "vector_env.step") for camera in cameras
    ]
    for line in lines:
        assert line.keys() >= COMMON
        assert line["steps_per_second"] > 0.0 and line["threads"] == 1
    assert [line["environments"] for line in lines] == [1, 1, 2, 2]
    for line, size in zip(lines[:2], SIZES, strict=True):
        assert line["mean_faces_in_view"] > 0.0 and line["mean_vehicles_in_view"] >= 0.0
        assert line["agent"] == "modular"
        assert min(line["picture_us"], line["step_us"], line["step_with_inference_us"]) > 0.0
        assert line["frames_per_second"] == pytest.approx(1e6 / line["picture_us"], rel=0.01)
        pixels = line["frames_per_second"] * size[0] * size[1]
        assert line["megapixels_per_second"] == pytest.approx(1e-6 * pixels, abs=0.06)
        assert sum(line["parts_us"].values()) == pytest.approx(line["step_us"], abs=1.0)


def test_the_parts_of_a_picture_are_its_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those are drawn apart, here in half the time of the picture in a step; so they count twice."""
    one = bench._Single((96, 96), "straight")
    assert one.sky == pytest.approx(0.5 - 0.5 * math.tan(math.radians(3.0)))
    drawn = {"all": 20e-6, "bare": 16e-6, "front": 15e-6, "few": 2e-6, "up": 12e-6}

    def drive(scenario: str, steps: int, clock: Any, inference: bool) -> int:
        clock["step of two" if inference else "step"] += 100e-6 * steps
        clock["inference"] += 30e-6 * steps * inference
        return steps

    def take_apart(scenario: str, steps: int, clock: Any) -> None:
        clock["advance"] += 25e-6 * steps
        clock["picture"] += 40e-6 * steps

    monkeypatch.setattr(one, "drive", drive)
    monkeypatch.setattr(one, "take_apart", take_apart)
    monkeypatch.setattr(one, "draw_apart", lambda scenario, steps, clock: clock.update(drawn))
    sky = 2.0 * one.sky * 10.0
    assert one.microseconds(["a", "b"], 7) == pytest.approx(
        {
            "picture": 40.0,
            "step": 100.0,
            "step with inference": 130.0,
            "advance": 25.0,
            "observation and books": 35.0,
            "before the first pixel": 4.0,
            "bodies": 8.0,
            "ground": 26.0 - sky,
            "sky": sky,
            "effects": 2.0,
        }
    )
    one.env.close()


@pytest.mark.slow
def test_serving_is_measured_from_the_hand_to_the_picture() -> None:
    """How fast it is depends on what else the machine does; what is told of a drive does not."""
    seen = watch(viewers=2, seconds=1.0, flags=("--width-px", "96", "--height-px", "48", "--traffic", "none"))
    assert len(seen) == 3
    for one in seen:
        assert skipped(one) == 0
        shown = [step for _, step in one.pictures]
        assert shown == sorted(set(shown)), "pictures out of order"
    assert all(0.0 < delay < HANG_S for delay in seen[0].delays)


def test_steps_that_a_page_was_not_told_of_are_counted() -> None:
    seen = Seen(states=[(0.0, 4), (0.05, 5), (0.06, 5), (0.15, 8)])
    assert skipped(seen) == 2
