"""The training run itself: data, network, `fit`, best weights, export."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from drive.core.errors import UserError, plural
from drive.models.data.decoding import FrameFilter
from drive.models.networks.declaration import Network
from drive.models.networks.table import network_for
from drive.models.training.device import Device
from drive.models.training.options import TrainingOptions
from drive.models.training.run_folder import RunFolder

if TYPE_CHECKING:
    from rich.console import Console

    from drive.dataset.reader import DatasetInfo

VALIDATION_BATCH = 256
MIN_EPISODE_S = 1.0  # shorter ones are a slip of the hand, and would stand for a whole road in validation


def train(
    options: TrainingOptions,
    datasets: Sequence["DatasetInfo"],
    folder: RunFolder,
    device: Device,
    console: "Console",
) -> float:
    """Train on datasets of one camera and export the best weights.

    Returns:
        The largest difference between the policy file and Keras, as a fraction of full steering.
    """
    import keras

    from drive.models.data.samples import (
        MIN_VALIDATION,
        batches,
        build_validation_data,
        split_by_road,
        steps_of_epoch,
    )
    from drive.models.training.exporting import export_weights
    from drive.models.training.precision import choose_precision
    from drive.models.training.prefetching import prefetched
    from drive.models.training.resume import Resume
    from drive.models.training.training_model import build_compiled

    keras.utils.set_random_seed(options.seed)
    network, instead = network_for(options.model, datasets)
    if instead:
        console.print(f"[yellow]{instead}[/yellow]", soft_wrap=True)
    samples = _open(options, network, datasets, folder, console)
    training, validation = split_by_road(samples, options.validation_share, options.seed)
    batch_size = min(options.batch_size, len(training))
    steps, at_once = steps_of_epoch(len(training), batch_size)
    held, roads = len(np.unique(samples.road[validation])), len(np.unique(samples.road))
    console.print(
        f"{len(samples.labels)} pictures of {plural(len(np.unique(samples.episode)), 'episode')} on "
        f"{plural(roads, 'road')}: "
        f"{len(training)} to train on, {len(validation)} on {plural(held, 'road')} to "
        "choose the best weights"
    )
    short = sum(row.length < MIN_EPISODE_S * info.fps for info in datasets for row in info.episodes)
    if short:
        console.print(f"{short} episodes shorter than {MIN_EPISODE_S:g} s left out")
    if len(validation) < MIN_VALIDATION:
        console.print(
            f"[yellow]{len(validation)} pictures are too few to tell good weights from bad: judge by "
            "`drive evaluate`[/yellow]"
        )
    precision = choose_precision(options.mixed_precision, bool(device.names))
    model = build_compiled(network, options, datasets[0].camera, device, precision, steps, at_once)
    resume = Resume(model, folder.checkpoint)
    first_epoch = resume.load()
    if first_epoch:
        console.print(f"going on after epoch {first_epoch} of {options.epochs}")
    if first_epoch < options.epochs:
        resume.made_by = {"backend": keras.backend.backend(), "precision": precision}
        stream = partial(
            batches,
            samples,
            training,
            network,
            batch_size,
            seed=options.seed,
            first_epoch=first_epoch,
            balance=options.balance,
            augmented=options.augment,
            flip_share=options.flip_share,
        )
        with prefetched(stream) as data:
            model.fit(
                data,
                validation_data=build_validation_data(samples, validation, VALIDATION_BATCH),
                steps_per_epoch=steps,
                initial_epoch=first_epoch,
                epochs=options.epochs,
                shuffle=False,
                verbose=0,
                callbacks=_callbacks(options, folder, resume, steps, console),
            )
    facts = _facts(options, datasets, samples) | resume.made_by
    return export_weights(
        folder.weights, network, datasets[0].camera, folder.policy, facts, _frames(datasets[0])
    )


def _open(
    options: TrainingOptions,
    network: Network,
    datasets: Sequence["DatasetInfo"],
    folder: RunFolder,
    console: "Console",
) -> Any:
    from drive.models.data.samples import open_samples
    from drive.models.training.progress import decode_progress

    chosen = FrameFilter(
        failed=options.include_crashes,
        only_person=options.only_person,
        expert_labels=options.labels == "expert",
        min_duration_s=MIN_EPISODE_S,
    )
    with decode_progress(console) as progress:
        samples = open_samples(datasets, network, folder.cache, progress, chosen)
    for name, values in zip(network.labels, samples.labels.T, strict=True):
        if not np.isfinite(values).all():
            raise UserError(f"{datasets[0].root}: a {name} label is not a number; record the dataset anew")
    return samples


def _frames(info: "DatasetInfo") -> Any:
    """Up to 16 recorded frames of the first episode, (N, H, W, 3) uint8."""
    import cv2

    from drive.dataset import FRONT_IMAGE, read_episode

    pictures = read_episode(info, 0, [FRONT_IMAGE])[FRONT_IMAGE]
    chosen = pictures[:: max(1, len(pictures) // 16)][:16]
    frames: list[Any] = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) for data in chosen]
    return np.stack(frames)


def _callbacks(
    options: TrainingOptions, folder: RunFolder, resume: Any, steps: int, console: "Console"
) -> list[Any]:
    from drive.models.training.logs import build_log
    from drive.models.training.progress import build_progress
    from drive.models.training.resume import build_checkpoint

    return [
        build_progress(console, options.epochs, steps),
        build_log(folder.root),
        build_checkpoint(resume, folder.weights),
    ]


def _facts(options: TrainingOptions, datasets: Sequence["DatasetInfo"], samples: Any) -> dict[str, Any]:
    settings = asdict(options)
    del settings["keep_cache"]
    return {
        "model": options.model,
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
        "pictures": len(samples.labels),
        "training_seeds": sorted(set().union(*(info.seeds for info in datasets))),
        "settings": settings,
    }
