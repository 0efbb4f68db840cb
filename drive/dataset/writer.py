"""Writing a dataset: whole episodes, each in one step that a kill cannot tear."""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import drive
from drive.dataset.checking import read_row_stats
from drive.dataset.files import checked_columns, frames_file, json_file, row_file, stats_to_json, tasks_file
from drive.dataset.guard import (
    refuse_foreign_files,
    refuse_other_kind,
    remove_empty,
    remove_orphans,
    replace_files,
    take_lock,
)
from drive.dataset.layout import (
    CHUNK_SIZE,
    CODEBASE_VERSION,
    DATA_PATH,
    DRIVE_FORMAT,
    DRIVE_PATH,
    INFO_PATH,
    STATS_PATH,
    TASKS_PATH,
    TEMPORARY_SUFFIX,
    Features,
    arrow_schema,
    camera_to_json,
    data_file,
    episodes_file,
    image_names,
    lane_features,
    place,
)
from drive.dataset.reader import open_parquet, read_info, read_tasks
from drive.dataset.stats import Stats, column_stats, encoded_image_stats, join
from drive.errors import UserError
from drive.seeds import RESERVED_SEEDS
from drive.sim.sensors.camera import Camera

ROBOT_TYPE = "drive_car"
DEFAULT_TASK = "follow the lane"


@dataclass(frozen=True)
class _State:
    """How far a dataset has come."""

    episodes: int = 0
    frames: int = 0
    tasks: tuple[str, ...] = ()
    stats: dict[str, Stats] = field(default_factory=dict)
    next_file: int = 0
    seeds: tuple[int, ...] = ()  # recorded by this writer


class DatasetWriter:
    """Makes a dataset, or appends to one of the same camera, frame rate and features.

        with DatasetWriter(root, fps=20, camera=Camera(), driver="expert") as writer:
            writer.add_episode(columns, seed=17, scenario="lane/17", weather="overcast")

    One process at a time writes a dataset; a second one is refused.

    Raises:
        UserError: the directory holds other things, another dataset, or a damaged one; the disk is full.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        fps: int,
        camera: Camera,
        driver: str,
        map_name: str = "generated",
        config: Mapping[str, Any] | None = None,
        features: Features | None = None,
    ) -> None:
        """Open or make the dataset.

        Args:
            root: its directory.
            fps: frames a second.
            camera: calibration of the front camera.
            driver: who drives: "expert", an agent's name.
            map_name: the map's name, "generated" for roads made from the seed.
            config: settings of this recording, kept in `meta/drive.json`.
            features: in the words of `info.json`; None: `lane_features(camera)`.
        """
        self.root = Path(root)
        self.fps = fps
        self.camera = camera
        self.features = lane_features(camera) if features is None else features
        self._schema = arrow_schema(self.features)
        self._recording: dict[str, Any] = {
            "driver": driver,
            "map": map_name,
            "program_version": drive.__version__,
            "config": dict(config or {}),
            "dropped_seeds": [],
        }
        self._lock: int | None = None
        self._open_for_writing = False
        self._begun = False  # whether this writer wrote the first info.json
        self._earlier: list[dict[str, Any]] = []
        self._state = _State()
        with self._clear_disk_errors():
            refuse_foreign_files(self.root)
            self._made_root = not self.root.exists()
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = take_lock(self.root)
            try:
                self._open()
                self._open_for_writing = True
            except BaseException:
                self.close()
                raise

    # --- the life of a writer

    def __enter__(self) -> "DatasetWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Note the dropped seeds and let others write; a dataset that was begun in vain is removed."""
        try:
            if self._open_for_writing:
                with self._clear_disk_errors():
                    if self._begun and self._state.episodes == 0:
                        remove_empty(self.root, self._made_root)
                    elif self._recording["dropped_seeds"]:
                        replace_files({self.root / DRIVE_PATH: self._drive_json(self._state)})
        finally:
            self._open_for_writing = False
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    @property
    def total_episodes(self) -> int:
        """Whole episodes in the dataset."""
        return self._state.episodes

    @property
    def total_frames(self) -> int:
        """Frames in the dataset."""
        return self._state.frames

    @property
    def used_seeds(self) -> frozenset[int]:
        """Seeds recorded or dropped so far, by all recordings."""
        earlier = {s for one in self._earlier for name in ("seeds", "dropped_seeds") for s in one[name]}
        return frozenset(earlier | {*self._state.seeds, *self._recording["dropped_seeds"]})

    def drop(self, seed: int) -> None:
        """Note that a scenario was driven but not kept."""
        self._recording["dropped_seeds"].append(seed)

    def add_episode(
        self,
        columns: Mapping[str, Any],
        *,
        seed: int,
        scenario: str = "",
        weather: str = "",
        task: str = DEFAULT_TASK,
        image_stats: Mapping[str, Stats] | None = None,
    ) -> int:
        """Append one whole episode.

        Args:
            columns: every feature but the five that count (`INDEX_COLUMNS`): arrays of shape (T,) or
                (T, n), pictures as lists of T encoded pictures.
            seed: of its scenario, below 1,000,000.
            scenario: its name.
            weather: its weather's name.
            task: what is done in it, in words.
            image_stats: statistics of the pictures by feature, where known; else some are decoded.

        Returns:
            The episode's index.

        Raises:
            ValueError: columns are missing, unknown, of other lengths or shapes, or not finite.
            UserError: the disk is full or cannot be written. The dataset is as it was before.
        """
        if not 0 <= seed < RESERVED_SEEDS:
            raise ValueError(f"seed is {seed}; take 0 to {RESERVED_SEEDS - 1:,}, others are for evaluation.")
        values = checked_columns(columns, self.features)
        state = self._state
        length = len(next(iter(values.values())))
        tasks = state.tasks if task in state.tasks else (*state.tasks, task)
        values["frame_index"] = np.arange(length, dtype=np.int64)
        values["timestamp"] = (values["frame_index"] / self.fps).astype(np.float32)
        values["episode_index"] = np.full(length, state.episodes, np.int64)
        values["index"] = state.frames + values["frame_index"]
        values["task_index"] = np.full(length, tasks.index(task), np.int64)

        pictures, known = image_names(self.features), image_stats or {}
        stats = {name: column_stats(values[name]) for name in self.features if name not in pictures}
        for name in pictures:
            stats[name] = known[name] if name in known else encoded_image_stats(values[name])

        chunk, file = place(state.next_file)
        row = {
            "episode_index": state.episodes,
            "tasks": [task],
            "length": length,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": state.frames,
            "dataset_to_index": state.frames + length,
            "meta/episodes/chunk_index": chunk,
            "meta/episodes/file_index": file,
            "seed": seed,
            "scenario": scenario,
            "weather": weather,
            "driver": self._recording["driver"],
        }
        joined = {n: join([state.stats[n], stats[n]]) if state.episodes else stats[n] for n in self.features}
        after = _State(
            episodes=state.episodes + 1,
            frames=state.frames + length,
            tasks=tasks,
            stats=joined,
            next_file=state.next_file + 1,
            seeds=(*state.seeds, seed),
        )
        data_path, row_path = data_file(self.root, chunk, file), episodes_file(self.root, chunk, file)
        files: dict[Path, Any] = {self.root / TASKS_PATH: tasks_file(tasks)} if tasks != state.tasks else {}
        files |= {
            data_path: frames_file(values, self._schema),
            row_path: row_file(row, stats),
            self.root / STATS_PATH: json_file(stats_to_json(joined)),
            self.root / DRIVE_PATH: self._drive_json(after),
            self.root / INFO_PATH: self._info_json(after),
        }
        try:
            with self._clear_disk_errors():
                replace_files(files)
        except BaseException:
            if self._episodes_on_disk() == after.episodes:
                self._state = after
            else:
                data_path.unlink(missing_ok=True)
                row_path.unlink(missing_ok=True)
                with suppress(OSError):  # the next opening mends them too
                    self._replace_descriptions()
            raise
        self._state = after
        return state.episodes

    # --- opening

    def _open(self) -> None:
        for path in [*self.root.glob("data/*/*"), *self.root.glob("meta/**/*")]:
            if path.suffix == TEMPORARY_SUFFIX:
                path.unlink()
        if not (self.root / INFO_PATH).exists():
            replace_files(
                {
                    self.root / DRIVE_PATH: self._drive_json(self._state),
                    self.root / TASKS_PATH: tasks_file(()),
                    self.root / STATS_PATH: json_file({}),
                    self.root / INFO_PATH: self._info_json(self._state),
                }
            )
            self._begun = True
            return
        info = read_info(self.root)
        refuse_other_kind(info, self.camera, self.fps, self.features)
        remove_orphans(info)
        for episode in info.episodes:
            open_parquet(data_file(self.root, episode.chunk, episode.file)).close()
        places = [place for e in info.episodes for place in ((e.chunk, e.file), (e.row_chunk, e.row_file))]
        self._state = _State(
            episodes=info.total_episodes,
            frames=info.total_frames,
            tasks=tuple(read_tasks(self.root)),
            stats=read_row_stats(info),
            next_file=max((chunk * CHUNK_SIZE + file + 1 for chunk, file in places), default=0),
        )
        kept = info.seeds
        earlier = [{**one, "seeds": [s for s in one["seeds"] if s in kept]} for one in info.recordings]
        self._earlier = [one for one in earlier if one["seeds"] or one["dropped_seeds"]]
        self._replace_descriptions()  # a kill may have left them a step ahead of info.json

    # --- the disk

    def _episodes_on_disk(self) -> int:
        """How many episodes info.json counts."""
        try:
            return int(json.loads((self.root / INFO_PATH).read_bytes())["total_episodes"])
        except (OSError, ValueError, KeyError):
            return 0

    @contextmanager
    def _clear_disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise UserError(
                    f"{self.root}: no space left on the disk; its {self._state.episodes} whole episodes "
                    "are kept: free some space and record again, which continues."
                ) from error
            raise UserError(
                f"{error.filename or self.root}: {error.strerror or error}: "
                "check the directory's permissions, or name another one."
            ) from error

    def _replace_descriptions(self) -> None:
        """Make stats.json and drive.json say what info.json counts."""
        replace_files(
            {
                self.root / STATS_PATH: json_file(stats_to_json(self._state.stats)),
                self.root / DRIVE_PATH: self._drive_json(self._state),
            }
        )

    def _drive_json(self, state: _State) -> bytes:
        recordings = list(self._earlier)
        if state.seeds or self._recording["dropped_seeds"]:
            recordings.append({**self._recording, "seeds": list(state.seeds)})
        return json_file(
            {"format": DRIVE_FORMAT, "camera": camera_to_json(self.camera), "recordings": recordings}
        )

    def _info_json(self, state: _State) -> bytes:
        return json_file(
            {
                "codebase_version": CODEBASE_VERSION,
                "fps": self.fps,
                "features": self.features,
                "total_episodes": state.episodes,
                "total_frames": state.frames,
                "total_tasks": len(state.tasks),
                "chunks_size": CHUNK_SIZE,
                "data_files_size_in_mb": 100,
                "video_files_size_in_mb": 500,
                "data_path": DATA_PATH,
                "video_path": None,
                "robot_type": ROBOT_TYPE,
                "splits": {"train": f"0:{state.episodes}"},
            }
        )
