"""How many pictures a second training takes, against `fit` on random arrays in memory."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from drive.camera import Camera
from drive.models.networks.declaration import Network
from drive.models.networks.pilotnet import PILOTNET
from drive.models.training.device import Device
from drive.models.training.options import TrainingOptions


def measure(
    dataset: Path | None = None,
    *,
    network: Network = PILOTNET,
    pictures: int = 3072,
    repeats: int = 3,
    batch_size: int = TrainingOptions.batch_size,
) -> dict[str, Any]:
    """Time the training pipeline, data and augmentation included, and plain `fit` beside it.

    Both train the same network with the same optimizer and batch size, as many steps at once; their runs
    alternate, and each figure is the median of `repeats`. It runs on the Keras backend that KERAS_BACKEND
    names.

    Args:
        dataset: recorded by `drive record`; None: random pictures in a file of the same layout.
        network: what is trained.
        pictures: how many each run takes.
        repeats: runs of each.
        batch_size: pictures a step.

    Returns:
        JSON-ready: `pictures_per_second`, `pictures_per_second_in_memory`, `ratio`, `device`, `backend`,
        `source`.
    """
    import keras

    from drive.models.training.device import choose_device

    device = choose_device("auto")
    with tempfile.TemporaryDirectory(prefix="drive-") as folder:
        options = TrainingOptions(batch_size=batch_size)
        pipeline, memory, count = _prepare(dataset, network, options, pictures, Path(folder), device)
        pipeline()
        memory()
        rates: dict[str, list[float]] = {"pipeline": [], "memory": []}
        for _ in range(repeats):
            for name, run in (("memory", memory), ("pipeline", pipeline)):
                start = time.perf_counter()
                run()
                rates[name].append(count / (time.perf_counter() - start))
    real, plain = (float(np.median(rates[name])) for name in ("pipeline", "memory"))
    return {
        "what": "training",
        "network": network.name,
        "backend": keras.backend.backend(),
        "device": ", ".join(device.names) or "cpu",
        "source": "recorded" if dataset else "random pictures on disk",
        "pictures_per_second": round(real, 1),
        "pictures_per_second_in_memory": round(plain, 1),
        "ratio": round(real / plain, 3),
    }


def _prepare(
    dataset: Path | None,
    network: Network,
    options: TrainingOptions,
    pictures: int,
    folder: Path,
    device: Device,
) -> tuple[Callable[[], Any], Callable[[], Any], int]:
    from drive.dataset import read_info
    from drive.models.data.samples import Samples, batches, open_samples, steps_of_epoch
    from drive.models.training.precision import choose_precision
    from drive.models.training.prefetching import prefetched
    from drive.models.training.training_model import build_compiled

    rng = np.random.default_rng(0)
    if dataset is None:
        camera = Camera()
        shape = (pictures, *network.picture_shape)
        file = np.memmap(folder / "pictures.u8", np.uint8, "w+", shape=shape)
        file[:] = rng.integers(0, 256, shape, np.uint8)
        labels = rng.uniform(-1.0, 1.0, (pictures, len(network.labels))).astype(np.float32)
        episode = np.arange(pictures) // 100
        samples = Samples(file, _random_inputs(network, pictures), labels, episode, episode)
    else:
        info = read_info(dataset)
        camera = info.camera
        samples = open_samples([info], network, folder)
    count = min(pictures, len(samples.labels))
    size = min(options.batch_size, count)
    steps, at_once = steps_of_epoch(count, size)
    precision = choose_precision("auto", bool(device.names))
    trained = build_compiled(network, options, camera, device, precision, steps, at_once)
    plain = build_compiled(
        network, replace(options, augment=False), camera, device, precision, steps, at_once
    )
    chosen = np.arange(len(samples.labels))
    stream = partial(batches, samples, chosen, network, size, balance=options.balance)
    x = {
        "pictures": rng.integers(0, 256, (steps * size, *network.picture_shape), np.uint8),
        **_random_inputs(network, steps * size),
    }
    y = rng.uniform(-1.0, 1.0, (steps * size, len(network.labels))).astype(np.float32)

    def pipeline() -> None:
        with prefetched(stream) as data:
            trained.fit(data, steps_per_epoch=steps, shuffle=False, verbose=0)

    return pipeline, lambda: plain.fit(x, y, batch_size=size, verbose=0), steps * size


def _random_inputs(network: Network, count: int) -> dict[str, Any]:
    """What the network sees besides the picture, (count, k) each."""
    rng = np.random.default_rng(1)
    return {
        key: rng.uniform(0.0, 20.0, (count, size)).astype(np.float32)
        for key, size in network.input_sizes.items()
    }
