"""What keeps a dataset whole: who may write it, what may be appended, and files that change in one step."""

from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from drive.camera import Camera
from drive.core.errors import UserError
from drive.core.files import PART, try_lock
from drive.dataset.checking import orphans
from drive.dataset.layout import (
    ASIDE_SUFFIX,
    DRIVE_PATH,
    EDITS_LOCK_PATH,
    EDITS_PATH,
    INFO_PATH,
    JOURNAL_SUFFIX,
    REWARD,
    STATS_PATH,
    TASKS_PATH,
    WRITER_LOCK_PATH,
    Features,
)
from drive.dataset.reader import DatasetInfo


def refuse_foreign_files(root: Path) -> None:
    """Refuse a directory that holds anything but a dataset, or a dataset that has lost its `info.json`."""
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: name another directory for the dataset.")
    if not root.is_dir() or (root / INFO_PATH).exists():
        return
    # what a kill before the first info.json leaves
    begun = {DRIVE_PATH, STATS_PATH, TASKS_PATH, WRITER_LOCK_PATH, EDITS_LOCK_PATH}
    for path in sorted(root.rglob("*")):
        if not path.is_file() or _inside(root, path) in begun:
            continue
        if path.name.endswith((PART, JOURNAL_SUFFIX, ASIDE_SUFFIX)):
            continue
        if (root / DRIVE_PATH).exists():
            raise UserError(f"{root / INFO_PATH} is missing: restore it, or name another directory.")
        raise UserError(
            f"{root} holds other things ({_inside(root, path)}) and no dataset: "
            "name an empty or a new directory."
        )


def take_lock(root: Path) -> FileLock:
    """Keep other writers out until the lock is released, or this process ends in whatever way.

    Raises:
        UserError: another process writes this dataset.
    """
    lock = try_lock(root / WRITER_LOCK_PATH)
    if lock is None:
        raise UserError(
            f"{root} is being written by another process: wait for it, or name another directory."
        )
    return lock


def common_features(info: DatasetInfo, features: Features) -> Features:
    """A recording's features in this dataset: one that an older version began goes on without rewards."""
    without = {name: feature for name, feature in features.items() if name != REWARD}
    return info.features if info.features == without else features


def refuse_other_kind(
    info: DatasetInfo, camera: Camera, fps: int, features: Features, calibrated: bool = True
) -> None:
    """Refuse to append frames of another camera, rate or set of features, naming both values."""
    if info.former:
        raise UserError(
            f"{info.root} has the layout of an older version, which can be read and not added to: "
            f"`drive data merge NEW {info.root}` writes it anew."
        )
    ours, theirs = asdict(camera), asdict(info.camera)
    for name, value in theirs.items():
        if ours[name] != value:
            raise UserError(
                f"{info.root} was recorded with camera {name} {value}, this recording has {ours[name]}: "
                "take the same camera or another directory."
            )
    if info.calibrated != calibrated:
        has, now = ("a known", "an assumed") if info.calibrated else ("an assumed", "a known")
        raise UserError(
            f"{info.root} has {has} camera calibration, this recording {now} one: name another directory."
        )
    if info.fps != fps:
        raise UserError(
            f"{info.root} has {info.fps} frames a second, this recording {fps}: "
            "take the same rate (--every) or another directory."
        )
    if info.features != features:
        differing = sorted(
            name for name in {*info.features, *features} if info.features.get(name) != features.get(name)
        )
        raise UserError(
            f"{info.root} has other features than this recording ({', '.join(differing)} differ): "
            "name another directory."
        )


def remove_leftovers(root: Path) -> None:
    """Delete the half-written files of a killed recording; a change of edits may be going on, leave that."""
    for path in [*root.glob("data/*/*"), *root.glob("views/*/*"), *root.glob("meta/**/*")]:
        if path.suffix == PART and path.stem != Path(EDITS_PATH).name:
            path.unlink()


def remove_orphans(info: DatasetInfo) -> None:
    """Delete the views, the data file or the row that a kill between two renames left."""
    extra = orphans(info)
    for folder in ("data", "meta", "views"):
        inside = [path for path in extra if _inside(info.root, path).startswith(f"{folder}/")]
        if len(inside) > 1:  # a kill leaves one at most: do not delete what a kill cannot have left
            raise UserError(
                f"{info.root}: {len(inside)} files ({inside[0].name} to {inside[-1].name} in {folder}) "
                f"belong to no episode of {INFO_PATH}: restore {INFO_PATH}, or move them away."
            )
    for path in extra:
        path.unlink()


def remove_empty(root: Path, made_root: bool) -> None:
    """Delete a dataset that holds no episode, with its directory if that was made for it.

    Whoever calls it has released the lock: an open file cannot be deleted everywhere.
    """
    for name in (INFO_PATH, DRIVE_PATH, STATS_PATH, TASKS_PATH, WRITER_LOCK_PATH):
        (root / name).unlink(missing_ok=True)
    empty = [
        "data/chunk-000",
        "data",
        "views/chunk-000",
        "views",
        "meta/episodes/chunk-000",
        "meta/episodes",
        "meta",
    ]
    for folder in [root / name for name in empty] + ([root] if made_root else []):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _inside(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
