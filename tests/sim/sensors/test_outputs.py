"""Depth, labels and instances of the same pixels as rgb; lenses and rolled cameras."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from drive.camera import MAX_DEPTH, OUTPUTS, Camera
from drive.sim import arrays
from drive.sim.arrays import PROP
from drive.sim.maps.road_map import RoadMap, Surface
from drive.sim.sensors import labels
from drive.sim.sensors.ground import Ground
from drive.sim.sensors.ground_truth import TEXEL_LABELS
from drive.sim.sensors.records import Actors, Pictures, Shots
from drive.sim.sensors.renderer import Renderer
from drive.sim.sensors.store import SceneStore
from tests.sim.sensors.scenes import Picture, actor, center_of_area, look, prop, scenery, straight_road

BARREL = Camera(fov_deg=110.0, lens="brown-conrady", distortion=(-0.22, 0.05, 0.001, -0.002, -0.004))
FISHEYE = Camera(
    width_px=240, height_px=160, fov_deg=120.0, lens="kannala-brandt", distortion=(0.02, -0.01, 0.002, 0.0)
)
ROLLED = Camera(roll_deg=25.0, pitch_deg=8.0)
CAMERAS = (Camera(), BARREL, FISHEYE, ROLLED)
NAMES = ("pinhole", "barrel", "fisheye", "rolled")


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground.of(straight_road(), 3)


def actors_ahead() -> np.ndarray:
    return np.concatenate([actor(14.0, 1.9), actor(22.0, -1.9, arrays.VAN), actor(9.0, -2.5, arrays.CONE)])


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_depth_of_flat_ground_is_the_closed_form_of_each_pixel(camera: Camera, ground: Ground) -> None:
    picture = Picture(camera, ground)
    u, v = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    right, down = camera.rays(u, v)
    rotation = camera.camera_from_vehicle[:3, :3]
    fall = -(right * rotation[0, 2] + down * rotation[1, 2] + rotation[2, 2])  # for each metre along the axis
    expected = np.where(fall > 1e-6, camera.z / np.maximum(fall, 1e-6), MAX_DEPTH)
    near = expected < 60.0
    # the nearest pixel behind a lens lies at most half of one away
    error = 1e-5 if not camera.warped else 0.75 / camera.focal_px * expected[near] / camera.z + 1e-5
    assert np.all(abs(picture.depth[near] / expected[near] - 1.0) <= error)
    assert near.sum() > 0.3 * near.size
    assert picture.depth.max() <= MAX_DEPTH and picture.depth.min() > 0.0
    assert np.all(picture.depth[picture.labels == labels.SKY] == MAX_DEPTH)
    assert np.all(picture.instances == 0)


def test_ground_beyond_the_range_has_the_range_as_its_depth(ground: Ground) -> None:
    camera = Camera(width_px=96, height_px=96)  # the row under its horizon meets the ground 4 km away
    picture = Picture(camera, ground)
    assert (picture.labels[45] == labels.TERRAIN).all() and (picture.depth[45] == MAX_DEPTH).all()


def test_depth_is_measured_along_the_axis_not_along_the_ray(ground: Ground) -> None:
    camera = Camera(pitch_deg=0.0, yaw_deg=0.0)
    wall = prop(30.0, 0.0, arrays.BUILDING, 10.0, 60.0, 12.0)
    depth = Picture(camera, ground, props=wall).depth[60]
    np.testing.assert_allclose(depth, 25.0 - camera.x, rtol=1e-6)  # the same from its middle to its edges


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
def test_an_instance_is_exactly_what_changes_when_it_is_taken_away(camera: Camera, ground: Ground) -> None:
    cars, props = actors_ahead(), scenery(2, 40)
    whole = Picture(camera, ground, props, cars)
    for i in range(len(cars)):
        without = cars.copy()
        without["active"][i] = 0
        other = Picture(camera, ground, props, without)
        mine = whole.instances == 1 + i
        assert mine.sum() > 20
        kind = labels.OBSTACLE if cars["kind"][i] == arrays.CONE else labels.VEHICLE
        assert np.all(whole.labels[mine] == kind)
        changed = (whole.depth != other.depth) | (whole.labels != other.labels)
        np.testing.assert_array_equal(changed, mine)  # depth, label and instance have the same edges
        np.testing.assert_array_equal(whole.instances != other.instances, mine)
        differ = (whole.rgb != other.rgb).any(-1)
        assert differ[mine].mean() > 0.97  # some of its pixels have the ground's colour
        if not camera.warped:  # nothing but its shadow changes around it
            beside = differ & ~mine
            assert np.all(np.isin(whole.labels[beside], [labels.ROAD, labels.MARK, labels.TERRAIN]))


@pytest.mark.parametrize(
    "pose", [(3.0, 1.0, 0.4), (-24.0, -24.0, 0.9), (115.0, 0.0, 3.0), (-20.0, 2.0, -0.02)]
)
def test_labels_of_the_ground_are_those_of_the_texel_that_the_ray_meets(
    pose: tuple[float, float, float], ground: Ground
) -> None:
    camera = Camera()
    picture = Picture(camera, ground, pose=pose)
    ground_from_image = np.linalg.inv(camera.image_from_ground)
    c, s = np.cos(pose[2]), np.sin(pose[2])
    agree = []
    for row in range(74, 160, 3):
        for column in range(0, 320, 3):
            x, y, w = ground_from_image @ np.array([column + 0.5, row + 0.5, 1.0])
            x, y = x / w, y / w
            bits = ground.texel(pose[0] + c * x - s * y, pose[1] + s * x + c * y) >> 4
            agree.append(picture.labels[row, column] == TEXEL_LABELS[bits & 2047])
    assert np.mean(agree) > 0.998  # a ray that meets a border of texels may fall on either side


def test_every_prop_has_the_number_of_its_row_after_the_actors(ground: Ground) -> None:
    cars, props = actors_ahead(), scenery(5, 60)
    whole = Picture(Camera(), ground, props, cars)
    seen = np.unique(whole.instances)
    numbers = seen[seen > len(cars)]
    assert len(numbers) > 5 and numbers.max() <= len(cars) + len(props)
    for number in numbers:
        row = props[number - 1 - len(cars)]
        kind = labels.BUILDING if row["kind"] == arrays.BUILDING else labels.VEGETATION
        mine = whole.instances == number
        assert np.all(whole.labels[mine] == kind)
        kept = np.delete(props, number - 1 - len(cars))
        np.testing.assert_array_equal(Picture(Camera(), ground, kept, cars).depth != whole.depth, mine)


def test_an_actor_keeps_its_number_when_others_come_and_go(ground: Ground) -> None:
    cars = actors_ahead()
    before = Picture(Camera(), ground, actors=cars)
    cars["active"][0] = 0
    cars["x"][1] += 1.0
    after = Picture(Camera(), ground, actors=cars)
    assert set(np.unique(before.instances)) == {0, 1, 2, 3}
    assert set(np.unique(after.instances)) == {0, 2, 3}


@pytest.mark.parametrize("camera", CAMERAS, ids=NAMES)
@pytest.mark.parametrize("weather", ["overcast", "rain", "low-sun"])
def test_each_output_is_the_same_with_and_without_the_others(
    camera: Camera, weather: str, ground: Ground
) -> None:
    store = SceneStore(1)
    store.set(0, ground, scenery(1), look(weather))
    renderer, zero = Renderer(camera, store), np.zeros(1, np.int64)
    shots, cars = Shots(zero, np.zeros((1, 4)), zero + 7), actors_ahead()
    whole = Pictures.empty(OUTPUTS, 1, camera.height_px, camera.width_px)
    renderer.render(shots, Actors(cars, zero, zero + len(cars)), whole)
    for output in OUTPUTS:
        alone = Pictures.empty((output,), 1, camera.height_px, camera.width_px)
        renderer.render(shots, Actors(cars, zero, zero + len(cars)), alone)
        np.testing.assert_array_equal(getattr(alone, output), getattr(whole, output))
        assert sum(array.size > 0 for array in alone) == 1


def test_memory_that_does_not_fit_is_refused(ground: Ground) -> None:
    store, zero = SceneStore(1), np.zeros(1, np.int64)
    store.set(0, ground, np.zeros(0, PROP), look())
    shots, none = Shots(zero, np.zeros((1, 4)), zero), Actors(np.zeros(0, arrays.ACTOR), zero, zero)
    for wrong in (
        np.zeros((1, 160, 200), np.float32),
        np.zeros((1, 320, 160), np.float32).swapaxes(1, 2),
        np.zeros((1, 160, 320), np.float64),
    ):
        with pytest.raises(ValueError, match="is given; take a C-contiguous one"):
            Renderer(Camera(), store).render(
                shots, none, Pictures.empty((), 1, 160, 320)._replace(depth=wrong)
            )


# -- lenses -----------------------------------------------------------------------------------------------


def test_a_lens_without_distortion_is_a_pinhole_to_the_bit(ground: Ground) -> None:
    cars = actors_ahead()
    for weather in ("overcast", "rain", "night"):
        plain = Picture(Camera(), ground, scenery(), cars, weather)
        bent = Picture(Camera(lens="brown-conrady", distortion=(0.0,) * 5), ground, scenery(), cars, weather)
        for name in OUTPUTS:
            np.testing.assert_array_equal(getattr(plain, name), getattr(bent, name))


@pytest.mark.parametrize("camera", [BARREL, FISHEYE, ROLLED, replace(FISHEYE, roll_deg=-100.0)])
def test_painted_points_appear_where_opencv_projects_them(camera: Camera) -> None:
    ahead, left = np.meshgrid([4.0, 6.0, 9.0], [-4.0, -1.5, 1.5, 4.0])
    spots = np.stack([ahead.ravel(), left.ravel()], axis=1)
    plane = Surface(np.array([[-60.0, -60.0], [120.0, -60.0], [120.0, 60.0], [-60.0, 60.0]]), "asphalt")
    square = 0.3 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    painted = tuple(Surface(spot + square, "paint white") for spot in spots)
    picture = Picture(camera, Ground.of(RoadMap("spots", (), (), (plane, *painted)), 1))
    transform = camera.camera_from_vehicle
    rotation, shift = cv2.Rodrigues(transform[:3, :3])[0], transform[:3, 3].copy()
    project = cv2.fisheye.projectPoints if camera.lens == "kannala-brandt" else cv2.projectPoints
    numbers = np.array(camera.coefficients or (0.0,) * 5)
    errors = []
    for spot in spots:
        corners = spot + square
        edges = (
            np.linspace(corners, np.roll(corners, -1, axis=0), 12, endpoint=False)
            .swapaxes(0, 1)
            .reshape(-1, 2)
        )
        points = np.concatenate([edges, np.zeros((len(edges), 1))], axis=1)
        uv = project(points[:, None], rotation, shift, camera.intrinsics, numbers)[0][:, 0]
        low, high = np.floor(uv.min(0)).astype(int) - 2, np.ceil(uv.max(0)).astype(int) + 2
        if low.min() < 0 or high[0] > camera.width_px or high[1] > camera.height_px:
            continue
        area = cv2.contourArea(uv.astype(np.float32))
        if area < 40.0:
            continue
        rows, columns = np.nonzero(picture.labels[low[1] : high[1], low[0] : high[0]] == labels.MARK)
        found = np.array([columns.mean(), rows.mean()]) + 0.5 + low
        errors.append(found - center_of_area(uv))
        assert len(rows) == pytest.approx(area, rel=0.25)
    # an edge of paint may lie a texel further in: up to a pixel, here and there
    assert len(errors) >= 3 and np.abs(errors).max() < 1.2
    assert np.abs(np.mean(errors, axis=0)).max() < 0.45


def test_a_camera_rolled_by_a_quarter_turns_its_picture(ground: Ground) -> None:
    camera = Camera(width_px=96, height_px=96)
    store, zero = SceneStore(1), np.zeros(1, np.int64)
    still = look("overcast")
    still.record["noise"] = 0.0  # the sensor's noise does not turn
    store.set(0, ground, scenery(), still)
    cars = actors_ahead()
    seen = []
    for roll in (0.0, 90.0, 180.0, -90.0):
        out = Pictures.empty(OUTPUTS, 1, 96, 96)
        one = Renderer(replace(camera, roll_deg=roll), store)
        one.render(Shots(zero, np.zeros((1, 4)), zero), Actors(cars, zero, zero + len(cars)), out)
        seen.append(out)
    for quarters, turned in enumerate(seen):
        for name in OUTPUTS:
            upright = getattr(seen[0], name)[0]
            np.testing.assert_array_equal(getattr(turned, name)[0], np.rot90(upright, quarters))


def test_straight_lines_bend_outwards_in_a_barrel_and_fisheye(ground: Ground) -> None:
    """The horizon of a camera that looks down is a straight line for a pinhole and an arch for the others."""
    for camera, bent in (
        (Camera(pitch_deg=20.0, fov_deg=110.0), False),
        (replace(BARREL, pitch_deg=20.0), True),
    ):
        sky = Picture(camera, ground).labels == labels.SKY
        height = sky.sum(axis=0)
        assert height[0] == height[-1] or bent
        assert (height[camera.width_px // 2] < height[2] - 4) == bent
