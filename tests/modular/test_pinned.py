"""The modular stack steers as it is stored, on the same frames."""

import json

import numpy as np
import pytest

from drive.modular.pipeline import ModularAgent
from tests.modular import pinned

STORED = json.loads(pinned.FILE.read_text())
REMEDY = "frames changed on purpose? run python -m tests.modular.pinned"


@pytest.mark.parametrize("scenario", pinned.SCENARIOS)
def test_the_stack_steers_as_it_did(scenario):
    stored = STORED[scenario]
    rows, weather = pinned.watch(scenario, [ModularAgent()])
    assert weather == stored["weather"], REMEDY
    np.testing.assert_allclose(np.array(rows)[:, 0], stored["steering"], rtol=0.0, atol=1e-6, err_msg=REMEDY)


def test_the_stored_drives_are_of_many_weathers_and_steer_both_ways():
    drives = STORED.values()
    assert len({drive["weather"] for drive in drives}) >= 5
    steering = np.concatenate([drive["steering"] for drive in drives])
    assert steering.min() < -0.2 and steering.max() > 0.05
