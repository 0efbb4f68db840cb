import numpy as np
import pytest

from drive.modular.evidence import find_evidence, learn_asphalt

ASPHALT = (100, 101, 103)


def evidence(image, asphalt=None):
    shape = image.shape[:2]
    planes = [np.zeros(shape, np.float32) for _ in range(4)]
    known = np.zeros(4) if asphalt is None else asphalt
    seen = np.ones(shape, np.float32)
    find_evidence(*np.ascontiguousarray(image.transpose(2, 0, 1)), seen, seen, 3, 0, known, *planes)
    return planes[2], planes[3]


def road():
    return np.full((40, 40, 3), ASPHALT, np.uint8)


@pytest.mark.parametrize("light", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("paint", [(225, 225, 220), (190, 150, 40)])
def test_a_narrow_stripe_is_paint_in_every_direction_and_light(light, paint):
    for axis in range(2):
        image = road()
        np.moveaxis(image, axis, 0)[20] = paint
        mark, _ = evidence((image * light).astype(np.uint8))
        assert np.moveaxis(mark, axis, 0)[20, 10:30].min() > 0.6
        mark[20 if axis == 0 else slice(None), slice(None) if axis == 0 else 20] = 0.0
        assert mark.max() < 0.05


def test_a_step_a_wide_patch_and_a_dark_stripe_are_no_paint():
    step, wide, dark = road(), road(), road()
    step[:, 20:] = 200
    wide[:, 10:30] = 200
    dark[:, 20] = 30
    for image in (step, wide, dark):
        assert evidence(image)[0].max() < 0.05


def test_grass_is_off_the_road_and_a_shadow_is_not():
    known = learn_asphalt(np.zeros(4), np.array([ASPHALT] * 20, np.uint8))
    image = road()
    image[:, :10] = (80, 125, 55)
    image[:, 30:] = np.array(ASPHALT) * 0.5
    _, off = evidence(image, known)
    assert off[:, :10].min() > 0.9
    assert off[:, 10:].max() < 0.1


def test_the_roads_colour_is_learned_slowly_and_not_from_nothing():
    first = learn_asphalt(np.zeros(4), np.full((20, 3), 100, np.uint8))
    assert first == pytest.approx([100.0, 0.0, 0.0, 1.0])
    assert learn_asphalt(first, np.full((20, 3), 200, np.uint8), rate=0.1)[0] == pytest.approx(110.0)
    assert learn_asphalt(first, np.zeros((3, 3), np.uint8)) is first


def test_a_kerb_is_a_border_though_the_pavement_is_as_bright_as_its_top():
    image = np.full((40, 40, 3), (80, 75, 68), np.uint8)
    image[:, 19] = (73, 65, 56)
    image[:, 20] = (109, 100, 92)
    image[:, 21] = (79, 73, 67)
    image[:, 22:] = (107, 99, 94)
    mark, _ = evidence(image)
    assert mark[:, 20].min() > 0.6
    mark[:, 20] = 0.0
    assert mark.max() < 0.1
