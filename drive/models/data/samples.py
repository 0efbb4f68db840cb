"""Recorded episodes as training samples: decoded once, cut to the network's input, drawn at random.

Pictures go through the preprocessing of the exported graph and are kept as one uint8 file that is mapped
into memory: any picture can be read at any time at the cost of a copy.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.models.data.decoding import ALL_FRAMES, PICTURE, FrameFilter, decode, image_columns
from drive.models.data.preprocess import Crop

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

CACHE_VERSION = 2
PICTURES_AT_ONCE = 512  # that training takes before Python has its turn
STEERING_BINS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)  # edges over |steering| that balancing looks at


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
    chosen: FrameFilter = ALL_FRAMES,
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
            decode(datasets, crop, chosen, temporary, progress)
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


def _key(datasets: Sequence["DatasetInfo"], crop: Crop, chosen: FrameFilter) -> str:
    facts = [CACHE_VERSION, PICTURE, asdict(crop), asdict(chosen)]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for info in datasets:
        for path in sorted(info.root.rglob("*")):
            if path.suffix in (".json", ".parquet"):
                stat = path.stat()
                name = str(path.relative_to(info.root))
                digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _bytes(datasets: Sequence["DatasetInfo"]) -> int:
    return sum(info.total_frames * len(image_columns(info)) for info in datasets) * int(np.prod(PICTURE))


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
            f"the data hold one road alone (drives: {len(np.unique(samples.episode))}), and what was "
            "learned on a road cannot be validated on it: record another one with a "
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


def steps_of_epoch(samples: int, batch_size: int) -> tuple[int, int]:
    """Steps of an epoch, and how many of them `fit` takes at once.

    Between any two steps Keras looks after its callbacks, which costs a tenth of a step of 32 pictures; taken
    several at once, it does so more rarely. Their number is one that makes the epoch shorter by few steps.

    Args:
        samples: to learn from, `batch_size` or more.
        batch_size: pictures a step.

    Returns:
        (steps, steps at once); the first is a multiple of the second.
    """
    steps = samples // batch_size
    most = max(1, PICTURES_AT_ONCE // batch_size)
    if steps <= most:
        return steps, steps
    at_once = min(range(most, most // 2, -1), key=lambda n: steps % n)
    return steps - steps % at_once, at_once


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
    from drive.models.data.augmentation import PARAMETERS, draw

    weights = balance_weights(samples.steering[chosen], balance)
    steps, _ = steps_of_epoch(len(chosen), batch_size)
    unchanged = np.zeros((batch_size, PARAMETERS), np.float32)
    epoch = first_epoch
    while True:
        rng = np.random.default_rng((seed, 2, epoch))
        order = chosen[draw_epoch(weights, steps * batch_size, rng)]
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

    from drive.models.data.augmentation import PARAMETERS

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
