"""Writing a dataset: whole episodes, each in one step that a kill cannot tear."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

import drive
from drive.camera import Camera
from drive.core.files import disk_errors, replace_files
from drive.core.json_data import loads
from drive.core.seeds import RESERVED_SEEDS
from drive.dataset.checking import read_row_stats
from drive.dataset.describing import drive_json, existing_recordings, info_json
from drive.dataset.files import checked_columns, frames_file, json_file, row_file, stats_to_json, tasks_file
from drive.dataset.guard import (
    common_features,
    refuse_foreign_files,
    refuse_other_kind,
    remove_empty,
    remove_leftovers,
    remove_orphans,
    take_lock,
)
from drive.dataset.layout import (
    CHUNK_SIZE,
    DRIVE_PATH,
    INFO_PATH,
    REWARD,
    STATS_PATH,
    TASKS_PATH,
    VIEW_INDEX_COLUMNS,
    Features,
    arrow_schema,
    data_file,
    episodes_file,
    image_names,
    lane_features,
    place,
    split_views,
    views_file,
)
from drive.dataset.opening import open_parquet
from drive.dataset.reader import read_info, read_tasks
from drive.dataset.stats import Stats, column_stats, encoded_image_stats, join
from drive.episode import End
from drive.sim.maps.styles import GENERATED

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

    Rewards are left out where the dataset has none, as one that an older version began.

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
        map_name: str = GENERATED,
        config: Mapping[str, Any] | None = None,
        features: Features | None = None,
        person: str = "",
        note: str = "",
        calibrated: bool = True,
        sources: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Open or make the dataset.

        Args:
            root: its directory.
            fps: frames a second.
            camera: calibration of the front camera.
            driver: who drives: "expert", "person", or the name of the agent that a person may take over from.
            map_name: the map's name, "generated" for roads made from the seed.
            config: settings of this recording, kept in `meta/drive.json`.
            features: in the words of `info.json`; None: `lane_features(camera)`.
            person: name of the person at the wheel.
            note: what that person says about the recording.
            calibrated: False where nothing but the camera's width and height is known.
            sources: recordings that the episodes are copies of, in the words of `meta/drive.json`; this
                writer then adds none of its own.
        """
        self.root = Path(root)
        self.fps = fps
        self.camera = camera
        self.calibrated = calibrated
        self.features = lane_features(camera) if features is None else features
        self._recording: dict[str, Any] = {
            "driver": driver,
            "person": person,
            "note": note,
            "map": map_name,
            "program_version": drive.__version__,
            "config": dict(config or {}),
            "dropped_seeds": [],
        }
        self._lock: FileLock | None = None
        self._open_for_writing = False
        self._begun = False  # whether this writer wrote the first info.json
        self._copies = sources is not None
        self._earlier: list[dict[str, Any]] = [dict(one) for one in sources or ()]
        self._state = _State()
        self._first = 0  # number of this writer's first episode
        with self._disk_errors():
            refuse_foreign_files(self.root)
            self._made_root = not self.root.exists()
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = take_lock(self.root)
            try:
                self._open()
                data, views = split_views(self.features)
                self._data_schema = arrow_schema(data)
                index = {name: data[name] for name in VIEW_INDEX_COLUMNS}
                self._views_schema = arrow_schema(index | views) if views else None
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
        in_vain = self._open_for_writing and self._begun and self._state.episodes == 0
        with self._disk_errors():
            try:
                if self._open_for_writing and not in_vain and self._recording["dropped_seeds"]:
                    replace_files({self.root / DRIVE_PATH: self._drive_json(self._state)})
            finally:
                self._open_for_writing = False
                if self._lock is not None:
                    self._lock.release()
                    self._lock = None
            if in_vain:
                remove_empty(self.root, self._made_root)

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
        seed: int | None,
        scenario: str = "",
        weather: str = "",
        task: str = DEFAULT_TASK,
        ended: str = "",
        driver: str | None = None,
        person: str | None = None,
        note: str | None = None,
        image_stats: Mapping[str, Stats] | None = None,
    ) -> int:
        """Append one whole episode.

        Args:
            columns: every feature but the five that count (`INDEX_COLUMNS`): arrays of shape (T,) or
                (T, n), pictures as lists of T encoded pictures.
            seed: of its scenario, below 1,000,000; None: it has none (a drive made elsewhere).
            scenario: its name.
            weather: its weather's name.
            task: what is done in it, in words.
            ended: one of `drive.episode.End`; "": nobody knows. Training leaves those that `failed` out.
            driver: who drove it, where that differs from the writer's driver.
            person: likewise.
            note: likewise.
            image_stats: statistics of the cameras' pictures by feature, where known; else some are decoded.

        Returns:
            The episode's index.

        Raises:
            ValueError: columns are missing, unknown, of other lengths or shapes, or not finite; `seed` or
                `ended` is out of range.
            UserError: the disk is full or cannot be written. The dataset is as it was before.
        """
        if seed is not None and not 0 <= seed < RESERVED_SEEDS:
            raise ValueError(f"seed is {seed}; take 0 to {RESERVED_SEEDS - 1:,}, others are for evaluation.")
        if ended not in ("", *End):
            raise ValueError(f"ended is {ended!r}; take one of {', '.join(End)}, or an empty text.")
        kept = {name: columns[name] for name in columns if name != REWARD or name in self.features}
        values = checked_columns(kept, self.features)
        state = self._state
        length = len(next(iter(values.values())))
        tasks = state.tasks if task in state.tasks else (*state.tasks, task)
        values["frame_index"] = np.arange(length, dtype=np.int64)
        values["timestamp"] = (values["frame_index"] / self.fps).astype(np.float32)
        values["episode_index"] = np.full(length, state.episodes, np.int64)
        values["index"] = state.frames + values["frame_index"]
        values["task_index"] = np.full(length, tasks.index(task), np.int64)

        recorded, known = split_views(self.features)[0], image_stats or {}
        pictures = image_names(recorded)
        stats = {name: column_stats(values[name]) for name in recorded if name not in pictures}
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
            "driver": self._recording["driver"] if driver is None else driver,
            "person": self._recording["person"] if person is None else person,
            "note": self._recording["note"] if note is None else note,
            "ended": str(ended),
        }
        joined = {n: join([state.stats[n], stats[n]]) if state.episodes else stats[n] for n in stats}
        after = _State(
            episodes=state.episodes + 1,
            frames=state.frames + length,
            tasks=tasks,
            stats=joined,
            next_file=state.next_file + 1,
            seeds=state.seeds if seed is None else (*state.seeds, seed),
        )
        data_path, row_path = data_file(self.root, chunk, file), episodes_file(self.root, chunk, file)
        files: dict[Path, Any] = {self.root / TASKS_PATH: tasks_file(tasks)} if tasks != state.tasks else {}
        views_path = views_file(self.root, chunk, file)
        if self._views_schema is not None:
            files[views_path] = frames_file(values, self._views_schema)
        files |= {
            data_path: frames_file(values, self._data_schema),
            row_path: row_file(row, stats),
            self.root / STATS_PATH: json_file(stats_to_json(joined)),
            self.root / DRIVE_PATH: self._drive_json(after),
            self.root / INFO_PATH: self._info_json(after),
        }
        try:
            with self._disk_errors():
                for path in files:
                    path.parent.mkdir(parents=True, exist_ok=True)
                replace_files(files)
        except BaseException:
            if self._episodes_on_disk() == after.episodes:
                self._state = after
            else:
                for path in (row_path, data_path, views_path):
                    path.unlink(missing_ok=True)
                with suppress(OSError):  # the next opening mends them too
                    self._replace_descriptions()
            raise
        self._state = after
        return state.episodes

    # --- opening

    def _open(self) -> None:
        remove_leftovers(self.root)
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
        self.features = common_features(info, self.features)
        refuse_other_kind(info, self.camera, self.fps, self.features, self.calibrated)
        remove_orphans(info)
        for episode in info.episodes:
            for path in info.files_of(episode):
                open_parquet(path).close()
        places = [place for e in info.episodes for place in ((e.chunk, e.file), (e.row_chunk, e.row_file))]
        self._state = _State(
            episodes=info.total_episodes,
            frames=info.total_frames,
            tasks=tuple(read_tasks(self.root)),
            stats=read_row_stats(info),
            next_file=max((chunk * CHUNK_SIZE + file + 1 for chunk, file in places), default=0),
        )
        self._first = info.total_episodes
        self._earlier = [*existing_recordings(info), *self._earlier]
        self._replace_descriptions()  # a kill may have left them a step ahead of info.json

    # --- the disk

    def _episodes_on_disk(self) -> int:
        """How many episodes info.json counts."""
        try:
            return int(loads((self.root / INFO_PATH).read_bytes())["total_episodes"])
        except (OSError, ValueError, KeyError):
            return 0

    def _disk_errors(self) -> AbstractContextManager[None]:
        kept = f"its {self._state.episodes} whole episodes are kept"
        return disk_errors(
            self.root,
            f"{kept}: free some space and record again, which continues",
            "check the directory's permissions, or name another one",
        )

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
        episodes = list(range(self._first, state.episodes))
        if not self._copies and (episodes or self._recording["dropped_seeds"]):
            recordings.append({**self._recording, "episodes": episodes, "seeds": list(state.seeds)})
        return drive_json(self.camera, self.calibrated, self.features, recordings)

    def _info_json(self, state: _State) -> bytes:
        return info_json(self.fps, self.features, state.episodes, state.frames, len(state.tasks))
