"""Which inputs a policy file may have, and how a frame becomes the floats that PyTorch exports take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import OBSERVATION
from drive.core.errors import UserError

INPUT_SHAPES: dict[str, tuple[str, ...]] = {
    key: ("N", *map(str, quantity.shape)) for key, quantity in OBSERVATION.items()
}
ADAPTERS = ("float_nchw",)


@dataclass(frozen=True)
class Adapter:
    """Turns a uint8 (H, W, 3) frame into float32 (1, 3, H, W): (frame / 255 - mean) / std.

    Named in the policy's JSON as {"adapter": {"camera": "float_nchw", "mean": [r, g, b], "std": [r, g, b],
    "top_px": row, "bottom_px": row, "height_px": h, "width_px": w}}; all but the name may be left out: no
    shift, no scaling, no crop, no resizing (bilinear).
    """

    camera: str
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    top_px: int | None = None
    bottom_px: int | None = None
    height_px: int | None = None
    width_px: int | None = None

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The input for one frame."""
        import cv2

        x: NDArray[Any] = frame[self.top_px : self.bottom_px]
        if self.height_px and self.width_px:
            x = cv2.resize(x, (self.width_px, self.height_px), interpolation=cv2.INTER_LINEAR)
        scale = 1.0 / (255.0 * np.asarray(self.std, np.float32))
        shift = np.asarray(self.mean, np.float32) / np.asarray(self.std, np.float32)
        x = x * scale.astype(np.float32) - shift
        return np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32)

    def check(self, path: Path, shape: list[Any]) -> None:
        """Refuse a file whose camera input is not (N, 3, H, W) of the adapter's size."""
        size = tuple(shape[2:]) if len(shape) == 4 else ()
        wanted = (self.height_px, self.width_px)
        if len(shape) != 4 or shape[1] != 3 or (all(wanted) and size != wanted and isinstance(size[0], int)):
            raise UserError(
                f"{path}: camera has the shape {shape}, the adapter in {path.stem}.json gives "
                f"(N, 3, {self.height_px or 'H'}, {self.width_px or 'W'}); correct the JSON."
            )


def read_adapter(values: Mapping[str, Any]) -> Adapter:
    """The adapter of a policy's JSON.

    Raises:
        ValueError: unknown kind.
        TypeError: unknown fields.
    """
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    adapter = Adapter(**fields)
    if adapter.camera not in ADAPTERS:
        raise ValueError(f"adapter {adapter.camera!r} is unknown, take {', '.join(ADAPTERS)}")
    return adapter
