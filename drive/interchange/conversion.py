"""From another program's log to a dataset."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import MAX_STEERING_ANGLE
from drive.camera import Camera
from drive.core.errors import UserError
from drive.core.machine import cores
from drive.dataset import FRONT_IMAGE, VIEW_IMAGE, DatasetWriter, Features, lane_features
from drive.interchange.calibration import camera_of
from drive.interchange.foreign import ForeignLog
from drive.interchange.import_settings import ImportSettings
from drive.interchange.pictures import Picture, read_picture, read_pictures
from drive.interchange.pieces import Piece, breaks, cut, frame_rate
from drive.interchange.units import OUR_FULL_LOCK_DEG, UDACITY_FULL_LOCK_DEG, steering_from_right

if TYPE_CHECKING:
    from rich.console import Console

SIDE_IMAGE = "observation.images.{side}"
PIECE_S = (10.0, 30.0)  # a log is cut into episodes of that length, and ten where it is long enough for them
TIME = "source.time_s"  # when the other program took the picture, by its own clock


@dataclass(frozen=True)
class Converted:
    """What came of it."""

    episodes: int
    frames: int
    fps: int
    notes: list[str]


def convert(log: ForeignLog, config: ImportSettings, folder: Path, console: "Console") -> Converted:
    """Write a log as a dataset into an empty folder.

    Raises:
        UserError: none of the pictures is whole, sizes differ, or the log has no usable clock.
    """
    from rich.progress import Progress

    fps, measured = frame_rate(log, config.gap_s, config.fps or log.sidecar.get("fps"))
    if config.side_steering_deg > 0.0 and not log.sides:
        raise UserError(f"{log.folder} has no left and right pictures: leave --side-steering-deg out.")
    first = next((p for p in map(read_picture, log.pictures) if not p.problem), None)
    if first is None:
        raise UserError(f"{log.folder}: none of its {len(log.pictures)} pictures is whole.")
    camera, assumed = camera_of(config, log, *first.size)
    full_lock = (
        config.max_steering_deg
        or log.sidecar.get("max_steering_deg")
        or (UDACITY_FULL_LOCK_DEG if log.program == "udacity" else OUR_FULL_LOCK_DEG)
    )
    features = _features(log, config, camera, views=bool(log.sides) and config.side_steering_deg > 0.0)
    labels = _labels(log, config, full_lock)
    notes = _notes(log, config, assumed, camera, labels, fps, measured)
    starts = breaks(log.time, log.sessions, config.gap_s)
    longest_s = config.max_episode_s
    if longest_s is None and not log.sidecar:  # training keeps whole episodes for validation
        longest_s = min(max(len(log.pictures) / fps / 10.0, PIECE_S[0]), PIECE_S[1])
    pieces = cut(starts, None if longest_s is None else max(1, round(longest_s * fps)))
    settings = {
        "program": log.program,
        "max_steering_deg": full_lock,
        "side_steering_deg": config.side_steering_deg,
        "measured_fps": measured,
        "assumed": assumed + ["speed_mps"] * (log.speed is None and config.speed_mps is not None),
        "acceleration": "their throttle minus brake, a share of the pedals' travel",
        "left_out": log.skipped.lines(),
    }
    with (
        DatasetWriter(
            folder,
            fps=fps,
            camera=camera,
            driver=str(log.sidecar.get("driver") or "person"),
            map_name=log.program,
            config=settings,
            features=features,
            calibrated=not assumed,
        ) as writer,
        ThreadPoolExecutor(cores()) as pool,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("reading pictures", total=len(log.pictures))
        for piece in pieces:
            columns = _columns(log, piece, features, labels, first, pool)
            if columns:
                writer.add_episode(
                    columns, seed=None, scenario=f"{log.program}/{log.sessions[piece[0]]}".rstrip("/")
                )
            progress.advance(bar, len(piece))
        if writer.total_episodes == 0:
            raise UserError(f"{log.folder}: no frame can be used: {'; '.join(log.skipped.lines())}.")
        return Converted(writer.total_episodes, writer.total_frames, fps, notes)


def _state(log: ForeignLog, config: ImportSettings) -> list[tuple[str, NDArray[np.float64]]]:
    """What the log measured, by name; a speed that it has not is missing rather than 0."""
    speed = log.speed
    if speed is None and config.speed_mps is not None:
        speed = np.full(len(log.pictures), config.speed_mps)
    found = (("speed_mps", speed), ("throttle", log.throttle), ("brake", log.brake))
    return [(name, values) for name, values in found if values is not None]


def _features(log: ForeignLog, config: ImportSettings, camera: Camera, *, views: bool) -> Features:
    """What such a log can fill: nothing that only a simulator knows."""
    features = lane_features(camera, views=views)
    for name in [
        name for name in features if name.startswith(("privileged.", "next.", "view.lateral", "view.yaw"))
    ]:
        del features[name]
    names = [name for name, _ in _state(log, config)]
    features["observation.state"] = {"dtype": "float32", "shape": [len(names)], "names": names}
    extra: Features = {SIDE_IMAGE.format(side=side): dict(features[FRONT_IMAGE]) for side in log.sides}
    if log.time is not None:
        extra[TIME] = {"dtype": "float64", "shape": [1], "names": None}
    return extra | features


def _labels(log: ForeignLog, config: ImportSettings, full_lock_deg: float) -> dict[str, NDArray[Any]]:
    """The columns that are numbers, for all frames of the log."""
    count = len(log.pictures)
    brake = np.zeros(count) if log.brake is None else log.brake
    steering = steering_from_right(log.steering, full_lock_deg).clip(-1.0, 1.0)
    action = np.stack([steering, np.clip(log.throttle - brake, -1.0, 1.0)], axis=1)
    state = _state(log, config)
    labels = {
        "observation.state": np.stack([values for _, values in state], axis=1) if state[1:] else state[0][1],
        "observation.command": np.zeros(count, np.int64),  # no navigation: follow the road
        "action": action,
        "executed.action": action,
    }
    if log.time is not None:
        labels[TIME] = log.time
    # From the left camera the car seems to stand too far left: the wheels must turn right, and the reverse.
    back = radians(config.side_steering_deg) / MAX_STEERING_ANGLE
    turn = np.where(np.arange(count) % 2 == 0, -back, back)
    labels["view.action"] = (steering + turn).clip(-1.0, 1.0)
    return labels


def _columns(
    log: ForeignLog,
    piece: Piece,
    features: Features,
    labels: dict[str, NDArray[Any]],
    first: Picture,
    pool: ThreadPoolExecutor,
) -> dict[str, Any]:
    """The columns of one drive without the frames whose pictures are damaged; empty where none is left."""
    paths = {FRONT_IMAGE: log.pictures} | {SIDE_IMAGE.format(side=s): p for s, p in log.sides.items()}
    read = {name: read_pictures([found[i] for i in piece], pool) for name, found in paths.items()}
    good = np.ones(len(piece), np.bool_)
    for name, pictures in read.items():
        for t, picture in enumerate(pictures):
            path = paths[name][piece[t]]
            if picture.problem:
                log.skipped.add(picture.problem, str(path))
                good[t] = False
            elif picture.size != first.size:
                raise UserError(
                    f"{path} has {picture.size[0]}x{picture.size[1]} pixels, the first picture "
                    f"{first.size[0]}x{first.size[1]}: import pictures of one size at a time."
                )
    if not good.any():
        return {}
    kept = np.flatnonzero(good)
    columns: dict[str, Any] = {name: [found[t].data for t in kept] for name, found in read.items()}
    if VIEW_IMAGE in features:
        sides = [columns[SIDE_IMAGE.format(side=side)] for side in ("left", "right")]
        columns[VIEW_IMAGE] = [sides[piece[t] % 2][k] for k, t in enumerate(kept)]
    else:
        labels = {name: values for name, values in labels.items() if name != "view.action"}
    return columns | {name: values[piece[kept]] for name, values in labels.items()}


def _notes(
    log: ForeignLog,
    config: ImportSettings,
    assumed: list[str],
    camera: Camera,
    labels: dict[str, NDArray[Any]],
    fps: int,
    measured: float | None,
) -> list[str]:
    """What a person should know of this import."""
    notes = []
    values = {
        "fov_deg": f"a field of view of {camera.fov_deg:g} degrees (--fov-deg)",
        "z": f"a height of {camera.z:g} m (--camera-height-m)",
        "pitch_deg": f"{camera.pitch_deg:g} degrees of pitch (--horizon-px)",
    }
    if assumed:
        notes.append(
            f"the log says nothing of the camera: assumed {', '.join(values[name] for name in assumed)}"
        )
    if log.program == "donkey" and not (config.max_steering_deg or log.sidecar.get("max_steering_deg")):
        notes.append(
            "the tub does not say how far the wheels turn: its full lock is taken as "
            f"{OUR_FULL_LOCK_DEG:.1f} degrees (--max-steering-deg)"
        )
    if log.speed is None:
        wrote = (
            f"{config.speed_mps:g} m/s is written down" if config.speed_mps is not None else "it is missing"
        )
        notes.append(f"the log has no speed: {wrote} (--speed-mps)")
    if measured is not None and abs(measured - fps) > 0.02 * fps:
        notes.append(f"the pictures came at {measured:.2f} Hz, whole rates alone can be stored: {fps}")
    beyond = int((np.abs(labels["action"][:, 0]) >= 1.0).sum())
    if beyond and OUR_FULL_LOCK_DEG < (config.max_steering_deg or 0.0):
        notes.append(f"{beyond} frames steer beyond {OUR_FULL_LOCK_DEG:.1f} degrees and are held there")
    if log.sides and config.side_steering_deg == 0.0:
        notes.append("left and right pictures are kept and not trained on (--side-steering-deg 5 does)")
    return notes
