import subprocess
import sys

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.sim.sensors.look import Look
from drive.sim.sensors.pixels import MAX_NOISE, PALETTE_SIZE
from drive.sim.sensors.shading import BRIGHTEST, fill_palette, haze_color
from drive.sim.sensors.weather import HELD_OUT_WEATHERS, TRAINING_WEATHERS, WEATHERS, weather


def test_every_preset_is_either_for_training_or_held_out() -> None:
    assert sorted(TRAINING_WEATHERS + HELD_OUT_WEATHERS) == sorted(WEATHERS)


def test_a_misspelled_weather_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'overcst'.*did you mean overcast"):
        weather("overcst")


@pytest.mark.parametrize("name", WEATHERS)
def test_a_look_varies_with_the_seed_and_only_with_it(name: str) -> None:
    one, same, other = (Look.sample(WEATHERS[name], np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.record.tobytes() == same.record.tobytes() != other.record.tobytes()
    values = np.array(one.record.tolist())
    assert np.all(np.isfinite(values))
    sun = np.array([one.record[f"sun_{k}"] for k in "xyz"])
    assert np.linalg.norm(sun) == pytest.approx(1.0) and sun[2] > 0.0


@pytest.mark.parametrize("name", WEATHERS)
def test_white_paint_is_brighter_than_the_road_in_every_weather(name: str) -> None:
    for seed in range(5):
        palette = np.zeros(PALETTE_SIZE, np.uint32)
        fill_palette(Look.sample(WEATHERS[name], np.random.default_rng(seed)).record, palette)
        road, paint = palette[8 | (3 << 4)], palette[8 | (3 << 4) | (15 << 8)]
        assert (paint & 0xFF) > (road & 0xFF) + 15
        assert max(((palette >> shift) & 0xFF).max() for shift in (0, 8, 16)) <= 240


@pytest.mark.parametrize("name", WEATHERS)
def test_the_ground_fades_into_a_colour_that_leaves_room_for_noise(name: str) -> None:
    for seed in range(50):
        look = Look.sample(WEATHERS[name], np.random.default_rng(seed)).record
        color = int(haze_color(look))
        channels = [color >> shift & 255 for shift in (0, 8, 16)]
        assert max(channels) + MAX_NOISE <= 255
        wanted = [min(look[f"horizon_{k}"], BRIGHTEST) for k in "rgb"]
        assert channels == [int(value) for value in wanted]


def test_naming_weathers_loads_no_compiler() -> None:
    code = "import sys, drive.sim.sensors.weather; print('numba' in sys.modules, 'cv2' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
