"""The bench prints one JSON object a line, with the documented keys."""

import json

import pytest

from drive.commands.bench import SIZES, BenchConfig, main

COMMON = {"what", "camera", "environments", "threads", "steps_per_second"}


def test_each_line_is_json_with_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    main(BenchConfig(scenarios=1, steps=2, repeats=1, batch=2, threads=1, training=False))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
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
