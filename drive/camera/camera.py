"""Cameras: lens, mount, and what they show."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import cos, isfinite, radians, sin, tan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.lens import LENSES, distort, radius_of, undistort

MAX_DEPTH = 1000.0  # depth of the sky, and of whatever is further [m]
LABELS = (
    "sky",
    "terrain",
    "road",
    "mark",
    "sidewalk",
    "kerb",
    "vehicle",
    "obstacle",
    "building",
    "vegetation",
    "pole",
    "sign",
    "fence",
)
"""Semantic classes; a picture of labels holds indices into it."""
_VALUES: dict[str, tuple[type, float]] = {  # type and largest value
    "rgb": (np.uint8, 255),
    "depth": (np.float32, MAX_DEPTH),
    "labels": (np.uint8, len(LABELS) - 1),
    "instances": (np.int32, 2**31 - 1),
}
OUTPUTS = tuple(_VALUES)
MAX_OFF_AXIS_DEG = 80.0  # of what a lens shows


@dataclass(frozen=True)
class Camera:
    """A camera on the car.

    Vehicle frame (ISO 8855): x forward, y left, z up, origin on the ground under the rear axle.
    Image: u right, v down, (0, 0) at the outer corner of the top left pixel, so that the centre
    of pixel (row r, column c) is (u, v) = (c + 0.5, r + 0.5). The optical axis meets the picture's middle.

    `outputs` are any of:

    - rgb: (H, W, 3) uint8.
    - depth: (H, W) float32, distance along the optical axis (planar, not along the ray) [m]; at most
      MAX_DEPTH, which the sky has.
    - labels: (H, W) uint8, semantic class: index into `LABELS`.
    - instances: (H, W) int32: 0 for ground and sky, 1 + i for actor i of the world, from 1 + number of actors
      on the scenery. An actor keeps its number for a whole drive.

    All show the same pixels: of a lens's warp, rgb is interpolated, the others take the nearest pixel.
    """

    width_px: int = 320
    height_px: int = 160
    fov_deg: float = 90.0  # horizontal field of view, through the lens, along the picture's middle row
    x: float = 1.5  # ahead of the rear axle [m]
    y: float = 0.0  # left of the car's middle [m]
    z: float = 1.4  # above the ground [m]
    pitch_deg: float = 3.0  # downwards positive
    yaw_deg: float = 0.0  # left positive
    roll_deg: float = 0.0  # about the optical axis, clockwise as seen from behind positive
    lens: str = "pinhole"  # or "brown-conrady", "kannala-brandt"
    distortion: tuple[float, ...] = ()  # k1, k2, p1, p2, k3 or k1 .. k4, as OpenCV has them; (): all 0
    outputs: tuple[str, ...] = ("rgb",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "distortion", tuple(float(k) for k in self.distortion))  # lists, from JSON
        object.__setattr__(self, "outputs", tuple(self.outputs))
        if not (8 <= self.width_px <= 4096 and 8 <= self.height_px <= 4096):
            raise ValueError(
                f"Camera size {self.width_px}x{self.height_px} px is out of range; take 8 to 4096 a side."
            )
        if not 10.0 <= self.fov_deg <= 150.0:
            raise ValueError(f"Camera.fov_deg is {self.fov_deg}; take 10 to 150 degrees.")
        for name, sides in (("x", "ahead of the rear axle"), ("y", "left of the car's middle")):
            if not abs(getattr(self, name)) <= 10.0:
                raise ValueError(f"Camera.{name} is {getattr(self, name)} m {sides}; take -10 to 10 m.")
        if not 0.2 <= self.z <= 10.0:
            raise ValueError(f"Camera.z is {self.z} m above the ground; take 0.2 to 10 m.")
        if not -45.0 <= self.pitch_deg <= 60.0:
            raise ValueError(f"Camera.pitch_deg is {self.pitch_deg}; take -45 (up) to 60 (down).")
        for name in ("yaw_deg", "roll_deg"):
            if not abs(getattr(self, name)) <= 180.0:
                raise ValueError(f"Camera.{name} is {getattr(self, name)}; take -180 to 180 degrees.")
        self._check_outputs()
        self._check_lens()

    def _check_outputs(self) -> None:
        unknown = [output for output in self.outputs if output not in OUTPUTS]
        if unknown or not self.outputs or len(set(self.outputs)) < len(self.outputs):
            raise ValueError(
                f"Camera.outputs is {self.outputs}; take one or more of {', '.join(OUTPUTS)}, each once."
            )

    def _check_lens(self) -> None:
        if self.lens not in LENSES:
            raise ValueError(f"Camera.lens is {self.lens!r}; take one of {', '.join(LENSES)}.")
        names, given = LENSES[self.lens], self.distortion
        if (given and len(given) != len(names)) or not all(isfinite(k) for k in given):
            wanted = f"the {len(names)} numbers {', '.join(names)}" if names else "none"
            raise ValueError(f"Camera.distortion is {given} for lens {self.lens!r}; take {wanted}.")
        if not self.warped:
            return
        r, c = np.arange(self.height_px) + 0.5, np.arange(self.width_px) + 0.5
        border = np.concatenate(
            [np.stack([c, np.full_like(c, v)]) for v in (0.5, self.height_px - 0.5)]
            + [np.stack([np.full_like(r, u), r]) for u in (0.5, self.width_px - 0.5)],
            axis=1,
        )
        seen = np.hypot(*self.rays(border[0], border[1]))
        if not np.all(seen <= tan(radians(MAX_OFF_AXIS_DEG))):
            raise ValueError(
                f"Camera lens {self.lens!r} with distortion {given} has pixels at the picture's border that "
                f"look more than {MAX_OFF_AXIS_DEG:g} degrees off its axis, or nowhere; take a smaller "
                f"fov_deg than {self.fov_deg:g} or a picture that is less high for its width."
            )

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The lens's coefficients, zeros if none were given."""
        return self.distortion or (0.0,) * len(LENSES[self.lens])

    @property
    def distorting(self) -> bool:
        """Whether straight lines are shown bent."""
        return self.lens == "kannala-brandt" or any(self.distortion)

    @property
    def warped(self) -> bool:
        """Whether the picture is another one than an upright pinhole's."""
        return self.roll_deg != 0.0 or self.distorting

    @property
    def focal_px(self) -> float:
        """Focal length in pixels, the same along u and v; of a lens: on its axis."""
        half = radians(self.fov_deg) / 2.0
        if self.lens == "pinhole":
            return self.width_px / (2.0 * tan(half))
        return self.width_px / (2.0 * radius_of(self.lens, self.coefficients, half))

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) matrix from camera coordinates (right, down, ahead), bent by the lens, to (u, v, 1)."""
        f = self.focal_px
        return np.array([[f, 0.0, self.width_px / 2.0], [0.0, f, self.height_px / 2.0], [0.0, 0.0, 1.0]])

    @property
    def camera_from_vehicle(self) -> NDArray[np.float64]:
        """(4, 4) rigid transform from the vehicle frame to (right, down, ahead) camera coordinates."""
        yaw, pitch, roll = radians(self.yaw_deg), radians(self.pitch_deg), radians(self.roll_deg)
        ahead = np.array([cos(pitch) * cos(yaw), cos(pitch) * sin(yaw), -sin(pitch)])
        right = np.array([sin(yaw), -cos(yaw), 0.0])
        down = np.cross(ahead, right)
        if roll != 0.0:
            right, down = cos(roll) * right + sin(roll) * down, cos(roll) * down - sin(roll) * right
        rotation = np.stack([right, down, ahead])
        transform = np.eye(4)
        transform[:3, :3] = rotation
        transform[:3, 3] = -rotation @ np.array([self.x, self.y, self.z])
        return transform

    @property
    def image_from_ground(self) -> NDArray[np.float64]:
        """(3, 3) homography from the ground plane (x, y, 1) in the vehicle frame to homogeneous (u, v).

        Raises:
            UserError: a distorting lens has none.
        """
        if self.distorting:
            raise UserError(
                f"A camera with lens {self.lens!r} shows no straight lines, which this needs; take a pinhole."
            )
        full = self.intrinsics @ self.camera_from_vehicle[:3]
        return full[:, [0, 1, 3]]

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (..., 3) of the vehicle frame [m] are shown: (..., 2) u, v; NaN behind the camera."""
        transform = self.camera_from_vehicle
        right, down, ahead = np.moveaxis(points @ transform[:3, :3].T + transform[:3, 3], -1, 0)
        depth = np.where(ahead > 0.0, ahead, np.nan)
        x, y = distort(self.lens, self.coefficients, right / depth, down / depth)
        f = self.focal_px
        return np.stack([f * x + self.width_px / 2.0, f * y + self.height_px / 2.0], axis=-1)

    def rays(self, u: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """What is shown at (u, v): how far right and down of the axis a metre along it; NaN: nothing."""
        f = self.focal_px
        x, y = (u - self.width_px / 2.0) / f, (v - self.height_px / 2.0) / f
        return undistort(self.lens, self.coefficients, x, y)

    def differences(self, other: "Camera") -> str:
        """What of size, lens and mount is not another's: "z 1.1, not 1.4; yaw_deg 4, not 0"; "": nothing."""
        names = [field.name for field in fields(self) if field.name != "outputs"]
        pairs = [(name, getattr(self, name), getattr(other, name)) for name in names]
        return "; ".join(f"{name} {_plain(one)}, not {_plain(two)}" for name, one, two in pairs if one != two)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file, which `Camera(**values)` reads.

        Roll, lens and outputs stand in it only where they are not those of an upright pinhole with rgb, so
        that the files of such a camera are what they always were.
        """
        values: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("roll_deg", "lens", "distortion", "outputs") or value != field.default:
                values[field.name] = list(value) if isinstance(value, tuple) else value
        return values


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class CameraOutput(NamedTuple):
    """One picture of an observation."""

    key: str  # in the observation
    camera: str  # name of the camera
    output: str  # one of `OUTPUTS`
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    high: float  # largest value; the smallest is 0


def camera_outputs(cameras: Mapping[str, Camera]) -> tuple[CameraOutput, ...]:
    """The pictures of an observation: the front camera's rgb is `camera`, another's `camera_NAME`; the other
    outputs are `depth_NAME`, `labels_NAME` and `instances_NAME`.

    Raises:
        UserError: there is no front camera, or a name is no identifier.
    """
    if "front" not in cameras:
        raise UserError(f"cameras has {sorted(cameras)}; one must be named 'front'.")
    found = []
    for name, camera in cameras.items():
        if not name.isidentifier():
            raise UserError(f"Camera name {name!r} cannot be part of a key; take letters, digits and _.")
        size = camera.height_px, camera.width_px
        for output in (one for one in OUTPUTS if one in camera.outputs):
            key, shape = (f"{output}_{name}", size) if output != "rgb" else (f"camera_{name}", (*size, 3))
            dtype, high = _VALUES[output]
            key = "camera" if key == "camera_front" else key
            found.append(CameraOutput(key, name, output, shape, np.dtype(dtype), high))
    return tuple(found)
