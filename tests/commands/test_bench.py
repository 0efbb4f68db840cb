"""The bench prints one JSON object a line, with the documented keys."""

import json

import pytest

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
    for line in lines[:2]:
        assert line["mean_faces_in_view"] > 0.0 and line["mean_vehicles_in_view"] >= 0.0


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
