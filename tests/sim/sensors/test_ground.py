import numpy as np
import pytest

from drive.sim.maps.road_map import RoadMap, Stroke, Surface
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors.ground import Ground, grass_tiles
from drive.sim.sensors.pixels import LEVELS, OFFSETS, STRIDES, TILE
from tests.sim.sensors.scenes import straight_road


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground.of(straight_road(), 3)


def test_materials_lie_where_the_map_has_them(ground: Ground) -> None:
    asphalt = {paint.ASPHALT, paint.PATCH, paint.LOW_ASPHALT, paint.CRACK}
    assert {
        ground.material(x, y) for x in np.arange(0.05, 100.0, 1.3) for y in (-3.9, -1.0, 2.2, 3.9)
    } <= asphalt
    grass = {paint.GRASS, paint.DRY_GRASS}
    assert {ground.material(x, y) for x in np.arange(0.05, 100.0, 1.3) for y in (-4.2, 4.2, 5.5)} <= grass
    assert ground.texel(50.0, 400.0) == 0


def test_a_line_covers_its_width_whatever_its_place_on_the_texels() -> None:
    for y in (1.0, 1.03, 1.05, 1.08):
        for slope in (0.0, 0.1, 0.5):
            line = np.array([[0.0, y], [40.0, y + slope * 40.0]])
            road = RoadMap("", (), (Stroke(line, "solid", width=0.3),), (Surface(_square(60.0), "asphalt"),))
            ground = Ground.of(road, 1)
            for x in (10.05, 20.05):
                column = np.arange(y + slope * x - 1.0, y + slope * x + 1.0, 0.1)
                covered = sum(ground.coverage(x, v) for v in column) * 0.1
                assert covered == pytest.approx(0.3 * np.hypot(1.0, slope), abs=0.03)


def _square(size: float) -> np.ndarray:
    return np.array([[-1.0, -1.0], [size, -1.0], [size, size], [-1.0, size]])


def test_a_broken_line_has_dashes_and_gaps_of_the_given_lengths() -> None:
    line = np.array([[0.0, 5.05], [54.0, 5.05]])
    stroke = Stroke(line, "broken", width=0.3, dash=3.0, gap=6.0)
    ground = Ground.of(RoadMap("", (), (stroke,), (Surface(_square(60.0), "asphalt"),)), 1)
    covered = np.array([ground.coverage(x, 5.05) for x in np.arange(0.05, 54.0, 0.1)])
    assert covered.mean() == pytest.approx(1.0 / 3.0, abs=0.01)
    for k in range(6):
        assert covered[90 * k + 2 : 90 * k + 28].min() == 1.0
        assert covered[90 * k + 32 : 90 * k + 88].max() == 0.0


def test_wear_takes_its_share_of_the_paint() -> None:
    line = np.array([[0.0, 5.05], [54.0, 5.05]])
    means = []
    for wear in (0.0, 0.3, 0.6):
        stroke = Stroke(line, "solid", width=0.3, wear=wear)
        ground = Ground.of(RoadMap("", (), (stroke,), (Surface(_square(60.0), "asphalt"),)), 1)
        means.append(
            np.mean([ground.coverage(x, y) for x in np.arange(0.05, 54.0, 0.1) for y in (4.95, 5.05, 5.15)])
        )
    assert means[0] == 1.0
    assert means[0] > means[1] + 0.05 > means[2] + 0.1


def test_a_crosswalk_is_striped_along_its_longest_side() -> None:
    road = RoadMap(
        "", (), (), (Surface(np.array([[10.0, 0.0], [13.0, 0.0], [13.0, 8.0], [10.0, 8.0]]), "crosswalk"),)
    )
    ground = Ground.of(road, 1)
    across = np.array([ground.coverage(11.55, y) for y in np.arange(0.05, 8.0, 0.1)])
    assert across.mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.diff(across)).sum() == 15.0
    assert len({ground.coverage(x, 0.25) for x in np.arange(10.05, 13.0, 0.1)}) == 1


def test_later_surfaces_cover_earlier_ones() -> None:
    squares = (Surface(_square(20.0), "asphalt"), Surface(_square(10.0), "sidewalk"))
    ground = Ground.of(RoadMap("", (), (), squares), 1)
    assert ground.material(5.0, 5.0) == paint.SIDEWALK
    assert ground.material(15.0, 15.0) != paint.SIDEWALK


def test_coarse_levels_keep_the_share_of_paint(ground: Ground) -> None:
    for level in range(1, LEVELS):
        size, step = TILE >> level, STRIDES[level]
        block = ground.tiles[:, OFFSETS[level] :][:, : step * step].reshape(-1, step, step)[:, :size, :size]
        finest = ground.tiles[:, : STRIDES[0] ** 2].reshape(-1, STRIDES[0], STRIDES[0])[:, :TILE, :TILE]
        assert (block >> 8 & 15).mean() == pytest.approx((finest >> 8 & 15).mean(), rel=0.25)


def test_the_extra_row_and_column_repeat_the_neighbours(ground: Ground) -> None:
    rows, columns = ground.grid.shape
    checked = 0
    for gy in range(rows):
        for gx in range(columns - 1):
            tile, right = ground.grid[gy, gx], ground.grid[gy, gx + 1]
            if tile >= 0 and right >= 0:
                for level in range(LEVELS):
                    size, step, at = TILE >> level, STRIDES[level], OFFSETS[level]
                    own = ground.tiles[tile, at : at + size * step].reshape(size, step)
                    next_ = ground.tiles[right, at : at + size * step].reshape(size, step)
                    np.testing.assert_array_equal(own[:, size], next_[:, 0])
                    checked += 1
    assert checked > 20


def test_equal_seeds_give_equal_tiles_and_others_do_not(ground: Ground) -> None:
    again, other = Ground.of(straight_road(), 3), Ground.of(straight_road(), 4)
    np.testing.assert_array_equal(ground.tiles, again.tiles)
    assert np.any(ground.tiles != other.tiles)


def test_a_map_without_anything_is_grass() -> None:
    ground = Ground.of(RoadMap("", ()), 1)
    assert len(ground.tiles) == 0
    assert ground.texel(3.0, 3.0) == 0
    assert len(grass_tiles()) > 1


def test_a_ground_cannot_be_changed(ground: Ground) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ground.tiles[0, 0] = 1
