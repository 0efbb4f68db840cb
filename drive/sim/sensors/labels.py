"""Semantic classes of the labels picture, as numbers for kernels."""

from drive.camera import LABELS

(SKY, TERRAIN, ROAD, MARK, SIDEWALK, KERB, VEHICLE, OBSTACLE, BUILDING, VEGETATION, POLE, SIGN, FENCE) = (
    range(len(LABELS))
)
