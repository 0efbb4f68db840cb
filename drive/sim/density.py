"""How dense the traffic of a scenario is, by name."""

import math

# Mean gap between moving vehicles of one lane [m], and share of free kerb space taken by what stands there.
TRAFFIC: dict[str, tuple[float, float]] = {
    "none": (math.inf, 0.0),
    "light": (160.0, 0.15),
    "regular": (80.0, 0.35),
    "dense": (40.0, 0.6),
}
