"""Recorded episodes as training samples: decoded once, cut to the network's input, drawn at random.

Pictures go through the preprocessing of the exported graph and are kept as one uint8 file that is mapped
into memory: any picture can be read at any time at the cost of a copy.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.errors import UserError
from drive.models.preprocess import INPUT_HEIGHT, INPUT_WIDTH, Crop, preprocess

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

CACHE_VERSION = 2
GROUP = 16  # pictures that one thread decodes and resizes at a time: few enough to stay in its cache
PICTURE = (INPUT_HEIGHT, INPUT_WIDTH, 3)
STEERING_BINS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)  # edges over |steering| that balancing looks at


@dataclass(frozen=True)
class Chosen:
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


ALL_CHOSEN = Chosen()


@dataclass(frozen=True, eq=False)
class Samples:
    """N pictures with their labels."""

    pictures: NDArray[np.uint8]  # (N, 66, 200, 3), usually a memory map
    steering: NDArray[np.float32]  # (N,) clean label, [-1, 1], left positive
    speed: NDArray[np.float32]  # (N,) [m/s]
    episode: NDArray[np.int64]  # (N,) counted over all datasets
    road: NDArray[np.int64]  # (N,) counted over all datasets; drives of one map and seed share theirs


def open_samples(
    datasets: Sequence["DatasetInfo"],
    crop: Crop,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    chosen: Chosen = ALL_CHOSEN,
) -> Samples:
    """Read the samples of datasets from the cache in `folder`, decoding them first where it is missing.

    Front and shifted pictures are samples alike, of the chosen frames only. The cache's name is a hash over
    the datasets' content, the choice and the preprocessing; it appears under that name only when it is
    complete.

    Args:
        datasets: of one camera.
        crop: rows of the camera's frames that the network sees.
        folder: where the cache is kept.
        progress: told (frames decoded, frames in all) now and then.
        chosen: which frames.

    Raises:
        UserError: a picture is damaged or of the wrong size, the disk is full, or no frame is chosen.
    """
    cache = folder / _key(datasets, crop, chosen)
    if not cache.is_dir():
        temporary = cache.with_suffix(".part")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            _decode(datasets, crop, chosen, temporary, progress)
        except UserError:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise UserError(
                    f"{folder}: no space left for the decoded pictures ({_bytes(datasets) / 1e9:.1f} GB); "
                    "free some, or put --out on a larger disk."
                ) from error
            raise
        temporary.rename(cache)
    with np.load(cache / "labels.npz") as labels:
        columns = [labels[name] for name in ("steering", "speed", "episode", "road")]
    pictures = np.memmap(cache / "pictures.u8", np.uint8, "r", shape=(len(columns[0]), *PICTURE))
    return Samples(pictures, *columns)


def _key(datasets: Sequence["DatasetInfo"], crop: Crop, chosen: Chosen) -> str:
    facts = [CACHE_VERSION, PICTURE, asdict(crop), asdict(chosen)]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for info in datasets:
        for path in sorted(info.root.rglob("*")):
            if path.suffix in (".json", ".parquet"):
                stat = path.stat()
                name = str(path.relative_to(info.root))
                digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _images(info: "DatasetInfo", chosen: Chosen = ALL_CHOSEN) -> list[tuple[str, str]]:
    """(picture column, label column) pairs of a dataset."""
    expert = chosen.expert_labels and "action.expert" in info.features
    front = "action.expert" if expert else "action"
    pairs = [("observation.images.front", front), ("observation.images.view", "action.view")]
    return [pair for pair in pairs if pair[0] in info.features]


def _bytes(datasets: Sequence["DatasetInfo"]) -> int:
    return sum(info.total_frames * len(_images(info)) for info in datasets) * int(np.prod(PICTURE))


def _decode(
    datasets: Sequence["DatasetInfo"],
    crop: Crop,
    chosen: Chosen,
    folder: Path,
    progress: Callable[[int, int], None],
) -> None:
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
    waiting: list[Future[bytes]] = []
    with (folder / "pictures.u8").open("wb") as file, ThreadPoolExecutor() as pool, _one_opencv_thread():

        def write() -> None:
            for part in waiting:
                file.write(part.result())

        for info, of_one in zip(datasets, masks, strict=True):
            images = _images(info, chosen)
            columns = [name for pair in images for name in pair] + ["observation.state"]
            speed_column = info.features["observation.state"]["names"].index("speed_mps")
            for row, mask in zip(info.episodes, of_one, strict=True):
                kept = np.flatnonzero(mask)
                if len(kept) == 0:
                    continue
                values = read_episode(info, row.index, columns)
                state = np.asarray(values["observation.state"], np.float32)[kept]
                parts: list[Future[bytes]] = []
                for image, label in images:
                    encoded, decoder = [values[image][t] for t in kept], _Decoder(info, row.index, image)
                    for i in range(0, len(encoded), GROUP):
                        parts.append(pool.submit(network_input, decoder, encoded[i : i + GROUP]))
                    steering.append(np.asarray(values[label], np.float32).reshape(row.length, -1)[kept, 0])
                    speed.append(state[:, speed_column])
                    episode.append(np.full(len(kept), number, np.int64))
                    road.append(
                        np.full(len(kept), roads.setdefault(info.road_of(row.index), len(roads)), np.int64)
                    )
                # One episode is read and handed out while the one before is still being decoded.
                write()
                waiting = parts
                number += 1
                done += len(kept)
                progress(done, total)
        write()
    np.savez(
        folder / "labels.npz",
        steering=np.concatenate(steering),
        speed=np.concatenate(speed),
        episode=np.concatenate(episode),
        road=np.concatenate(road),
    )


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

        frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        camera = self.info.camera
        expected = (camera.height_px, camera.width_px, 3)
        if frame is None or frame.shape != expected:
            what = "cannot be decoded" if frame is None else f"has the shape {frame.shape}, not {expected}"
            raise UserError(
                f"{self.info.root}: a picture {self.image} of episode {self.episode} {what}; "
                "record the dataset anew."
            )
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def split_by_road(samples: Samples, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sample numbers for training and for validation; a road is wholly in one of them.

    Args:
        samples: of at least two roads.
        share: of the roads, for validation; at least one road is taken.
        seed: chooses them.

    Raises:
        UserError: there is one road alone.
    """
    roads = np.unique(samples.road)
    if len(roads) < 2:
        raise UserError(
            f"the data hold one road alone (drives: {len(np.unique(samples.episode))}, all of one map and "
            "seed), and what was learned on a road cannot be validated on it: record another one with a "
            "different --seed, or name a second dataset"
        )
    count = min(max(1, round(share * len(roads))), len(roads) - 1)
    held = np.random.default_rng((seed, 1)).choice(roads, count, replace=False)
    validation = np.isin(samples.road, held)
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def balance_weights(steering: NDArray[np.float32], strength: float) -> NDArray[np.float64]:
    """How often to draw each sample so that straight driving does not dominate.

        weight = min((samples in the fullest bin / samples in this bin) ^ strength, 20)

    over bins of |steering|.

    Args:
        steering: (N,) labels.
        strength: 0 draws all alike, 1 draws each bin equally often.

    Returns:
        (N,) weights that add up to 1.
    """
    bins = np.digitize(np.abs(steering), STEERING_BINS)
    counts = np.bincount(bins, minlength=len(STEERING_BINS) + 1)
    weights = np.minimum((counts.max() / np.maximum(counts, 1)) ** strength, 20.0)[bins]
    return np.asarray(weights / weights.sum())


def draw_epoch(weights: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw `count` sample numbers, each floor or ceil of its expected number of times, in random order."""
    edges = np.cumsum(weights)
    points = (np.arange(count) + rng.random()) / count * edges[-1]
    drawn = np.searchsorted(edges, points, side="right").clip(0, len(weights) - 1)
    return np.asarray(rng.permutation(drawn))


def batches(
    samples: Samples,
    chosen: NDArray[np.int64],
    batch_size: int,
    seed: int,
    first_epoch: int,
    balance: float,
    augmented: bool,
    flip_share: float = 0.0,
) -> Iterator[tuple[dict[str, NDArray[Any]], NDArray[np.float32]]]:
    """Endless training batches; an epoch's batches depend on (seed, epoch) alone.

    Yields:
        {"pictures": (B, 66, 200, 3) uint8, "speed": (B, 1) [m/s], "parameters": (B, 23) float32 for
        `augment`}, steering (B, 1).
    """
    from drive.models.augment import PARAMETERS, draw

    weights = balance_weights(samples.steering[chosen], balance)
    unchanged = np.zeros((batch_size, PARAMETERS), np.float32)
    epoch = first_epoch
    while True:
        rng = np.random.default_rng((seed, 2, epoch))
        order = chosen[draw_epoch(weights, len(chosen) // batch_size * batch_size, rng)]
        for rows in order.reshape(-1, batch_size):
            inputs: dict[str, NDArray[Any]] = {
                "pictures": samples.pictures[rows],
                "speed": samples.speed[rows, None],
                "parameters": draw(rng, batch_size, flip_share) if augmented else unchanged,
            }
            yield inputs, samples.steering[rows, None]
        epoch += 1


def training_data(
    samples: Samples,
    chosen: NDArray[np.int64],
    batch_size: int,
    *,
    seed: int = 0,
    first_epoch: int = 0,
    balance: float = 0.5,
    augmented: bool = True,
    flip_share: float = 0.0,
) -> Any:
    """`batches` as a `tf.data.Dataset` that prepares batches while the network computes."""
    import tensorflow as tf

    from drive.models.augment import PARAMETERS

    signature = (
        {
            "pictures": tf.TensorSpec((batch_size, *PICTURE), tf.uint8),
            "speed": tf.TensorSpec((batch_size, 1), tf.float32),
            "parameters": tf.TensorSpec((batch_size, PARAMETERS), tf.float32),
        },
        tf.TensorSpec((batch_size, 1), tf.float32),
    )
    stream = tf.data.Dataset.from_generator(
        lambda: batches(samples, chosen, batch_size, seed, first_epoch, balance, augmented, flip_share),
        output_signature=signature,
    )
    return stream.prefetch(4)


def validation_data(samples: Samples, chosen: NDArray[np.int64], batch_size: int) -> Any:
    """The chosen samples once, in order, unchanged, as a `tf.data.Dataset`."""
    import tensorflow as tf

    def pairs() -> Iterator[tuple[dict[str, NDArray[Any]], NDArray[np.float32]]]:
        for start in range(0, len(chosen), batch_size):
            rows = chosen[start : start + batch_size]
            inputs: dict[str, NDArray[Any]] = {
                "pictures": samples.pictures[rows],
                "speed": samples.speed[rows, None],
            }
            yield inputs, samples.steering[rows, None]

    signature = (
        {
            "pictures": tf.TensorSpec((None, *PICTURE), tf.uint8),
            "speed": tf.TensorSpec((None, 1), tf.float32),
        },
        tf.TensorSpec((None, 1), tf.float32),
    )
    size = -(-len(chosen) // batch_size)
    stream = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    return stream.apply(tf.data.experimental.assert_cardinality(size)).prefetch(2)
