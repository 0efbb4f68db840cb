"""The observation's Gymnasium spaces, derived from its declarations in `drive.agent` and `drive.camera`."""

from collections.abc import Mapping

import gymnasium
import numpy as np

from drive.agent import OBSERVATION, Quantity
from drive.camera import Camera, camera_outputs


def observation_space(cameras: Mapping[str, Camera]) -> gymnasium.spaces.Dict:
    """What an environment with these cameras shows: their pictures, and every quantity that is none."""
    pictures = {
        one.key: gymnasium.spaces.Box(0, one.high, one.shape, one.dtype.type)
        for one in camera_outputs(cameras)
    }
    others = {key: _space(quantity) for key, quantity in OBSERVATION.items() if key != "camera"}
    return gymnasium.spaces.Dict({**pictures, **others})


def _space(quantity: Quantity) -> gymnasium.Space:
    if quantity.shape == ():
        return gymnasium.spaces.Discrete(int(quantity.high[0]) + 1)
    dtype = np.dtype(quantity.dtype)
    shape = tuple(int(n) for n in quantity.shape)
    low, high = (np.full(shape, bound, dtype) for bound in (quantity.low, quantity.high))
    return gymnasium.spaces.Box(low, high, dtype=dtype.type)
