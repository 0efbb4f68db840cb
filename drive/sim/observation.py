"""The observation's Gymnasium spaces, derived from its one declaration in `drive.agent`."""

import gymnasium
import numpy as np

from drive.agent import OBSERVATION, Quantity
from drive.camera import Camera


def observation_space(camera: Camera) -> gymnasium.spaces.Dict:
    """What an environment with this front camera shows."""
    return gymnasium.spaces.Dict({key: _space(quantity, camera) for key, quantity in OBSERVATION.items()})


def _space(quantity: Quantity, camera: Camera) -> gymnasium.Space:
    if quantity.shape == ():
        return gymnasium.spaces.Discrete(int(quantity.high[0]) + 1)
    size = {"H": camera.height_px, "W": camera.width_px}
    shape = tuple(size[n] if isinstance(n, str) else n for n in quantity.shape)
    dtype = np.dtype(quantity.dtype)
    low, high = (np.full(shape, bound, dtype) for bound in (quantity.low, quantity.high))
    return gymnasium.spaces.Box(low, high, dtype=dtype.type)
