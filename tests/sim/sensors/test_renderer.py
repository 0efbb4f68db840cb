from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drive.camera import OUTPUTS, Camera
from drive.sim import arrays
from drive.sim.arrays import ACTOR, PROP
from drive.sim.maps.road_map import RoadMap, Stroke, Surface
from drive.sim.sensors import labels
from drive.sim.sensors.ground import Ground
from drive.sim.sensors.records import Actors, Pictures, Shots
from drive.sim.sensors.renderer import Renderer
from drive.sim.sensors.store import SceneStore
from drive.sim.sensors.weather import HELD_OUT_WEATHERS, TRAINING_WEATHERS, WEATHERS
from tests.sim.sensors.scenes import Picture, actor, center_of_area, look, prop, scenery, straight_road

SMALL = Camera(width_px=96, height_px=96)
VIEWS = (
    SMALL,
    Camera(),
    Camera(width_px=200, height_px=120, pitch_deg=12.0, z=2.2, x=0.3, y=0.4, yaw_deg=15.0),
    Camera(width_px=160, height_px=160, pitch_deg=-5.0, yaw_deg=-30.0, fov_deg=70.0),
)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground.of(straight_road(), 3)


@pytest.mark.parametrize("camera", VIEWS)
@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (5.0, -1.5, 0.3), (60.0, 1.0, 3.0)])
def test_painted_points_appear_where_the_calibration_says(
    camera: Camera, pose: tuple[float, float, float]
) -> None:
    x, y, yaw = pose
    ahead, left = np.meshgrid([5.0, 8.0, 12.0], [-3.0, 0.0, 3.0])
    spots = np.stack([ahead.ravel(), left.ravel()], axis=1)
    c, s = np.cos(yaw), np.sin(yaw)
    world = np.round(np.array([x, y]) + spots @ np.array([[c, s], [-s, c]]), 1)  # borders between texels
    spots = (world - np.array([x, y])) @ np.array([[c, -s], [s, c]])
    surfaces = [Surface(np.array([[-60.0, -60.0], [120.0, -60.0], [120.0, 60.0], [-60.0, 60.0]]), "asphalt")]
    size = 0.6
    square = size * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    surfaces += [Surface(point + square, "paint white") for point in world]
    picture = Picture(camera, Ground.of(RoadMap("spots", (), (), tuple(surfaces)), 1), pose=pose)
    seen = 0
    for spot in spots:
        u, v, w = camera.image_from_ground @ np.array([*spot, 1.0])
        if w <= 0.0 or not (4.0 < u / w < camera.width_px - 4.0 and 4.0 < v / w < camera.height_px - 4.0):
            continue
        corners = spot + square @ np.array([[c, s], [-s, c]]).T
        uvw = np.concatenate([corners, np.ones((4, 1))], axis=1) @ camera.image_from_ground.T
        box = uvw[:, :2] / uvw[:, 2:]
        left_px, top = np.floor(box.min(0)).astype(int) - 2
        right_px, bottom = np.ceil(box.max(0)).astype(int) + 2
        if (
            np.any(np.ptp(box, axis=0) < 4.0)
            or left_px < 0
            or top < 0
            or right_px > camera.width_px
            or bottom > camera.height_px
        ):
            continue
        painted = picture.labels[top:bottom, left_px:right_px] == labels.MARK
        rows, columns = np.nonzero(painted)
        center = np.array([columns.mean() + 0.5 + left_px, rows.mean() + 0.5 + top])
        expected = center_of_area(box)
        assert np.all(np.abs(center - expected) < 1.0)
        seen += 1
    assert seen >= 1


@pytest.mark.parametrize("camera", VIEWS)
def test_depth_of_the_ground_is_the_planes(camera: Camera, ground: Ground) -> None:
    picture = Picture(camera, ground)
    ground_from_image = np.linalg.inv(camera.image_from_ground)
    checked = 0
    for row in range(0, camera.height_px, 7):
        for column in range(0, camera.width_px, 13):
            x, y, w = ground_from_image @ np.array([column + 0.5, row + 0.5, 1.0])
            ahead = (camera.camera_from_vehicle @ np.array([x / w, y / w, 0.0, 1.0]))[2]
            if ahead > 0.1 and ahead < 500.0:
                assert picture.depth[row, column] == pytest.approx(ahead, rel=1e-5)
                checked += 1
            else:
                assert picture.depth[row, column] >= 500.0
    assert checked > 30


@pytest.mark.parametrize("camera", VIEWS[:2])
def test_depth_and_label_of_a_house_wall_ahead(camera: Camera, ground: Ground) -> None:
    house = prop(30.0, 0.0, arrays.BUILDING, 10.0, 14.0, 12.0)
    picture = Picture(camera, ground, props=house)
    up, middle = int(camera.height_px * 0.42), camera.width_px // 2
    pitch = np.radians(camera.pitch_deg)
    slope = (up + 0.5 - camera.height_px / 2) / camera.focal_px
    # the wall stands at x = 25: along the ray, x = camera.x + depth * (cos pitch - sin pitch * slope)
    assert picture.depth[up, middle] == pytest.approx(
        (25.0 - 1.5) / (np.cos(pitch) - np.sin(pitch) * slope), rel=1e-5
    )
    assert picture.labels[up, middle] == labels.BUILDING


def test_a_car_ahead_covers_its_outline_and_darkens_the_road_below(ground: Ground) -> None:
    camera = Camera()
    empty, picture = Picture(camera, ground), Picture(camera, ground, actors=actor(14.0, 0.0))
    car = picture.labels == labels.VEHICLE
    rows, columns = np.nonzero(car)
    near = np.array([[14.0 - 2.25, side, z, 1.0] for side in (-0.9, 0.9) for z in (0.2, 0.8)])
    camera_xyz = near @ camera.camera_from_vehicle.T
    u = camera.focal_px * camera_xyz[:, 0] / camera_xyz[:, 2] + camera.width_px / 2
    v = camera.focal_px * camera_xyz[:, 1] / camera_xyz[:, 2] + camera.height_px / 2
    assert columns.min() == pytest.approx(u.min(), abs=1.5)
    assert columns.max() + 1 == pytest.approx(u.max(), abs=1.5)
    assert rows.max() + 1 == pytest.approx(v.max(), abs=3.0)
    assert picture.vehicles == 1 and picture.faces > 5 and empty.faces == 0
    below = (rows.max() + 2, camera.width_px // 2)
    assert picture.rgb[below].mean() < 0.8 * empty.rgb[below].mean()


def test_brake_lights_are_brighter_than_tail_lights(ground: Ground) -> None:
    calm, braking = (
        Picture(SMALL, ground, actors=actor(8.0, 0.0, color=0x404040, braking=b)) for b in (0, 1)
    )
    red = braking.rgb[..., 0].astype(int) - calm.rgb[..., 0]
    assert red.max() > 40
    assert (red > 40).sum() < 0.1 * red.size


def test_inactive_actors_are_not_drawn(ground: Ground) -> None:
    gone = Picture(SMALL, ground, actors=actor(8.0, 0.0, active=0))
    np.testing.assert_array_equal(gone.rgb, Picture(SMALL, ground).rgb)


def test_the_nearer_of_two_cars_hides_the_other_whatever_their_order(ground: Ground) -> None:
    red, blue = actor(10.0, 0.0, color=0xD01010), actor(18.0, 0.3, color=0x1010D0)
    one = Picture(Camera(), ground, actors=np.concatenate([red, blue]))
    other = Picture(Camera(), ground, actors=np.concatenate([blue, red]))
    np.testing.assert_array_equal(one.rgb, other.rgb)
    np.testing.assert_array_equal(one.depth, other.depth)


KINDS = (
    arrays.CAR,
    arrays.VAN,
    arrays.TRUCK,
    arrays.CONE,
    arrays.BARREL,
    arrays.BARRIER,
    arrays.BUILDING,
    arrays.TREE,
    arrays.BUSH,
    arrays.POLE,
    arrays.SIGN,
    arrays.TRAFFIC_LIGHT,
    arrays.FENCE,
)


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_anywhere_around_the_camera_never_break_the_picture(kind: int, ground: Ground) -> None:
    rng = np.random.default_rng(kind)
    guard = 4096
    camera = SMALL
    store = SceneStore(1)
    store.set(0, ground, np.zeros(0, PROP), look("night"))
    renderer = Renderer(camera, store)
    shape = (1, camera.height_px, camera.width_px, 3)
    memory = np.full(guard * 2 + int(np.prod(shape)), 77, np.uint8)
    out = memory[guard:-guard].reshape(shape)
    depth = np.zeros(shape[:3], np.float32)
    pictures = Pictures.empty((), 1, *shape[1:3])._replace(rgb=out, depth=depth)
    for _ in range(150):
        place = rng.uniform(-4.0, 4.0, 2) + np.array([1.5, 0.0])
        body = actor(*place, kind=kind, yaw=rng.uniform(-4.0, 4.0), seed=int(rng.integers(1 << 30)))
        body["height"] = rng.uniform(0.3, 6.0)
        pose = np.array([[0.0, 0.0, 0.0, rng.uniform(-4.0, 4.0)]])
        zero = np.zeros(1, np.int64)
        renderer.render(Shots(zero, pose, zero), Actors(body, zero, zero + 1), pictures)
        assert np.all(np.isfinite(depth)) and depth.min() > 0.0
    assert np.all(memory[:guard] == 77) and np.all(memory[-guard:] == 77)


def test_a_car_at_the_bumper_fills_the_lower_view(ground: Ground) -> None:
    picture = Picture(Camera(), ground, actors=actor(4.5 + 2.0, 0.0, height=1.8))
    assert set(np.unique(picture.labels[98:134, 115:205])) == {labels.VEHICLE}


def test_shifting_the_car_shifts_the_view(ground: Ground) -> None:
    """One metre to the left moves an edge line on the ground to the right, by focal / depth pixels."""
    camera = Camera()
    road = RoadMap("", (), (Stroke(np.array([[-10.0, 0.0], [110.0, 0.0]]), "solid", width=0.3),))
    road = RoadMap("", (), road.strokes, straight_road().surfaces)
    plain = Ground.of(road, 1)
    row = 130
    middle, left = (
        np.nonzero(Picture(camera, plain, pose=(0.0, y, 0.0)).labels[row] == labels.MARK)[0].mean()
        for y in (0.0, 1.0)
    )
    depth = Picture(camera, plain).depth[row, 0]
    assert left - middle == pytest.approx(camera.focal_px / depth, abs=1.0)


def test_turning_the_car_left_moves_the_road_right(ground: Ground) -> None:
    camera = Camera()
    row = 110
    ahead, turned = (
        np.nonzero(Picture(camera, ground, pose=(0.0, 0.0, yaw)).labels[row] == labels.ROAD)[0].mean()
        for yaw in (0.0, 0.1)
    )
    assert turned > ahead + 8.0


@pytest.mark.parametrize("name", WEATHERS)
@pytest.mark.parametrize("pitch_deg", [-45.0, 60.0])
def test_cameras_that_see_only_sky_or_only_ground(name: str, pitch_deg: float, ground: Ground) -> None:
    camera = Camera(width_px=64, height_px=48, pitch_deg=pitch_deg, fov_deg=60.0)
    picture = Picture(camera, ground, props=scenery(), actors=actor(6.0, 0.0), weather=name)
    if pitch_deg > 0.0:
        assert labels.SKY not in picture.labels and picture.depth.max() < 20.0
    else:
        assert labels.SKY in picture.labels and labels.ROAD not in picture.labels


@pytest.mark.parametrize("name", WEATHERS)
def test_each_weather_shows_road_marks_and_sky(name: str, ground: Ground) -> None:
    picture = Picture(Camera(), ground, props=scenery(), actors=actor(20.0, -1.8), weather=name)
    found = set(np.unique(picture.labels))
    assert {labels.SKY, labels.ROAD, labels.MARK, labels.TERRAIN, labels.VEHICLE, labels.BUILDING} <= found
    grey = picture.rgb.mean(-1)
    near = np.zeros_like(grey, bool)
    near[105:150] = True
    brighter = []
    for row, column in np.argwhere(near & (picture.labels == labels.MARK)):
        beside = slice(max(0, column - 15), column + 16)
        road = picture.labels[row, beside] == labels.ROAD
        if road.any():
            brighter.append(grey[row, column] - grey[row, beside][road].mean())
    assert np.median(brighter) > (3.0 if name == "night" else 15.0)
    terrain = picture.rgb[near & (picture.labels == labels.TERRAIN)].mean(0)
    assert terrain[1] > terrain[2]
    assert grey.std() > (3.0 if name in ("night", "fog") else 12.0)


def test_weathers_differ_as_they_should(ground: Ground) -> None:
    pictures = {name: Picture(Camera(), ground, props=scenery(), weather=name) for name in WEATHERS}
    brightness = {name: p.rgb.mean() for name, p in pictures.items()}
    assert brightness["night"] < 0.35 * brightness["overcast"]
    assert brightness["dusk"] < 0.8 * brightness["overcast"]
    road = {name: p.rgb[p.labels == labels.ROAD].mean() for name, p in pictures.items()}
    assert road["wet"] < road["overcast"]
    far = {name: p.rgb[p.labels == labels.BUILDING].std() for name, p in pictures.items()}
    assert far["fog"] < 0.6 * far["overcast"]
    warm = pictures["low-sun"].rgb.astype(float).mean((0, 1))
    assert warm[0] > warm[2] + 10.0


def test_night_is_lit_ahead_of_the_car_only(ground: Ground) -> None:
    grey = Picture(Camera(), ground, weather="night").rgb.mean(-1)
    assert grey[105, 150:170].mean() > 2.0 * grey[105, :15].mean()


def test_noise_changes_from_frame_to_frame_and_stays_small(ground: Ground) -> None:
    one, same, other = (Picture(SMALL, ground, frame=f).rgb.astype(int) for f in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert 0 < np.abs(one - other).max() <= 12


@pytest.fixture(scope="module")
def batch(ground: Ground) -> tuple:
    names = [*TRAINING_WEATHERS, *HELD_OUT_WEATHERS]
    store = SceneStore(len(names))
    for w, name in enumerate(names):
        store.set(w, ground, scenery(w), look(name, w))
    cars = [
        np.concatenate([actor(12.0 + 3 * w, -1.8), actor(25.0, 1.8, yaw=np.pi)]) for w in range(len(names))
    ]
    begin = np.arange(len(names)) * 2
    worlds = np.arange(len(names)).repeat(3)
    rng = np.random.default_rng(0)
    poses = np.stack(
        [rng.uniform(0, 40, 24), rng.uniform(-2, 2, 24), np.zeros(24), rng.uniform(-3, 3, 24)], axis=1
    )
    shots = Shots(worlds, poses, np.arange(24))
    actors = Actors(np.concatenate(cars).astype(ACTOR), begin, begin + 2)
    renderer = Renderer(SMALL, store)
    out = Pictures.empty(OUTPUTS, 24, 96, 96)
    renderer.render(shots, actors, out)
    return renderer, shots, actors, out


def test_slices_in_threads_give_the_bytes_of_one_call(batch: tuple) -> None:
    renderer, shots, actors, out = batch
    again = Pictures.empty(OUTPUTS, 24, 96, 96)

    def draw(i: int) -> None:
        part = Shots(*(array[2 * i : 2 * i + 2] for array in shots))
        renderer.render(part, actors, again.part(2 * i, 2 * i + 2))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(draw, range(12)))
    for ours, theirs in zip(again, out, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_world_looks_the_same_alone_and_among_others(batch: tuple, ground: Ground) -> None:
    _, shots, actors, out = batch
    w = 5
    name = [*TRAINING_WEATHERS, *HELD_OUT_WEATHERS][w]
    alone = SceneStore(1)
    alone.set(0, Ground.of(straight_road(), 3), scenery(w), look(name, w))
    pictures = Pictures.empty(OUTPUTS, 1, 96, 96)
    i = 3 * w + 1
    zero = np.zeros(1, np.int64)
    mine = Actors(actors.data[actors.begin[w] : actors.end[w]], zero, zero + 2)
    Renderer(SMALL, alone).render(
        Shots(zero, shots.poses[i : i + 1], shots.frames[i : i + 1]), mine, pictures
    )
    for ours, theirs in zip(pictures, out, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[i])


def test_a_store_shares_tiles_and_frees_them(ground: Ground) -> None:
    other = Ground.of(straight_road(60.0), 9)
    store = SceneStore(3)
    none = np.zeros(0, PROP)
    for w in range(3):
        store.set(w, ground, none, look())
    shared = len(store.arrays[0])
    sizes = []
    for _ in range(5):
        for w in range(3):
            store.set(w, Ground.of(straight_road(60.0), 9), none, look())
        sizes.append(len(store.arrays[0]))
    for w in range(3):
        store.set(w, other, none, look())
    assert sizes[0] == sizes[-1] > shared
    fresh = SceneStore(1)
    fresh.set(0, other, none, look())
    pictures = []
    for s, w in ((store, 2), (fresh, 0)):
        out = Pictures.empty(("rgb",), 1, 96, 96)
        zero = np.zeros(3, np.int64)
        shots = Shots(np.array([w]), np.zeros((1, 4)), zero[:1])
        Renderer(SMALL, s).render(shots, Actors(np.zeros(0, ACTOR), zero, zero), out)
        pictures.append(out.rgb)
    np.testing.assert_array_equal(*pictures)


def test_props_of_another_type_are_refused(ground: Ground) -> None:
    with pytest.raises(ValueError, match="PROP"):
        SceneStore(1).set(0, ground, np.zeros(3), look())
