"""A policy behind another camera than the one it was trained with: it is handed the picture that it knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera, Remap
from drive.core.errors import UserError

PictureMap = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def picture_map(path: Path, trained: Camera, camera: Camera, adapt: bool) -> PictureMap | None:
    """What turns this camera's pictures into those that a policy takes; None: they are the same.

    Args:
        path: of the policy.
        trained: whose pictures it was trained on.
        camera: who takes them now.
        adapt: map each pixel to where the trained camera would have shown it; otherwise only bring the
            picture to the trained size.

    Raises:
        UserError: the camera hardly sees what the trained one saw.
    """
    if not camera.differences(trained):
        return None
    if adapt:
        try:
            return Remap(camera, trained)
        except UserError as error:
            raise UserError(f"{path} cannot drive behind this camera: {error}; or take --no-adapt.") from None
    if (camera.width_px, camera.height_px) == (trained.width_px, trained.height_px):
        return None
    return lambda picture: _stretched(picture, (trained.width_px, trained.height_px))


def _stretched(picture: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    import cv2

    return cast(NDArray[np.uint8], cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def camera_remark(name: str, path: Path, trained: Camera | None, camera: Camera, adapt: bool) -> str | None:
    """What a command says of a policy behind another camera than its own; None: it is the same, or unknown.

    Raises:
        UserError: as for `picture_map`.
    """
    if trained is None or not (differences := camera.differences(trained)):
        return None
    mapped = picture_map(path, trained, camera, adapt)
    what = f"{name} was trained with another camera than this one ({differences})"
    if isinstance(mapped, Remap):
        filled = 100.0 * (1.0 - mapped.share)
        return (
            f"{what}: its pictures are mapped to that one's, {filled:.0f} % of them filled from their "
            "surroundings. --no-adapt does without."
        )
    return f"{what}, and sees its pictures {'as they are' if mapped is None else 'at that size'}."
