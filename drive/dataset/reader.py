"""Reading a dataset with numpy and pyarrow alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset.edits import Edits, read_edits
from drive.dataset.layout import (
    CODEBASE_VERSION,
    DRIVE_FORMAT,
    DRIVE_PATH,
    FORMER_FORMAT,
    INFO_PATH,
    TASKS_PATH,
    TODAYS_NAMES,
    VIEW_PREFIX,
    Features,
    camera_from_json,
    data_file,
    views_file,
)
from drive.dataset.opening import check_forms, damaged, open_parquet, read_json, read_table
from drive.episode import FAILED_ENDS, End
from drive.sim.maps.styles import GENERATED, road_key

Column = NDArray[Any] | list[bytes]


@dataclass(frozen=True)
class EpisodeRow:
    """What the dataset says of one episode."""

    index: int
    length: int  # frames
    first: int  # global number of its first frame
    chunk: int  # where its frames are
    file: int
    tasks: tuple[str, ...]
    seed: int | None  # of its scenario; None: recorded by another program
    scenario: str
    weather: str
    driver: str
    row_chunk: int  # where this row is
    row_file: int
    person: str = ""  # who sat at the wheel
    note: str = ""
    ended: str = ""  # one of `drive.episode.End`; "": nobody knows

    @property
    def failed(self) -> bool:
        """Whether it ended in a crash or off its lane, so that training leaves it out."""
        return self.ended in FAILED_ENDS


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset's description: everything but the frames."""

    root: Path
    fps: int
    features: Features
    camera: Camera
    total_episodes: int
    total_frames: int
    episodes: tuple[EpisodeRow, ...]
    recordings: tuple[Mapping[str, Any], ...]  # one per `drive record`: driver, map, settings, seeds
    calibrated: bool = True  # False: the camera is an assumption beyond its width and height
    edits: Edits = field(default_factory=Edits)  # frames that people excluded or marked
    former: bool = False  # whether it has the layout of format 1

    def stored_name(self, name: str) -> str:
        """The column's name of a feature."""
        if not self.former:
            return name
        return next((old for old, today in TODAYS_NAMES.items() if today == name), name)

    def file_of(self, row: EpisodeRow, name: str) -> Path:
        """The file that holds a feature of an episode."""
        where = views_file if name.startswith(VIEW_PREFIX) and not self.former else data_file
        return where(self.root, row.chunk, row.file)

    def files_of(self, row: EpisodeRow) -> list[Path]:
        """All files that hold frames of an episode."""
        return list(dict.fromkeys(self.file_of(row, name) for name in self.features))

    @property
    def seeds(self) -> frozenset[int]:
        """Seeds of the scenarios in the dataset: a policy trained on it must not be scored on them."""
        return frozenset(row.seed for row in self.episodes if row.seed is not None)

    @property
    def dropped_seeds(self) -> frozenset[int]:
        """Seeds that were driven and not kept (crash, off road)."""
        return frozenset(seed for recording in self.recordings for seed in recording["dropped_seeds"])

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps driven on; "generated" and more stand for roads made from the seed."""
        return tuple(dict.fromkeys(str(recording["map"]) for recording in self.recordings))

    def recording_of(self, episode: int) -> Mapping[str, Any] | None:
        """The recording that an episode comes from; None: nobody knows."""
        seed = self.episodes[episode].seed
        for recording in self.recordings:
            if "episodes" in recording:
                if episode in recording["episodes"]:
                    return recording
            elif seed is not None and seed in recording["seeds"]:
                return recording
        return None

    def map_of(self, episode: int) -> str:
        """The name of the map that an episode was driven on, "generated" where nobody knows."""
        return str((self.recording_of(episode) or {}).get("map", GENERATED))

    def road_of(self, episode: int) -> tuple[str, int]:
        """Which road an episode was driven on: its map and its scenario's seed.

        Episodes of one road show the same surroundings, under another weather perhaps: none of them can test
        what was learned from another. One without a seed counts as a road of its own, named by its dataset.
        """
        seed = self.episodes[episode].seed
        if seed is None:
            return str(self.root), episode
        return road_key(self.map_of(episode), seed)

    def training_mask(self, episode: int, *, failed: bool = False) -> NDArray[np.bool_]:
        """(T,) which frames of an episode may be learned from: those that no person has excluded.

        Args:
            episode: its index.
            failed: also learn from episodes that ended in a crash or off the lane.
        """
        row = self.episodes[episode]
        if row.failed and not failed:
            return np.zeros(row.length, np.bool_)
        return ~self.edits.mask("excluded", episode, row.length)


def read_info(root: Path | str) -> DatasetInfo:
    """Read what a dataset holds, without its frames.

    Raises:
        UserError: there is no dataset, it is of another version, or one of its files is damaged.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is a file, not a dataset's directory" if root.exists() else "does not exist"
        raise UserError(f"{root} {what}: name a dataset, or make one with `drive record {root}`.")
    if not any(root.iterdir()):
        raise UserError(f"{root} is empty: record a dataset with `drive record {root}`.")
    if not (root / "meta").is_dir():
        raise UserError(
            f"{root} is not a dataset (it has no folder `meta`): name the folder that `drive record` made."
        )
    info = read_json(root / INFO_PATH)
    version = info.get("codebase_version")
    if version != CODEBASE_VERSION:
        raise UserError(
            f"{root / INFO_PATH}: codebase_version is {version}, this program reads {CODEBASE_VERSION}: "
            "convert the dataset, or record it anew."
        )
    ours = read_json(root / DRIVE_PATH)
    if ours.get("format") not in (FORMER_FORMAT, DRIVE_FORMAT):
        raise UserError(
            f"{root / DRIVE_PATH}: format is {ours.get('format')}, this program reads {FORMER_FORMAT} and "
            f"{DRIVE_FORMAT}: "
            "use the version of drive that recorded it, or record it anew."
        )
    described, found = check_forms(info, root / INFO_PATH, ours, root / DRIVE_PATH)
    former = ours["format"] == FORMER_FORMAT
    features = described.features | found.views
    if former:
        features = {TODAYS_NAMES.get(name, name): feature for name, feature in features.items()}
    return DatasetInfo(
        root=root,
        fps=described.fps,
        features=features,
        camera=camera_from_json(found.camera, root / DRIVE_PATH),
        total_episodes=described.total_episodes,
        total_frames=described.total_frames,
        episodes=_read_rows(root, described.total_episodes),
        recordings=tuple(found.recordings),
        calibrated=found.calibrated,
        edits=read_edits(root),
        former=former,
    )


def _read_rows(root: Path, total: int) -> tuple[EpisodeRow, ...]:
    rows: list[EpisodeRow] = []
    for path in sorted((root / "meta" / "episodes").glob("*/*.parquet")):
        if len(rows) >= total:
            break  # what info.json does not count does not exist
        names = [name for name in open_parquet(path).schema_arrow.names if not name.startswith("stats/")]
        for row in read_table(path, names).to_pylist():
            rows.append(
                EpisodeRow(
                    index=row["episode_index"],
                    length=row["length"],
                    first=row["dataset_from_index"],
                    chunk=row["data/chunk_index"],
                    file=row["data/file_index"],
                    tasks=tuple(row["tasks"]),
                    seed=row.get("seed"),
                    scenario=row.get("scenario", ""),
                    weather=row.get("weather", ""),
                    driver=row.get("driver", ""),
                    row_chunk=row["meta/episodes/chunk_index"],
                    row_file=row["meta/episodes/file_index"],
                    person=row.get("person", ""),
                    note=row.get("note", ""),
                    ended=_end(row.get("ended", "")),
                )
            )
    if len(rows) < total:
        raise UserError(
            f"{root / 'meta' / 'episodes'} has the rows of {len(rows)} episodes, {INFO_PATH} counts {total}: "
            "restore the missing file, or record the dataset anew."
        )
    return tuple(sorted(rows[:total], key=lambda row: row.index))


def read_tasks(root: Path) -> list[str]:
    """Task texts in the order of `task_index`."""
    table = read_table(root / TASKS_PATH).to_pydict()
    return [text for _, text in sorted(zip(table["task_index"], table["task"], strict=True))]


def read_episode(
    dataset: DatasetInfo | Path | str, index: int, columns: Sequence[str] | None = None
) -> dict[str, Column]:
    """Read the frames of one episode.

    Args:
        dataset: what `read_info` gave (quicker when many episodes are read), or the directory.
        index: which episode, 0 <= index < total_episodes.
        columns: features to read; None: all.

    Returns:
        By feature: an array of shape (T,) or (T, n), or for pictures a list of T encoded pictures
        (JPEG bytes).

    Raises:
        UserError: there is no such episode or column, or the file is missing, truncated or damaged.
    """
    info = dataset if isinstance(dataset, DatasetInfo) else read_info(dataset)
    if not 0 <= index < info.total_episodes:
        raise UserError(
            f"{info.root} has no episode {index}: it holds {info.total_episodes}, counted from 0."
        )
    names = list(info.features) if columns is None else list(columns)
    if unknown := [name for name in names if name not in info.features]:
        raise UserError(f"{info.root} has no feature {unknown[0]}: it has {', '.join(info.features)}.")
    row = info.episodes[index]
    found: dict[str, Column] = {}
    for path in dict.fromkeys(info.file_of(row, name) for name in names):
        stored = {name: info.stored_name(name) for name in names if info.file_of(row, name) == path}
        with open_parquet(path) as file:
            try:
                table = _episode_rows(file, row, list(stored.values()))
                found |= {
                    name: _to_column(table.column(at), info.features[name]) for name, at in stored.items()
                }
            except (pa.ArrowException, OSError, KeyError) as error:
                raise damaged(path, error) from error
        if table.num_rows != row.length:
            raise UserError(
                f"{path} has {table.num_rows} frames of episode {index}, {row.length} were recorded: "
                "restore it, or record the dataset anew."
            )
    return {name: found[name] for name in names}


def _episode_rows(file: pq.ParquetFile, row: EpisodeRow, names: list[str]) -> pa.Table:
    metadata = file.metadata
    if metadata.num_row_groups == 1 and metadata.num_rows == row.length:
        return file.read_row_group(0, columns=names, use_threads=False)
    wanted = []  # a file of many episodes: only the row groups that hold this one
    column = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == "episode_index")
    for group in range(metadata.num_row_groups):
        bounds = metadata.row_group(group).column(column).statistics
        if bounds is None or not bounds.has_min_max or bounds.min <= row.index <= bounds.max:
            wanted.append(group)
    table = file.read_row_groups(wanted, columns=[*dict.fromkeys([*names, "episode_index"])])
    rows = np.flatnonzero(table.column("episode_index").to_numpy() == row.index)
    return table.slice(rows[0], len(rows)) if len(rows) else table.slice(0, 0)


def _to_column(values: pa.ChunkedArray, feature: Mapping[str, Any]) -> Column:
    array = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if feature["dtype"] == "image":
        return array.field("bytes").to_pylist()
    if pa.types.is_fixed_size_list(array.type):
        flat = array.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(array), array.type.list_size)
    return array.to_numpy(zero_copy_only=False)


def iter_episodes(
    dataset: DatasetInfo | Path | str,
    columns: Sequence[str] | None = None,
    episodes: Sequence[int] | None = None,
) -> Iterator[tuple[EpisodeRow, dict[str, Column]]]:
    """Read episode after episode: (its row, its frames as `read_episode` gives them)."""
    info = dataset if isinstance(dataset, DatasetInfo) else read_info(dataset)
    for index in range(info.total_episodes) if episodes is None else episodes:
        yield info.episodes[index], read_episode(info, index, columns)


def iter_frames(
    dataset: DatasetInfo | Path | str,
    columns: Sequence[str] | None = None,
    episodes: Sequence[int] | None = None,
) -> Iterator[dict[str, Any]]:
    """Read frame after frame: by feature a scalar, a vector, or the bytes of a picture."""
    for _, frames in iter_episodes(dataset, columns, episodes):
        length = len(next(iter(frames.values())))
        for t in range(length):
            yield {name: values[t] for name, values in frames.items()}


def _end(text: str) -> str:
    """How an episode ended, in today's words; what nobody knows stays as it is."""
    try:
        return End.read(text).value
    except ValueError:
        return text
