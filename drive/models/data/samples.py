"""Recorded episodes as training samples: decoded once, cut to the network's input, drawn at random.

Pictures go through the preprocessing of the exported graph and are kept as one uint8 file that is mapped
into memory: any picture can be read at any time at the cost of a copy.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.files import disk_errors
from drive.models.data.augmentation import Changes, draw
from drive.models.data.columns import mirror_inputs, mirror_labels
from drive.models.data.decoding import ALL_FRAMES, FrameFilter, decode, image_columns
from drive.models.data.preprocess import Crop
from drive.models.networks.declaration import Network

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

CACHE_VERSION = 3
PICTURES_AT_ONCE = 512  # that training takes before Python has its turn
MIN_VALIDATION = 200  # pictures; a loss over fewer says little
STEERING_BINS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)  # edges over |steering| that balancing looks at


@dataclass(frozen=True, eq=False)
class Samples:
    """N pictures with their labels."""

    pictures: NDArray[np.uint8]  # (N, H, W, 3), usually a memory map
    inputs: Mapping[str, NDArray[np.float32]]  # (N, k) each: what the network sees besides, by key
    labels: NDArray[np.float32]  # (N, K) clean labels of all outputs, side by side
    episode: NDArray[np.int64]  # (N,) counted over all datasets
    road: NDArray[np.int64]  # (N,) counted over all datasets; drives of one map and seed share theirs


def open_samples(
    datasets: Sequence["DatasetInfo"],
    network: Network,
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
        network: whose pictures, inputs and labels.
        folder: where the cache is kept.
        progress: told (frames decoded, frames in all) now and then.
        chosen: which frames.

    Raises:
        UserError: a picture is damaged or of the wrong size, the disk is full, or no frame is chosen.
    """
    crop = network.crop(datasets[0].camera)
    cache = folder / _key(datasets, crop, network, chosen)
    if not cache.is_dir():
        temporary = cache.with_suffix(".part")
        shutil.rmtree(temporary, ignore_errors=True)
        full = f"the decoded pictures take {_bytes(datasets, network) / 1e9:.1f} GB: free some, or put --out"
        try:
            with disk_errors(folder, f"{full} on a larger disk", "give another --out"):
                temporary.mkdir(parents=True)
                decode(datasets, crop, network, chosen, temporary, progress)
                temporary.rename(cache)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    with np.load(cache / "labels.npz") as kept:
        inputs = {key: kept[f"input.{key}"] for key in network.inputs}
        labels, episode, road = (kept[name] for name in ("labels", "episode", "road"))
    shape = (len(labels), *network.picture_shape)
    return Samples(
        np.memmap(cache / "pictures.u8", np.uint8, "r", shape=shape), inputs, labels, episode, road
    )


def _key(datasets: Sequence["DatasetInfo"], crop: Crop, network: Network, chosen: FrameFilter) -> str:
    facts = [
        CACHE_VERSION,
        network.picture_shape,
        network.inputs,
        network.labels,
        asdict(crop),
        asdict(chosen),
    ]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for info in datasets:
        for path in sorted(info.root.rglob("*")):
            if path.suffix in (".json", ".parquet"):
                stat = path.stat()
                name = str(path.relative_to(info.root))
                digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _bytes(datasets: Sequence["DatasetInfo"], network: Network) -> int:
    return sum(info.total_frames * len(image_columns(info)) for info in datasets) * int(
        np.prod(network.picture_shape)
    )


def split_by_road(samples: Samples, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sample numbers for training and for validation; a road is wholly in one of them.

    Roads are taken for validation in random order until they hold enough pictures; one that holds more than
    half of all stays in training.

    Args:
        samples: of at least two roads.
        share: of the pictures, for validation, but at least `MIN_VALIDATION` where a quarter of all is more.
        seed: chooses the roads.

    Raises:
        UserError: there is one road alone.
    """
    roads, of_road, pictures = np.unique(samples.road, return_inverse=True, return_counts=True)
    if len(roads) < 2:
        raise UserError(
            f"the data hold one road alone (drives: {len(np.unique(samples.episode))}), and what was "
            "learned on a road cannot be validated on it: record another one with a "
            "different --seed, or name a second dataset"
        )
    total = len(samples.road)
    wanted = max(share * total, min(MIN_VALIDATION, total / 4))
    order = np.random.default_rng((seed, 1)).permutation(len(roads))
    order = order[pictures[order] <= total / 2]
    held_before = np.cumsum(pictures[order]) - pictures[order]
    held = order[: min(np.count_nonzero(held_before < wanted), len(roads) - 1)]
    validation = np.isin(of_road, held)
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
    network: Network,
    batch_size: int,
    *,
    seed: int = 0,
    first_epoch: int = 0,
    balance: float = 0.5,
    augmented: bool = True,
    flip_share: float = 0.0,
) -> Iterator[tuple[dict[str, NDArray[Any]], NDArray[np.float32]]]:
    """Endless training batches; an epoch's batches depend on (seed, epoch) alone.

    Yields:
        {"pictures": (B, H, W, 3) uint8, each input's key: (B, k), "changes": (B, 23) float32 for `augment`},
        labels (B, K). Inputs and labels of a picture that is to be flipped are mirrored already.
    """
    weights = balance_weights(samples.labels[chosen, 0], balance)
    steps, _ = steps_of_epoch(len(chosen), batch_size)
    unchanged = Changes.none(batch_size).pack()
    epoch = first_epoch
    while True:
        rng = np.random.default_rng((seed, 2, epoch))
        order = chosen[draw_epoch(weights, steps * batch_size, rng)]
        for rows in order.reshape(-1, batch_size):
            inputs, labels = _take(samples, rows)
            if augmented:
                changes = draw(rng, batch_size, flip_share)
                mirror_inputs({key: inputs[key] for key in network.inputs}, changes.flip)
                mirror_labels(network, labels, changes.flip)
            yield inputs | {"changes": changes.pack() if augmented else unchanged}, labels
        epoch += 1


def _take(samples: Samples, rows: NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
    inputs = {key: values[rows] for key, values in samples.inputs.items()}
    return {"pictures": samples.pictures[rows], **inputs}, samples.labels[rows]


def build_validation_data(samples: Samples, chosen: NDArray[np.int64], batch_size: int) -> Any:
    """The chosen samples once, in order, unchanged, as a `keras.utils.PyDataset`."""
    import keras

    class Validation(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-len(chosen) // batch_size)

        def __getitem__(self, number: int) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
            return _take(samples, chosen[number * batch_size : (number + 1) * batch_size])

    return Validation()
