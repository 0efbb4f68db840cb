"""The end of a row: bodies over what lies behind them, noise, and the bytes of the picture."""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.memory import store_word


@kernel
def finish_row(
    bare: bool,
    inverse: NDArray[np.float32],
    bodies: NDArray[np.int64],
    colors: NDArray[np.uint32],
    noise: NDArray[np.uint8],
    line: NDArray[np.uint8],
) -> None:
    """Write a row's pixels (columns, 3), the sensor's noise (columns,) added.

    `colors` (columns,) is what lies behind the bodies; it is overwritten. In a `bare` row stands nothing.
    """
    width = len(colors)
    if bare:
        for k in range(width):
            grain = np.uint32(np.uint32(noise[k]) * np.uint32(0x010101))
            colors[k] = np.uint32(np.uint32(colors[k] & np.uint32(0xFFFFFF)) + grain)
    else:
        halves = bodies.view(np.uint32)  # the lower one is the colour
        for k in range(width):
            # both are read in any case: so the choice is no branch
            behind = colors[k]
            body = halves[2 * k]
            color = body if inverse[k] > np.float32(0.0) else behind
            grain = np.uint32(np.uint32(noise[k]) * np.uint32(0x010101))
            colors[k] = np.uint32(np.uint32(color & np.uint32(0xFFFFFF)) + grain)
    # each word's highest byte is the next pixel's lowest, and written again by it
    for k in range(width - 1):
        store_word(line, 3 * k, colors[k])
    last = colors[width - 1]
    line[width - 1, 0] = last & 255
    line[width - 1, 1] = last >> 8 & 255
    line[width - 1, 2] = last >> 16 & 255
