"""A real network, a fixed stream of small frames: it learns, its heads differ where they know nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from drive.models.networks.ensemble import MEMBERS
from drive.models.networks.pilotnet import PILOTNET
from drive.models.policy import OnnxPolicy
from drive.models.training.ensemble_trainer import EnsembleTrainer
from drive.models.training.replay_buffer import ReplayBuffer
from tests.models.synthetic import CAMERA, line_frame

UPDATES = 60

pytestmark = pytest.mark.slow  # it trains


@pytest.fixture(scope="module")
def learned() -> tuple[EnsembleTrainer, ReplayBuffer, list[float]]:
    """A trainer that saw 300 frames with steering below 0.4, and its errors on frames held back."""
    rng = np.random.default_rng(0)
    labels = rng.uniform(-0.4, 0.4, 300).astype(np.float32)
    trainer = EnsembleTrainer(CAMERA, augmented=False, seed=1)
    buffer = ReplayBuffer(PILOTNET, 1000, MEMBERS, np.random.default_rng(1))
    frames = np.stack([line_frame(label, rng) for label in labels])
    buffer.add(trainer.shrink(frames), {"speed": np.full((300, 1), 8.0, np.float32)}, labels[:, None])
    held = buffer.draw_held(100)
    errors = []
    for update in range(UPDATES + 1):
        if update in (0, UPDATES):
            errors.append(
                float(np.abs(trainer.answer(held.pictures, held.inputs)[0] - held.labels[:, 0]).mean())
            )
        trainer.update(buffer.draw(16))
    return trainer, buffer, errors


def test_the_error_on_frames_held_back_falls(
    learned: tuple[EnsembleTrainer, ReplayBuffer, list[float]],
) -> None:
    _, _, (before, after) = learned
    assert before > 0.15
    assert after < 0.5 * before


def test_the_heads_differ_more_on_frames_of_another_kind(
    learned: tuple[EnsembleTrainer, ReplayBuffer, list[float]],
) -> None:
    trainer, buffer, _ = learned
    held = buffer.draw_held(100)
    _, known = trainer.answer(held.pictures, held.inputs)
    strange = 255 - held.pictures[:, ::-1]
    _, unknown = trainer.answer(np.ascontiguousarray(strange), held.inputs)
    assert np.median(unknown) > np.percentile(known, 95)


def test_the_file_answers_as_the_network_does(
    learned: tuple[EnsembleTrainer, ReplayBuffer, list[float]], tmp_path: Path
) -> None:
    trainer, _, _ = learned
    path = tmp_path / "policy.onnx"
    assert trainer.export(path, {"model": "pilotnet ensemble", "training_seeds": [3]}) < 1e-3
    policy = OnnxPolicy(path)
    frame = line_frame(0.2, np.random.default_rng(5))
    found = policy.run({"camera": frame, "speed": np.array([8.0], np.float32)})
    steering, std = trainer.answer(trainer.shrink(frame[None]), {"speed": np.array([[8.0]], np.float32)})
    assert found == pytest.approx({"steering": steering[0], "steering_std": std[0]}, abs=1e-4)
    assert policy.description is not None and policy.description.training_seeds == {3}
    assert set(json.loads(path.with_suffix(".json").read_text())["outputs"]) == {"steering", "steering_std"}
