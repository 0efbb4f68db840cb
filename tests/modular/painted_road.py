"""A road painted on a plane, its camera picture by one homography, a kinematic car: a small honest world."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, Context, Observation
from drive.camera import Camera
from tests.polyline import Polyline

TEXEL = 0.05  # [m]
MARGIN = 30.0  # [m]


@dataclass
class PaintedRoad:
    """One lane of a two-lane road: edge line right, centre line left."""

    pieces: list[tuple[float, float]]  # (length [m], curvature [1/m])
    width: float = 3.5  # [m]
    center_dash: bool = True
    center_yellow: bool = False
    edge_line: bool = True
    unmarked: tuple[float, float] = (0.0, 0.0)  # from, to [m]
    seed: int = 0
    path: Polyline = field(init=False)

    def __post_init__(self) -> None:
        step = 0.1
        curvature = np.concatenate([np.full(round(n / step), k) for n, k in self.pieces])
        yaw = np.concatenate([[0.0], np.cumsum(curvature * step)])
        middle = yaw[:-1] + 0.5 * curvature * step
        xy = np.concatenate(
            [[[0.0, 0.0]], step * np.cumsum(np.stack([np.cos(middle), np.sin(middle)], 1), 0)]
        )
        self.path = Polyline(xy)
        self.curvature = np.append(curvature, curvature[-1])
        self._origin = xy.min(0) - MARGIN
        size = np.ceil((xy.max(0) + MARGIN - self._origin) / TEXEL).astype(int)
        rng = np.random.default_rng(self.seed)
        ground = np.empty((size[0], size[1], 3), np.uint8)
        ground[:] = (86, 124, 58)
        s = np.arange(0.0, self.path.length, step)
        lanes = self._points(s, 0.5 * self.width)
        cv2.polylines(ground, [lanes], False, (96, 97, 99), round(2.0 * self.width / TEXEL))
        marked = (s < self.unmarked[0]) | (s > self.unmarked[1])
        yellow, white = (205, 165, 40), (225, 225, 222)
        dash = marked & ((s % 9.0 < 3.0) | (not self.center_dash))
        self._paint(ground, s, 0.5 * self.width, dash, yellow if self.center_yellow else white)
        if self.edge_line:
            self._paint(ground, s, -0.5 * self.width, marked, white)
            self._paint(ground, s, 1.5 * self.width, marked, white)
        noise = rng.normal(0.0, 5.0, ground.shape[:2])[..., None]
        self.ground = np.clip(ground + noise, 0, 255).astype(np.uint8)

    def _points(self, s: NDArray[np.float64], d: float) -> NDArray[np.int32]:
        """Texture coordinates (column y, row x) as cv2 wants them."""
        texels = (self.path.position(s, np.full_like(s, d)) - self._origin) / TEXEL - 0.5
        return np.round(texels[:, ::-1]).astype(np.int32)

    def _paint(self, ground, s, d, on, color) -> None:
        points = self._points(s, d)
        for i in np.flatnonzero(on[:-1] & on[1:]):
            cv2.line(ground, points[i].tolist(), points[i + 1].tolist(), color, 3)

    def picture(self, camera: Camera, x: float, y: float, yaw: float) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB from a car at this pose."""
        c, s = np.cos(yaw), np.sin(yaw)
        world_from_vehicle = np.array([[c, -s, x], [s, c, y], [0.0, 0.0, 1.0]])
        world_from_texture = np.array(
            [
                [0.0, TEXEL, self._origin[0] + 0.5 * TEXEL],
                [TEXEL, 0.0, self._origin[1] + 0.5 * TEXEL],
                [0, 0, 1],
            ]
        )
        half_pixel = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])
        image_from_texture = (
            half_pixel @ camera.image_from_ground @ np.linalg.inv(world_from_vehicle) @ world_from_texture
        )
        size = (camera.width_px, camera.height_px)
        image = cv2.warpPerspective(self.ground, image_from_texture, size, flags=cv2.INTER_LINEAR)
        # Above the horizon the homography shows what lies behind the camera: paint the sky there.
        f, pitch = camera.focal_px, np.deg2rad(camera.pitch_deg)
        horizon = int(camera.height_px / 2.0 - f * np.tan(pitch)) + 3
        image[:horizon] = (170, 190, 215)
        return image


def drive(
    agent, road: PaintedRoad, speed_limit: float = 9.0, start=(0.3, 0.03), keep=None
) -> NDArray[np.float64]:
    """Closed loop with a kinematic car: lateral offsets of its middle, one a step, until the road's end."""
    camera = Camera()
    context = Context(cameras={"front": camera})
    agent.reset(context)
    wheelbase, s0 = context.wheelbase, 6.0
    x, y = road.path.position(s0, start[0])
    yaw = float(road.path.heading_at(s0)) + start[1]
    angle, speed, yaw_rate = 0.0, 5.0, 0.0
    offsets = []
    for _ in range(1200):
        middle = np.array([x + 0.5 * wheelbase * np.cos(yaw), y + 0.5 * wheelbase * np.sin(yaw)])
        s, d = road.path.local_coordinates(middle)
        if s > road.path.length - 26.0 or abs(d) > 2.5:
            break
        offsets.append(float(d))
        image = road.picture(camera, x, y, yaw)
        observation: Observation = {
            "camera": image,
            "speed": np.array([speed], np.float32),
            "yaw_rate": np.array([yaw_rate], np.float32),
            "speed_limit": np.array([speed_limit], np.float32),
            "command": 0,
            "lead": np.array([200.0, 0.0], np.float32),
        }
        control = agent.act(observation)
        if keep is not None:
            keep(agent, image, s, d)
        ahead = road.curvature[int(s / 0.1) : int((s + 3.0 + speed) / 0.1)]
        safe = np.sqrt(2.2 / max(float(np.max(np.abs(ahead))), 1e-3))
        speed += float(np.clip(min(safe, speed_limit) - speed, -3.0 * DT, 1.5 * DT))
        wanted = control.steering * context.max_steering_angle
        for _ in range(5):
            angle += float(np.clip((wanted - angle) * 0.01 / 0.1, -0.008, 0.008))
            yaw_rate = speed * np.tan(angle) / wheelbase
            x += speed * np.cos(yaw) * 0.01
            y += speed * np.sin(yaw) * 0.01
            yaw += yaw_rate * 0.01
    return np.array(offsets), float(s)
