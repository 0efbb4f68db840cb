"""Recorded pictures decoded and cut to the network's input, with their labels, on all cores."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.models.data.preprocess import INPUT_HEIGHT, INPUT_WIDTH, Crop, preprocess

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

GROUP = 16  # pictures that one thread decodes and resizes at a time: few enough to stay in its cache
GROUPS_AHEAD = 32  # handed out before the oldest is waited for, so that reading and decoding overlap
PICTURE = (INPUT_HEIGHT, INPUT_WIDTH, 3)


@dataclass(frozen=True)
class FrameFilter:
    """Which recorded frames are learned from, of those that no person has excluded."""

    failed: bool = False  # also those of drives that ended in a crash or off the lane
    only_person: bool = False  # of drives with an agent, those alone that a person drove
    expert_labels: bool = False  # the expert's answer where it was recorded beside the driver's action

    def mask(self, info: "DatasetInfo", episode: int) -> NDArray[np.bool_]:
        """(T,) for the frames of an episode."""
        mask = info.training_mask(episode, failed=self.failed)
        if self.only_person and "intervention" in info.features and mask.any():
            from drive.dataset.reader import read_episode

            mask &= np.asarray(read_episode(info, episode, ["intervention"])["intervention"]) == 1
        return mask


ALL_FRAMES = FrameFilter()


def image_columns(info: "DatasetInfo", chosen: FrameFilter = ALL_FRAMES) -> list[tuple[str, str]]:
    """(picture column, label column) pairs of a dataset."""
    expert = chosen.expert_labels and "action.expert" in info.features
    front = "action.expert" if expert else "action"
    pairs = [("observation.images.front", front), ("observation.images.view", "action.view")]
    return [pair for pair in pairs if pair[0] in info.features]


def decode(
    datasets: Sequence["DatasetInfo"],
    crop: Crop,
    chosen: FrameFilter,
    folder: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Write the chosen pictures of datasets as the network sees them, and their labels, into a folder.

    Args:
        datasets: of one camera.
        crop: rows of the camera's frames that the network sees.
        chosen: which frames.
        folder: gets `pictures.u8`, (N, *PICTURE) uint8, and `labels.npz`: the other columns of `Samples`.
        progress: told (frames handed out, frames in all) now and then.

    Raises:
        UserError: a picture is damaged or of the wrong size, or no frame is chosen.
        OSError: the disk is full.
    """
    import tensorflow as tf

    from drive.dataset.reader import read_episode

    cut = tf.function(
        lambda frames: tf.cast(preprocess(frames, crop), tf.uint8),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
    )

    def network_input(decode: "_Decoder", encoded: list[bytes]) -> bytes:
        return bytes(cut(np.stack([decode(data) for data in encoded])).numpy().tobytes())

    masks = [[chosen.mask(info, row.index) for row in info.episodes] for info in datasets]
    total = sum(int(mask.sum()) for of_one in masks for mask in of_one)
    if total == 0:
        names = ", ".join(str(info.root) for info in datasets)
        raise UserError(
            f"{names}: no frame is left to learn from: all are excluded, or of drives that ended in a crash "
            "or off the lane; `drive data info` counts them"
        )
    steering: list[NDArray[np.float32]] = []
    speed: list[NDArray[np.float32]] = []
    episode: list[NDArray[np.int64]] = []
    road: list[NDArray[np.int64]] = []
    roads: dict[tuple[str, int], int] = {}
    done = number = 0
    waiting: deque[Future[bytes]] = deque()
    with _one_opencv_thread(), (folder / "pictures.u8").open("wb") as file, _pool() as pool:
        for info, of_one in zip(datasets, masks, strict=True):
            images = image_columns(info, chosen)
            columns = [name for pair in images for name in pair] + ["observation.state"]
            speed_column = info.features["observation.state"]["names"].index("speed_mps")
            for row, mask in zip(info.episodes, of_one, strict=True):
                kept = np.flatnonzero(mask)
                if len(kept) == 0:
                    continue
                values = read_episode(info, row.index, columns)
                state = np.asarray(values["observation.state"], np.float32)[kept]
                for image, label in images:
                    encoded, decoder = [values[image][t] for t in kept], _Decoder(info, row.index, image)
                    for i in range(0, len(encoded), GROUP):
                        waiting.append(pool.submit(network_input, decoder, encoded[i : i + GROUP]))
                        if len(waiting) > GROUPS_AHEAD:
                            file.write(waiting.popleft().result())
                    steering.append(np.asarray(values[label], np.float32).reshape(row.length, -1)[kept, 0])
                    speed.append(state[:, speed_column])
                    episode.append(np.full(len(kept), number, np.int64))
                    road.append(
                        np.full(len(kept), roads.setdefault(info.road_of(row.index), len(roads)), np.int64)
                    )
                number += 1
                done += len(kept)
                progress(done, total)
        while waiting:
            file.write(waiting.popleft().result())
    np.savez(
        folder / "labels.npz",
        steering=np.concatenate(steering),
        speed=np.concatenate(speed),
        episode=np.concatenate(episode),
        road=np.concatenate(road),
    )


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
