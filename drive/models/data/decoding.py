"""Recorded pictures decoded and cut to the network's input, with their labels, on all cores."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.models.data.columns import label_place, pick_inputs
from drive.models.data.preprocess import Crop, preprocess
from drive.models.networks.declaration import Network

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

GROUP = 16  # pictures that one thread decodes and resizes at a time: few enough to stay in its cache
GROUPS_AHEAD = 32  # handed out before the oldest is waited for, so that reading and decoding overlap


@dataclass(frozen=True)
class FrameFilter:
    """Which recorded frames are learned from, of those that no person has excluded."""

    failed: bool = False  # also those of drives that ended in a crash or off the lane
    only_person: bool = False  # of drives with an agent, those alone that a person drove
    expert_labels: bool = False  # the expert's answer where it was recorded beside the driver's action
    min_duration_s: float = 0.0  # none of an episode that was shorter [s]

    def mask(self, info: "DatasetInfo", episode: int) -> NDArray[np.bool_]:
        """(T,) for the frames of an episode."""
        mask = info.training_mask(episode, failed=self.failed)
        if self.only_person and "intervention" in info.features and mask.any():
            from drive.dataset.reader import read_episode

            mask &= np.asarray(read_episode(info, episode, ["intervention"])["intervention"]) == 1
        return mask & (info.episodes[episode].length >= self.min_duration_s * info.fps)


ALL_FRAMES = FrameFilter()


def image_columns(info: "DatasetInfo", chosen: FrameFilter = ALL_FRAMES) -> list[tuple[str, tuple[str, ...]]]:
    """(picture column, label columns) of a dataset: a label is taken from the first column that has it."""
    expert = chosen.expert_labels and "expert.action" in info.features
    front = "expert.action" if expert else "action"
    found = [("observation.images.front", (front,)), ("view.image", ("view.action", front))]
    return [(image, labels) for image, labels in found if image in info.features]


def decode(
    datasets: Sequence["DatasetInfo"],
    crop: Crop,
    network: Network,
    chosen: FrameFilter,
    folder: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Write the chosen pictures of datasets as the network sees them, and their labels, into a folder.

    Args:
        datasets: of one camera.
        crop: rows of the camera's frames that the network sees.
        network: whose picture size, inputs and labels.
        chosen: which frames.
        folder: gets `pictures.u8`, (N, H, W, 3) uint8, and `labels.npz`: the other columns of `Samples`.
        progress: told (frames handed out, frames in all) now and then.

    Raises:
        UserError: a picture is damaged or of the wrong size, or no frame is chosen.
        OSError: the disk is full.
    """
    from drive.dataset.reader import read_episode

    def network_input(decode: "_Decoder", encoded: list[bytes]) -> bytes:
        frames = np.stack([decode(data) for data in encoded])
        return preprocess(frames, crop, network.height_px, network.width_px).tobytes()

    masks = [[chosen.mask(info, row.index) for row in info.episodes] for info in datasets]
    total = sum(int(mask.sum()) for of_one in masks for mask in of_one)
    if total == 0:
        names = ", ".join(str(info.root) for info in datasets)
        raise UserError(
            f"{names}: no frame is left to learn from: all are excluded, or of drives that ended in a crash "
            f"or off the lane, or shorter than {chosen.min_duration_s:g} s; `drive data info` counts them"
        )
    labels: list[NDArray[np.float32]] = []
    inputs: dict[str, list[NDArray[np.float32]]] = {key: [] for key in network.inputs}
    episode: list[NDArray[np.int64]] = []
    road: list[NDArray[np.int64]] = []
    roads: dict[tuple[str, int], int] = {}
    done = number = 0
    waiting: deque[Future[bytes]] = deque()
    with _one_opencv_thread(), (folder / "pictures.u8").open("wb") as file, _pool() as pool:
        for info, of_one in zip(datasets, masks, strict=True):
            images = image_columns(info, chosen)
            places = {
                image: [label_place(info, columns, label) for label in network.labels]
                for image, columns in images
            }
            columns = {column for found in places.values() for column, _ in found}
            columns |= {"observation.state", "observation.command"} | set(places)
            state_names = info.features["observation.state"]["names"]
            for row, mask in zip(info.episodes, of_one, strict=True):
                kept = np.flatnonzero(mask)
                if len(kept) == 0:
                    continue
                values = read_episode(info, row.index, sorted(columns))
                seen = pick_inputs(
                    network,
                    np.asarray(values["observation.state"]).reshape(row.length, -1)[kept],
                    state_names,
                    np.asarray(values["observation.command"])[kept],
                )
                for image, label_places in places.items():
                    encoded, decoder = [values[image][t] for t in kept], _Decoder(info, row.index, image)
                    for i in range(0, len(encoded), GROUP):
                        waiting.append(pool.submit(network_input, decoder, encoded[i : i + GROUP]))
                        if len(waiting) > GROUPS_AHEAD:
                            file.write(waiting.popleft().result())
                    labels.append(
                        np.stack(
                            [
                                np.asarray(values[column], np.float32).reshape(row.length, -1)[kept, place]
                                for column, place in label_places
                            ],
                            axis=1,
                        )
                    )
                    for key, found in seen.items():
                        inputs[key].append(found)
                    episode.append(np.full(len(kept), number, np.int64))
                    road.append(
                        np.full(len(kept), roads.setdefault(info.road_of(row.index), len(roads)), np.int64)
                    )
                number += 1
                done += len(kept)
                progress(done, total)
        while waiting:
            file.write(waiting.popleft().result())
    columns_of_samples: dict[str, Any] = {f"input.{key}": np.concatenate(v) for key, v in inputs.items()}
    columns_of_samples |= {"labels": np.concatenate(labels)}
    columns_of_samples |= {"episode": np.concatenate(episode), "road": np.concatenate(road)}
    np.savez(folder / "labels.npz", **columns_of_samples)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that drop what is still waiting when something fails."""
    pool = ThreadPoolExecutor()
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Keep OpenCV from splitting small pictures over threads of its own while others decode beside it."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@dataclass(frozen=True)
class _Decoder:
    info: "DatasetInfo"
    episode: int
    image: str

    def __call__(self, data: bytes) -> NDArray[np.uint8]:
        import cv2

        frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
        camera = self.info.camera
        expected = (camera.height_px, camera.width_px, 3)
        if frame is None or frame.shape != expected:
            what = "cannot be decoded" if frame is None else f"has the shape {frame.shape}, not {expected}"
            raise UserError(
                f"{self.info.root}: a picture {self.image} of episode {self.episode} {what}; "
                "record the dataset anew."
            )
        return np.asarray(frame)
