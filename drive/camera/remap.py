"""Pictures of one camera as another on the same car would have taken them.

A policy has learned what its own camera shows. Behind another camera it is handed its own camera's picture
again, as far as the other one saw it, by a table of where each pixel comes from that is made once.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drive.camera.camera import Camera
from drive.core.errors import UserError

Array = NDArray[np.float64]
MIN_SHOWN = 0.15  # share of a picture that the other camera must have seen
FURTHER = np.geomspace(0.1, 60.0, 120)  # where a hidden spot's look is taken from, along the car's way [m]


def source_points(source: Camera, target: Camera, u: Array, v: Array, further: float = 0.0) -> Array:
    """Where `source` shows what `target` shows at (u, v): (..., 2) u, v [px]; NaN where it does not see it.

    What lies below the horizon is taken to lie on the road plane, the rest infinitely far away. With C the
    cameras' places, z the target's height and r a ray of it, r_z of it upwards, the source looks along

        r + (C_target - C_source) max(0, -r_z) / z

    which is the plane's homography below the horizon, the rotation's above it, and both on it (Hartley and
    Zisserman, Multiple View Geometry, ch. 8.4 and 13.1). The target's lens is taken out before, the source's
    put in after.

    Args:
        source: who took the picture.
        target: whose picture is wanted.
        u: of any shape [px].
        v: of the same shape [px].
        further: look so much further ahead along the car's way, for what is on the road [m].
    """
    rays = _in_vehicle(target, u, v)
    shift = np.array([target.x - source.x + further, target.y - source.y, target.z - source.z])
    directions = rays + shift * np.maximum(0.0, -rays[..., 2:]) / target.z
    found = source.project(directions + np.array([source.x, source.y, source.z]))
    size = source.width_px, source.height_px
    seen = np.all((found >= 0.0) & (found <= size), axis=-1, keepdims=True)
    if source.warped:  # far off the axis a lens's polynomial comes back into the picture: look from there
        again = _in_vehicle(source, *np.moveaxis(np.where(seen, found, np.nan), -1, 0))
        length = np.linalg.norm(again, axis=-1, keepdims=True) * np.linalg.norm(
            directions, axis=-1, keepdims=True
        )
        seen &= np.linalg.norm(np.cross(again, directions), axis=-1, keepdims=True) < 1e-6 * length
    return np.where(seen, found, np.nan)


def _in_vehicle(camera: Camera, u: Array, v: Array) -> Array:
    """(..., 3) what is shown at (u, v), from the camera, in the vehicle frame; 1 m along the axis."""
    right, down = camera.rays(u, v)
    return np.stack([right, down, np.ones_like(right)], axis=-1) @ camera.camera_from_vehicle[:3, :3]


@lru_cache(maxsize=8)
def _table(source: Camera, target: Camera) -> tuple[Array, float]:
    """(H, W, 2) of each pixel its place in the source, and the share of pixels that the source really saw.

    A hidden spot of the road looks as the nearest one further along the car's way that is seen, so that
    lines go on; what then is left, as the nearest pixel.
    """
    import cv2

    u, v = np.meshgrid(np.arange(target.width_px) + 0.5, np.arange(target.height_px) + 0.5)
    found = source_points(source, target, u, v)
    hidden = np.isnan(found[..., 0])
    share = 1.0 - float(hidden.mean())
    below = _in_vehicle(target, u, v)[..., 2] < 0.0
    for further in FURTHER:
        spots = below & np.isnan(found[..., 0])
        if not spots.any():
            break
        found[spots] = source_points(source, target, u[spots], v[spots], further)
    hidden = np.isnan(found[..., 0])
    if hidden.any() and not hidden.all():
        _, labels = cv2.distanceTransformWithLabels(
            hidden.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        nearest = np.zeros(int(labels.max()) + 1, np.int64)
        nearest[labels[~hidden]] = np.flatnonzero(~hidden)
        found = found.reshape(-1, 2)[nearest[labels]]
    return found, share


class Remap:
    """Turns pictures of one camera into another's; fixed-point, without memory of its own for each picture.

    Attributes:
        share: of the other's pixels that the one really saw; the rest is filled.
    """

    def __init__(self, source: Camera, target: Camera) -> None:
        """Make the table.

        Args:
            source: who takes the pictures.
            target: whose pictures are wanted.

        Raises:
            UserError: the two hardly see the same.
        """
        import cv2

        found, self.share = _table(replace(source, outputs=("rgb",)), replace(target, outputs=("rgb",)))
        if self.share < MIN_SHOWN:
            raise UserError(
                f"the camera shows {100.0 * self.share:.0f} % of what the other one shows, too little to "
                f"stand in for it ({source.differences(target)})"
            )
        factor = max(1, int(source.focal_px / target.focal_px))  # finer: averaged before pixels are picked
        size = np.array([source.width_px, source.height_px])
        picked = (found * (size // factor / size) - 0.5).astype(np.float32)  # cv2 counts from pixels' centres
        self._small = np.empty((size[1] // factor, size[0] // factor, 3), np.uint8) if factor > 1 else None
        self._places, self._parts = cv2.convertMaps(picked[..., 0], picked[..., 1], cv2.CV_16SC2)
        self._out = np.empty((target.height_px, target.width_px, 3), np.uint8)

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) the other's picture, in a buffer that the next call overwrites."""
        import cv2

        if self._small is not None:
            size = self._small.shape[1::-1]
            cv2.resize(picture, size, dst=self._small, interpolation=cv2.INTER_AREA)
            picture = self._small
        edge, places, parts = cv2.BORDER_REPLICATE, self._places, self._parts
        cv2.remap(picture, places, parts, cv2.INTER_LINEAR, dst=self._out, borderMode=edge)
        return self._out
