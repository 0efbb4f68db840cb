"""Writes a Minari dataset: HDF5 with T observations and T - 1 actions an episode."""

import importlib.util
import re
from pathlib import Path

import numpy as np

import drive as program
from drive.agent import DT
from drive.core.errors import UserError
from drive.dataset.layout import REWARD
from drive.interchange.drives import Selection
from drive.interchange.observations import environment_spec, known_parts, numbers, rewards
from drive.interchange.pictures import shape_of
from drive.sim.observation import observation_space

INSTALL = 'pip install "drivegym[interchange]"'
NAMESPACE = "drive"


def write_minari(selection: Selection, folder: Path, name: str) -> tuple[str, list[str]]:
    """Write a dataset that `minari.load_dataset` opens where MINARI_DATASETS_PATH names the folder.

    Minari itself writes everything but the pictures: it would encode them anew, so they go into the file
    beside as the bytes they are. The last frame's action leads to no recorded observation and is left out, so
    that nothing is terminal. Rewards are the lane task's, and `recover_environment()` makes `drive/Lane-v0`
    with the dataset's camera, unless the dataset is of another program or was recorded on a map.

    Returns:
        (The dataset's name for Minari, what the format could not hold.)

    Raises:
        UserError: the extra is not installed, or no drive has two frames.
    """
    if missing := [one for one in ("minari", "h5py") if importlib.util.find_spec(one) is None]:
        raise UserError(f"--format minari needs {' and '.join(missing)}, which is not installed: {INSTALL}")
    import h5py
    from gymnasium import spaces
    from minari import __version__ as minari_version
    from minari.data_collector.episode_buffer import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    info = selection.info
    identity = f"{NAMESPACE}/{re.sub(r'[^-_A-Za-z0-9]+', '-', name).strip('-') or 'data'}-v0"
    data = folder / identity / "data"
    data.mkdir(parents=True)
    (folder / NAMESPACE / "namespace_metadata.json").write_text("{}\n", encoding="utf-8")
    spec, storage = environment_spec(info), None
    parts = known_parts(info.features)
    short = count = 0
    for drive in selection:
        if drive.length < 2:
            short += 1
            continue
        if storage is None:
            plain = {key: spaces.Box(-np.inf, np.inf, (len(one),), np.float32) for key, one in parts.items()}
            camera = spaces.Box(0, 255, shape_of(drive.pictures[0]), np.uint8)
            seen = spaces.Dict({"camera": camera, "command": spaces.Discrete(4), **plain})
            storage = MinariStorage.new(
                data,
                observation_space=observation_space({"front": info.camera}) if spec else seen,
                env_spec=spec,
                action_space=spaces.Box(-1.0, 1.0, (2,), np.float32),
                jpeg_encoding=True,
            )
        steps = drive.length - 1
        storage.update_episodes(
            [
                EpisodeBuffer(
                    id=count,
                    seed=drive.row.seed,
                    observations=numbers(drive, info.features),
                    actions=np.asarray(drive.frames["action"], np.float32)[:-1],  # type: ignore[arg-type]
                    rewards=rewards(drive)[:-1],  # type: ignore[arg-type]
                    terminations=np.zeros(steps, np.bool_),  # type: ignore[arg-type]
                    truncations=np.arange(steps) == steps - 1,  # type: ignore[arg-type]
                    infos={"action_executed": np.asarray(drive.frames["executed.action"], np.float32)},
                )
            ]
        )
        with h5py.File(data / "main_data.hdf5", "a", track_order=True) as file:
            pictures = file[f"episode_{count}/observations"].create_dataset(
                "camera", (drive.length,), h5py.vlen_dtype(np.uint8)
            )
            for t, picture in enumerate(drive.pictures):
                pictures[t] = np.frombuffer(picture, np.uint8)
        count += 1
    if storage is None:
        raise UserError(f"{info.root}: no drive has two frames, which an episode of Minari needs.")
    drivers = sorted({row.driver for row in info.episodes if row.driver})
    storage.update_metadata(
        {
            "dataset_id": identity,
            "minari_version": minari_version,
            "algorithm_name": ", ".join(drivers),
            "description": f"{info.fps} frames a second (the environment: {round(1.0 / DT)} steps); steering "
            "(left positive) and acceleration as fractions; rewards are the lane task's up to the next frame"
            + ("" if REWARD in info.features else ", which were not recorded: 0"),
            "requirements": [f"drivegym=={program.__version__}"],
            "dataset_size": storage.get_size(),
        }
    )
    return identity, [f"{short} drives of one frame are left out"] if short else []
