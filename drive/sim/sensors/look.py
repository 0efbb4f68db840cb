"""The look of one scenario: one sample of a weather, as numbers that kernels read."""

from dataclasses import dataclass
from math import radians, sqrt

import numpy as np

from drive.core.portable_math import cos, sin
from drive.sim.sensors.weather import Color, Weather

_COLORS = (
    "sun",  # linear light on a surface that faces the sun
    "ambient",  # linear light of the sky on a horizontal surface
    "zenith",
    "horizon",
    "cloud",
    "hill",
    "grass",
    "dry_grass",
    "asphalt",
    "shoulder",
    "concrete",
    "sidewalk",
    "white",
    "yellow",
)
_NUMBERS = (
    "sun_x",  # unit vector to the sun, world frame
    "sun_y",
    "sun_z",
    "fog",  # extinction [1/m]
    "cloud_cover",
    "hill_height",  # tangent of the hills' elevation
    "wear",
    "asphalt_contrast",
    "wetness",
    "rain",
    "glare",
    "shadow",  # display factor of ground in the sun's shadow, 0 .. 1
    "contact",  # display factor right under a car
    "headlights",
    "lamps",
    "noise",
    "seed",
)
LOOK = np.dtype([(f"{c}_{k}", "f8") for c in _COLORS for k in "rgb"] + [(n, "f8") for n in _NUMBERS])


@dataclass(frozen=True, eq=False)
class Look:
    """Colours, light and optics of one scenario."""

    weather: str
    record: np.void  # of dtype LOOK; colours 0 .. 255 (display), light linear

    @classmethod
    def sample(cls, weather: Weather, rng: np.random.Generator) -> "Look":
        """Draw one look of this weather; equal generators give equal looks."""
        record = np.zeros(1, LOOK)[0]

        def put(name: str, color: Color | np.ndarray, spread: float = 0.0, tint: float = 0.0) -> None:
            factor = rng.uniform(1.0 - spread, 1.0 + spread) * rng.uniform(1.0 - tint, 1.0 + tint, 3)
            for k, value in zip("rgb", np.asarray(color) * factor, strict=True):
                record[f"{name}_{k}"] = value

        exposure = rng.uniform(*weather.exposure)
        put("sun", np.array(weather.sun) * exposure, 0.08, 0.03)
        put("ambient", np.array(weather.ambient) * exposure, 0.08, 0.03)
        put("zenith", weather.zenith, 0.08, 0.05)
        put("horizon", weather.horizon, 0.05, 0.03)
        put("cloud", weather.cloud_color, 0.04, 0.02)
        put("hill", (74.0, 96.0, 78.0), 0.25, 0.15)
        put("grass", (88.0, 108.0, 60.0), 0.18, 0.09)
        put("dry_grass", (140.0, 132.0, 84.0), 0.15, 0.08)
        grey = rng.uniform(84.0, 138.0)
        put("asphalt", (grey, grey, grey + 1.0), 0.0, 0.03)
        put("shoulder", (136.0, 128.0, 112.0), 0.12, 0.05)
        put("concrete", (164.0, 161.0, 154.0), 0.10, 0.03)
        put("sidewalk", (158.0, 155.0, 150.0), 0.15, 0.05)
        put("white", (232.0, 232.0, 226.0), 0.04, 0.02)
        put("yellow", (226.0, 176.0, 46.0), 0.06, 0.06)
        elevation = radians(rng.uniform(*weather.sun_elevation_deg))
        azimuth = rng.uniform(0.0, 2.0 * np.pi)
        record["sun_x"] = cos(elevation) * cos(azimuth)
        record["sun_y"] = cos(elevation) * sin(azimuth)
        record["sun_z"] = sin(elevation)
        record["fog"] = 3.0 / rng.uniform(*weather.visibility)
        record["cloud_cover"] = rng.uniform(*weather.cloud_cover)
        record["hill_height"] = rng.uniform(0.02, 0.11)
        record["wear"] = rng.uniform(*weather.paint_wear)
        record["asphalt_contrast"] = rng.uniform(0.5, 1.4)
        record["wetness"] = weather.wetness
        record["rain"] = weather.rain
        record["glare"] = weather.glare
        sunlight = sum(weather.sun) * record["sun_z"]
        shade = (0.35 * sunlight + sum(weather.ambient)) / (sunlight + sum(weather.ambient))
        record["shadow"] = sqrt(0.72 * shade) if sunlight > 0.1 else 1.0
        record["contact"] = 0.45
        record["headlights"] = weather.headlights * exposure
        record["lamps"] = weather.lamps
        record["noise"] = rng.uniform(*weather.noise)
        record["seed"] = float(rng.integers(1 << 30))
        return cls(weather.name, record)
