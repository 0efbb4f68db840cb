"""A straight road made by hand, and worlds around it, for tests of the camera."""

import numpy as np

from drive.camera import OUTPUTS, Camera
from drive.sim.arrays import ACTOR, BUILDING, CAR, PROP, TREE
from drive.sim.maps.road_map import Lane, RoadMap, Stroke, Surface
from drive.sim.sensors.ground import Ground
from drive.sim.sensors.look import Look
from drive.sim.sensors.records import Actors, Pictures, Shots
from drive.sim.sensors.renderer import Renderer
from drive.sim.sensors.store import SceneStore
from drive.sim.sensors.weather import WEATHERS

HALF_WIDTH = 4.0  # of the asphalt [m]


def straight_road(length: float = 120.0, strokes: tuple[Stroke, ...] | None = None) -> RoadMap:
    """A road along x with an edge line on each side (y = +-3.7) and a broken middle line."""
    if strokes is None:
        strokes = tuple(
            Stroke(np.array([[-10.0, y], [length, y]]), kind, color)
            for y, kind, color in (
                (3.7, "solid", "white"),
                (-3.7, "solid", "white"),
                (0.0, "broken", "yellow"),
            )
        )
    polygon = np.array([[-10.0, -4.0], [length, -4.0], [length, 4.0], [-10.0, 4.0]])
    center = np.array([[-10.0, -1.85, 0.0], [length, -1.85, 0.0]])
    lane = Lane(0, "0", 0, -1, "driving", center, np.array([0.0, length + 10.0]), np.full(2, 3.7), 13.9)
    return RoadMap("straight", (lane,), strokes, (Surface(polygon, "asphalt"),))


def look(name: str = "overcast", seed: int = 1) -> Look:
    return Look.sample(WEATHERS[name], np.random.default_rng(seed))


def actor(
    x: float, y: float, kind: int = CAR, yaw: float = 0.0, color: int = 0xC02020, **more: float
) -> np.ndarray:
    actors = np.zeros(1, ACTOR)
    size = {"length": 4.5, "width": 1.8, "height": 1.5}
    for key, value in {
        **size,
        "x": x,
        "y": y,
        "yaw": yaw,
        "kind": kind,
        "color": color,
        "active": 1,
        **more,
    }.items():
        actors[key] = value
    return actors


def prop(
    x: float, y: float, kind: int, length: float, width: float, height: float, seed: int = 0
) -> np.ndarray:
    props = np.zeros(1, PROP)
    values = {"x": x, "y": y, "kind": kind, "length": length, "width": width, "height": height}
    for key, value in {**values, "color": 0x808040, "seed": seed}.items():
        props[key] = value
    return props


def scenery(seed: int = 0, n: int = 120) -> np.ndarray:
    """Trees and houses on both sides of the straight road."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        x, side = rng.uniform(0.0, 150.0), rng.choice([-1.0, 1.0])
        if i % 3 == 0:
            rows.append(
                prop(x, side * rng.uniform(16.0, 30.0), BUILDING, 12.0, 9.0, rng.uniform(5.0, 14.0), i)
            )
        else:
            rows.append(prop(x, side * rng.uniform(7.0, 14.0), TREE, 4.0, 4.0, rng.uniform(4.0, 9.0), i))
    return np.concatenate(rows)


def center_of_area(polygon: np.ndarray) -> np.ndarray:
    """Centroid of a polygon (n, 2)."""
    following = np.roll(polygon, -1, axis=0)
    cross = polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]
    return ((polygon + following) * cross[:, None]).sum(0) / (3.0 * cross.sum())


class Picture:
    """What one camera sees of one world."""

    def __init__(
        self,
        camera: Camera,
        ground: Ground,
        props: np.ndarray | None = None,
        actors: np.ndarray | None = None,
        weather: str = "overcast",
        pose: tuple[float, float, float] = (0.0, 0.0, 0.0),
        frame: int = 1,
    ) -> None:
        store = SceneStore(1)
        store.set(0, ground, np.zeros(0, PROP) if props is None else props, look(weather))
        actors = np.zeros(0, ACTOR) if actors is None else actors
        x, y, yaw = pose
        zero = np.zeros(1, np.int64)
        out = Pictures.empty(OUTPUTS, 1, camera.height_px, camera.width_px)
        self.faces, self.vehicles = Renderer(camera, store).render(
            Shots(zero, np.array([[x, y, 0.0, yaw]]), zero + frame),
            Actors(actors, zero, zero + len(actors)),
            out,
        )
        self.rgb, self.depth, self.labels, self.instances = (one[0] for one in out)
