"""Weather presets by name: what the sky, the light and the road surface do, as ranges to sample from."""

from dataclasses import dataclass

from drive.core.errors import UserError, nearest

Color = tuple[float, float, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Weather:
    """One kind of weather and light; a `Look` is one sample of it.

    Light is linear and relative: a white horizontal surface under a total of 1.0 is white in the picture.
    Colours are display values in 0 .. 255.
    """

    name: str
    sun_elevation_deg: Range
    sun: Color  # light of the sun on a surface that faces it
    ambient: Color  # light of the sky on a horizontal surface
    zenith: Color  # sky overhead
    horizon: Color  # sky above the horizon; distance fades into it
    visibility: Range  # distance at which 95 % of the contrast is gone [m]
    cloud_cover: Range = (0.2, 0.5)  # share of the sky
    cloud_color: Color = (240.0, 240.0, 240.0)
    wetness: float = 0.0  # 0 dry .. 1 soaked: darker asphalt that mirrors
    rain: float = 0.0  # streaks a megapixel-free measure: 0 none .. 1 heavy
    glare: float = 0.0  # veil of light around a low sun, 0 .. 1
    headlights: float = 0.0  # light of the own headlights on a surface right ahead
    lamps: float = 0.0  # share of windows and street lamps that are lit
    noise: Range = (1.0, 4.0)  # largest error of a pixel (grey levels, 0 .. 12)
    exposure: Range = (0.85, 1.15)  # factor on all light
    paint_wear: Range = (0.0, 0.3)  # share of the paint's grain that is gone


_PRESETS = (
    Weather(
        "clear-noon",
        sun_elevation_deg=(38.0, 68.0),
        sun=(0.86, 0.82, 0.74),
        ambient=(0.30, 0.34, 0.42),
        zenith=(62.0, 112.0, 188.0),
        horizon=(186.0, 208.0, 228.0),
        visibility=(900.0, 1800.0),
        cloud_cover=(0.05, 0.55),
    ),
    Weather(
        "overcast",
        sun_elevation_deg=(35.0, 60.0),
        sun=(0.04, 0.04, 0.04),
        ambient=(0.72, 0.73, 0.75),
        zenith=(150.0, 158.0, 168.0),
        horizon=(204.0, 208.0, 212.0),
        visibility=(500.0, 1000.0),
        cloud_cover=(0.8, 1.0),
        cloud_color=(182.0, 187.0, 194.0),
    ),
    Weather(
        "wet",
        sun_elevation_deg=(30.0, 60.0),
        sun=(0.08, 0.08, 0.08),
        ambient=(0.62, 0.64, 0.68),
        zenith=(128.0, 140.0, 156.0),
        horizon=(196.0, 203.0, 210.0),
        visibility=(350.0, 700.0),
        cloud_cover=(0.7, 1.0),
        cloud_color=(160.0, 168.0, 178.0),
        wetness=0.8,
    ),
    Weather(
        "low-sun",
        sun_elevation_deg=(7.0, 14.0),
        sun=(1.45, 1.02, 0.56),
        ambient=(0.36, 0.35, 0.40),
        zenith=(92.0, 124.0, 176.0),
        horizon=(246.0, 206.0, 152.0),
        visibility=(500.0, 1200.0),
        cloud_cover=(0.05, 0.5),
        cloud_color=(250.0, 208.0, 170.0),
        glare=0.8,
    ),
    Weather(
        "rain",
        sun_elevation_deg=(30.0, 60.0),
        sun=(0.0, 0.0, 0.0),
        ambient=(0.42, 0.44, 0.47),
        zenith=(104.0, 112.0, 122.0),
        horizon=(152.0, 159.0, 166.0),
        visibility=(130.0, 260.0),
        cloud_cover=(0.9, 1.0),
        cloud_color=(122.0, 130.0, 140.0),
        wetness=1.0,
        rain=1.0,
        noise=(3.0, 6.0),
    ),
    Weather(
        "fog",
        sun_elevation_deg=(30.0, 60.0),
        sun=(0.0, 0.0, 0.0),
        ambient=(0.66, 0.67, 0.69),
        zenith=(196.0, 199.0, 203.0),
        horizon=(200.0, 203.0, 207.0),
        visibility=(40.0, 80.0),
        cloud_cover=(0.0, 0.0),
    ),
    Weather(
        "dusk",
        sun_elevation_deg=(4.0, 6.0),
        sun=(0.03, 0.02, 0.02),
        ambient=(0.13, 0.13, 0.18),
        zenith=(34.0, 44.0, 84.0),
        horizon=(196.0, 126.0, 98.0),
        visibility=(500.0, 1000.0),
        cloud_cover=(0.2, 0.6),
        cloud_color=(118.0, 84.0, 100.0),
        headlights=0.22,
        lamps=0.3,
        noise=(4.0, 8.0),
    ),
    Weather(
        "night",
        sun_elevation_deg=(40.0, 60.0),
        sun=(0.0, 0.0, 0.0),
        ambient=(0.010, 0.011, 0.016),
        zenith=(6.0, 8.0, 16.0),
        horizon=(20.0, 22.0, 32.0),
        visibility=(300.0, 700.0),
        cloud_cover=(0.0, 0.5),
        cloud_color=(22.0, 24.0, 32.0),
        headlights=0.75,
        lamps=0.35,
        noise=(6.0, 12.0),
    ),
)
WEATHERS: dict[str, Weather] = {preset.name: preset for preset in _PRESETS}
TRAINING_WEATHERS = ("clear-noon", "overcast", "wet", "low-sun")
HELD_OUT_WEATHERS = ("rain", "fog", "dusk", "night")


def weather(name: str) -> Weather:
    """The preset of that name.

    Raises:
        UserError: there is none; the message gives the nearest names.
    """
    if name not in WEATHERS:
        raise UserError(f"there is no weather {name!r}: {nearest(name, list(WEATHERS))}")
    return WEATHERS[name]
