"""How many pictures a second training takes, against `fit` on random arrays in memory."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from drive.camera import Camera


def measure(dataset: Path | None = None, *, pictures: int = 3072, repeats: int = 3) -> dict[str, Any]:
    """Time the training pipeline, data and augmentation included, and plain `fit` beside it.

    Both train the same network with the same optimizer and batch size, as many steps at once; their runs
    alternate, and each figure is the median of `repeats`.

    Args:
        dataset: recorded by `drive record`; None: random pictures in a file of the same layout.
        pictures: how many each run takes.
        repeats: runs of each.

    Returns:
        JSON-ready: `pictures_per_second`, `pictures_per_second_in_memory`, `ratio`, `device`, `source`.
    """
    from drive.models.training.device import choose_device

    gpus, strategy = choose_device("auto")
    with tempfile.TemporaryDirectory(prefix="drive-") as folder:
        pipeline, memory, count = _prepare(dataset, pictures, Path(folder), strategy, bool(gpus))
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
        "device": ", ".join(gpus) or "cpu",
        "source": "recorded" if dataset else "random pictures on disk",
        "pictures_per_second": round(real, 1),
        "pictures_per_second_in_memory": round(plain, 1),
        "ratio": round(real / plain, 3),
    }


def _prepare(
    dataset: Path | None, pictures: int, folder: Path, strategy: Any, on_gpu: bool
) -> tuple[Callable[[], Any], Callable[[], Any], int]:
    import keras

    from drive.dataset import read_info
    from drive.models.data.augmentation import view_of
    from drive.models.data.decoding import PICTURE
    from drive.models.data.preprocess import road_crop
    from drive.models.data.samples import Samples, open_samples, steps_of_epoch, training_data
    from drive.models.networks.pilotnet import build_pilotnet
    from drive.models.training.fit import compile_trainee
    from drive.models.training.precision import choose_precision
    from drive.models.training.training_model import build_training_model
    from drive.train import TrainConfig

    config = TrainConfig(data=())
    rng = np.random.default_rng(0)
    if dataset is None:
        camera = Camera()
        file = np.memmap(folder / "pictures.u8", np.uint8, "w+", shape=(pictures, *PICTURE))
        file[:] = rng.integers(0, 256, file.shape, np.uint8)
        steering = rng.uniform(-1.0, 1.0, pictures).astype(np.float32)
        episode = np.arange(pictures) // 100
        samples = Samples(file, steering, np.zeros_like(steering), episode, episode)
    else:
        info = read_info(dataset)
        camera = info.camera
        samples = open_samples([info], road_crop(camera), folder)
    count = min(pictures, len(samples.steering))
    size = min(config.batch_size, count)
    steps, at_once = steps_of_epoch(count, size)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(choose_precision("auto", on_gpu))
    try:
        with strategy.scope():
            trainee = build_training_model(build_pilotnet(), view_of(camera, road_crop(camera)))
            compile_trainee(trainee, config, steps, at_once)
            network = build_pilotnet()
            compile_trainee(network, config, steps, at_once)
    finally:
        keras.config.set_dtype_policy(before)
    chosen = np.arange(len(samples.steering))
    stream = training_data(samples, chosen, size, balance=config.balance)
    x = rng.integers(0, 256, (steps * size, *PICTURE), np.uint8)
    speed = rng.uniform(0.0, 20.0, (steps * size, 1)).astype(np.float32)
    y = rng.uniform(-1.0, 1.0, (steps * size, 1)).astype(np.float32)
    return (
        lambda: trainee.fit(stream, steps_per_epoch=steps, shuffle=False, verbose=0),
        lambda: network.fit([x, speed], y, batch_size=size, verbose=0),
        steps * size,
    )
