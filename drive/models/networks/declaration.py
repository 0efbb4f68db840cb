"""What a network says of itself: its picture, its other inputs, its outputs and their labels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drive.agent import OBSERVATION
from drive.camera import Camera
from drive.models.data.preprocess import Crop, road_crop


@dataclass(frozen=True)
class Output:
    """Numbers that a network gives for each picture."""

    name: str  # of the policy file's output
    content: str  # for the JSON beside the policy file
    labels: tuple[str, ...]  # the recorded action's number that each is learned from
    scale: float  # errors below it count by their square, larger ones by their size
    mirrored: bool = False  # the sign changes where left and right are exchanged

    @property
    def size(self) -> int:
        """Numbers a picture."""
        return len(self.labels)


@dataclass(frozen=True)
class Network:
    """One network of the table. Everything that feeds, trains, exports or drives it reads this alone."""

    name: str
    version: int  # counts changes: weights and state of another version mean something else
    height_px: int  # of the picture that it sees
    width_px: int
    inputs: tuple[str, ...]  # keys of the observation besides `camera`
    outputs: tuple[Output, ...]  # the first number of the first one is what sampling is balanced by
    build: Callable[[], Any]  # the Keras model: [pictures, *inputs] to a tensor (N, size) for each output
    crop: Callable[[Camera], Crop] = road_crop  # the rows of a frame that become the picture

    def __post_init__(self) -> None:
        unknown = [key for key in self.inputs if key == "camera" or key not in OBSERVATION]
        if unknown:
            raise ValueError(f"network {self.name}: {', '.join(unknown)} is not a number of the observation")

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """(height, width, 3) of the picture that it sees."""
        return self.height_px, self.width_px, 3

    @property
    def input_sizes(self) -> dict[str, int]:
        """How many numbers each input besides the picture has."""
        return {key: max(len(OBSERVATION[key].columns), 1) for key in self.inputs}

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of all outputs, side by side."""
        return tuple(label for output in self.outputs for label in output.labels)

    def columns(self) -> list[tuple[Output, slice]]:
        """Each output with its columns among all labels."""
        found, start = [], 0
        for output in self.outputs:
            found.append((output, slice(start, start + output.size)))
            start += output.size
        return found
