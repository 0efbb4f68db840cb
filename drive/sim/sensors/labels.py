"""Semantic classes of the labels picture."""

LABELS = (
    "sky",
    "terrain",
    "road",
    "mark",
    "sidewalk",
    "kerb",
    "vehicle",
    "obstacle",
    "building",
    "vegetation",
    "pole",
    "sign",
    "fence",
)
(
    SKY,
    TERRAIN,
    ROAD,
    MARK,
    SIDEWALK,
    KERB,
    VEHICLE,
    OBSTACLE,
    BUILDING,
    VEGETATION,
    POLE,
    SIGN,
    FENCE,
) = range(len(LABELS))
