"""The training run itself: data, network, `fit`, best weights, export."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drive.core.errors import UserError
from drive.models.training.run_folder import RunFolder

if TYPE_CHECKING:
    from rich.console import Console

    from drive.dataset.reader import DatasetInfo
    from drive.train import TrainConfig


def train(
    config: "TrainConfig",
    datasets: Sequence["DatasetInfo"],
    folder: RunFolder,
    strategy: Any,
    on_gpu: bool,
    console: "Console",
) -> float:
    """Train on datasets of one camera and export the best weights.

    Returns:
        The largest difference between the policy file and Keras, as a fraction of full steering.
    """
    import keras

    from drive.models.data.augmentation import view_of
    from drive.models.data.preprocess import road_crop
    from drive.models.data.samples import split_by_road, steps_of_epoch, training_data, validation_data
    from drive.models.export import export_policy
    from drive.models.networks.pilotnet import build_pilotnet
    from drive.models.training.precision import choose_precision
    from drive.models.training.progress import decode_progress
    from drive.models.training.resume import Resume, load_weights
    from drive.models.training.training_model import build_training_model

    keras.utils.set_random_seed(config.seed)
    camera = datasets[0].camera
    crop = road_crop(camera)
    with decode_progress(console) as progress:
        samples = _open(config, datasets, crop, folder.cache, progress)
    training, validation = split_by_road(samples, config.validation_share, config.seed)
    batch_size = min(config.batch_size, len(training))
    steps, at_once = steps_of_epoch(len(training), batch_size)
    console.print(
        f"{len(samples.steering)} pictures of {len(np.unique(samples.episode))} episodes on "
        f"{len(np.unique(samples.road))} roads: "
        f"{len(training)} to train on, {len(validation)} to choose the best weights"
    )

    precision = choose_precision(config.mixed_precision, on_gpu)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        with strategy.scope():
            network = build_pilotnet()
            trainee = build_training_model(network, view_of(camera, crop) if config.augment else None)
            compile_trainee(trainee, config, steps, at_once)
    finally:
        keras.config.set_dtype_policy(before)

    resume = Resume(trainee, folder.checkpoint)
    first_epoch = resume.load()
    if first_epoch:
        console.print(f"going on after epoch {first_epoch} of {config.epochs}")
    trainee.fit(
        training_data(
            samples,
            training,
            batch_size,
            seed=config.seed,
            first_epoch=first_epoch,
            balance=config.balance,
            augmented=config.augment,
            flip_share=config.flip_share,
        ),
        validation_data=validation_data(samples, validation, 256),
        steps_per_epoch=steps,
        initial_epoch=first_epoch,
        epochs=config.epochs,
        shuffle=False,
        verbose=0,
        callbacks=_callbacks(config, folder, resume, steps, console),
    )

    if precision != "float32":  # the file is float32: the same weights in a network of that precision
        exported = build_pilotnet()
    else:
        exported = network
    load_weights(exported, folder.weights)
    facts = _facts(config, datasets, samples) | {"precision": precision}
    return export_policy(exported, camera, folder.policy, facts, _frames(datasets[0]))


def _frames(info: "DatasetInfo") -> Any:
    """Up to 16 recorded frames of the first episode, (N, H, W, 3) uint8."""
    import cv2

    from drive.dataset import FRONT_IMAGE, read_episode

    pictures = read_episode(info, 0, [FRONT_IMAGE])[FRONT_IMAGE]
    chosen = pictures[:: max(1, len(pictures) // 16)][:16]
    frames: list[Any] = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) for data in chosen]
    return np.stack(frames)


def _open(
    config: "TrainConfig", datasets: Sequence["DatasetInfo"], crop: Any, cache: Path, progress: Any
) -> Any:
    from drive.models.data.decoding import FrameFilter
    from drive.models.data.samples import open_samples

    chosen = FrameFilter(
        failed=config.include_crashes,
        only_person=config.only_person,
        expert_labels=config.labels == "expert",
    )
    samples = open_samples(datasets, crop, cache, progress, chosen)
    if not np.isfinite(samples.steering).all():
        raise UserError(f"{datasets[0].root}: a steering label is not a number; record the dataset anew")
    return samples


def compile_trainee(trainee: Any, config: "TrainConfig", steps: int, at_once: int) -> None:
    """AdamW, a cosine schedule over the whole run, one loss; `steps` an epoch, so many `at_once`."""
    import keras

    from drive.models.training.losses import steering_loss

    total = max(config.epochs * steps, 2)
    warmup = max(1, round(0.03 * total))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.05 * config.learning_rate,
        decay_steps=total - warmup,
        alpha=0.0,
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
    trainee.compile(
        optimizer, loss=steering_loss, metrics=["mae"], jit_compile=False, steps_per_execution=at_once
    )


def _callbacks(
    config: "TrainConfig", folder: RunFolder, resume: Any, steps: int, console: "Console"
) -> list[Any]:
    from drive.models.training.logs import build_log
    from drive.models.training.progress import build_progress
    from drive.models.training.resume import build_checkpoint

    return [
        build_progress(console, config.epochs, steps),
        build_log(folder.root),
        build_checkpoint(resume, folder.weights),
    ]


def _facts(config: "TrainConfig", datasets: Sequence["DatasetInfo"], samples: Any) -> dict[str, Any]:
    return {
        "model": config.model,
        "datasets": [
            {
                "name": info.root.name,
                "episodes": info.total_episodes,
                "frames": info.total_frames,
                "maps": list(info.maps),
                "weathers": sorted({row.weather for row in info.episodes}),
                "drivers": sorted({row.driver for row in info.episodes}),
            }
            for info in datasets
        ],
        "pictures": len(samples.steering),
        "training_seeds": sorted(set().union(*(info.seeds for info in datasets))),
        "settings": {
            name: value for name, value in asdict(config).items() if name not in ("data", "out", "keep_cache")
        },
    }
