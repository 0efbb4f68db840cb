"""Short films of drives, made by driving stored actions again: the camera, and the road from above."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.driving.drive import Drive, Observer
from drive.driving.parts import Step
from drive.episode import End

FPS = 20
HEIGHT_PX = 320
SECONDS = 8.0  # of a drive
HOLD_FRAMES = 16  # the last picture stays this long

DRIVER_RGB = (90, 170, 255)
SHADOW_RGB = ((240, 140, 50), (190, 110, 220), (70, 190, 130))


@dataclass(frozen=True, eq=False)
class FilmOrder:
    """What to film of one drive."""

    agent: str
    steering: NDArray[np.float64]  # (T,) stored actions
    acceleration: NDArray[np.float64] | None  # (T,); NaN or None: left to the speed law
    shadows: Mapping[str, NDArray[np.float32]]  # (T,) by name
    first_step: int
    last_step: int
    ending: str  # what the last picture says; empty where the film ends before the drive does


@dataclass(frozen=True, eq=False)
class Film:
    """A finished film."""

    row: dict[str, Any]  # the drive's line of episodes.jsonl
    order: FilmOrder
    webm: bytes


def choose(drives: Sequence[Any], agents: Sequence[str], count: int) -> list[tuple[Any, FilmOrder]]:
    """Each agent's worst drives: failures that came soonest first, then the largest lateral offset.

    Of a failed drive the last 8 s are shown, of a successful one the 8 s around its largest offset.
    """

    def badness(drive: Any) -> tuple[float, float, float]:
        row = drive.row
        return (row["success"], row["route_completion"] or 0.0, -(row["lateral_offset_max_m"] or 0.0))

    chosen = []
    for agent in agents:
        own = [drive for drive in drives if drive.row["agent"] == agent and len(drive.steering) > 0]
        chosen += [(drive, _order(drive)) for drive in sorted(own, key=badness)[:count]]
    return chosen


def _order(drive: Any) -> FilmOrder:
    row, steps = drive.row, len(drive.steering)
    length = round(SECONDS * FPS)
    middle = int(np.argmax(np.abs(drive.trace["lateral_offset"])))
    last = min(middle + length // 2, steps) if row["success"] else steps
    return FilmOrder(
        agent=row["agent"],
        steering=drive.steering,
        acceleration=drive.acceleration,
        shadows=drive.shadow_steering,
        first_step=max(last - length, 0),
        last_step=last,
        ending="" if row["success"] else End.read(row["outcome"]).label,
    )


def make_film(env: Any, scenario: Any, order: FilmOrder) -> bytes:
    """Drive the stored actions again and film the ordered part as WebM (VP9).

    Raises:
        RuntimeError: the environment failed.
    """
    from drive.driving.rollout import ReplayAgent, rollout

    board = _Board(env, scenario, order)
    shots = _Shots(board, order)
    driver = ReplayAgent(order.steering, order.acceleration)
    episode = rollout(env, driver, scenario, observers=[shots], frames=False)
    if episode.error is not None:
        raise RuntimeError(episode.error)
    if order.ending:
        last = board.draw(env.unwrapped.world.render()[0], len(order.steering) - 1, order.ending)
        shots.pictures.extend([last] * HOLD_FRAMES)
    return encode(shots.pictures)


class _Shots(Observer):
    """Takes the pictures of the ordered part; nothing is drawn before and after it."""

    def __init__(self, board: "_Board", order: FilmOrder) -> None:
        self._board, self._order = board, order
        self.pictures: list[NDArray[np.uint8]] = []

    def looks(self, drive: Drive) -> bool:
        return self._order.first_step <= drive.step < self._order.last_step

    def decided(self, drive: Drive, step: Step) -> None:
        if self.looks(drive):
            self.pictures.append(self._board.draw(step.observation["camera"], step.index))


class _Board:
    """Lays out one picture of a film: camera with steering on the left, the road from above on the right."""

    def __init__(self, env: Any, scenario: Any, order: FilmOrder) -> None:
        self._world = env.unwrapped.world
        self._camera = next(iter(self._world.cameras.values()))
        self._scenario, self._order = scenario, order
        self._overview: Any = None

    def draw(self, frame: NDArray[np.uint8], step: int, ending: str = "") -> NDArray[np.uint8]:
        import cv2

        from drive.sim.overview import Overview

        if self._overview is None:
            self._overview = Overview(self._scenario)
        width = round(HEIGHT_PX * frame.shape[1] / frame.shape[0] / 2) * 2
        view: NDArray[Any] = cv2.resize(frame, (width, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
        order = self._order
        ways = [(order.agent, float(order.steering[step]), DRIVER_RGB)]
        for i, (name, heard) in enumerate(order.shadows.items()):
            if np.isfinite(heard[step]):
                ways.append((name, float(heard[step]), SHADOW_RGB[i % len(SHADOW_RGB)]))
        for name, steering, color in reversed(ways):
            del name
            self._draw_way(view, steering, color, width / frame.shape[1])
        self._draw_gauge(view, ways)
        ego = self._world.egos[0]
        line = f"{step / FPS:5.1f} s   {3.6 * ego['speed']:3.0f} km/h   offset {ego['lateral_offset']:+.2f} m"
        _darken(view, HEIGHT_PX - 28, HEIGHT_PX)
        _text(view, line, (8, HEIGHT_PX - 9))
        if ending:
            top = HEIGHT_PX // 2 - 24
            _darken(view, top, top + 48)
            _text(view, ending.upper(), (width // 2 - 12 * len(ending), top + 34), (255, 120, 96), 1.1)
        above = self._overview.draw(self._world, 0, HEIGHT_PX)
        return np.concatenate([view, above], axis=1)

    def _draw_way(self, view: NDArray[Any], steering: float, color: tuple, scale: float) -> None:
        """The arc that this steering leads along, on the ground: curvature = tan(angle) / wheelbase."""
        import cv2

        context = self._world.context(0)
        curvature = np.tan(steering * context.max_steering_angle) / context.wheelbase
        length = np.linspace(5.0, 26.0, 24)
        turned = np.clip(curvature * length, -1.4, 1.4)
        safe = curvature if abs(curvature) > 1e-6 else 1e-6
        x, y = np.sin(turned) / safe, (1.0 - np.cos(turned)) / safe
        if abs(curvature) <= 1e-6:
            x, y = length, np.zeros_like(length)
        points = scale * self._camera.project(np.stack([x, y, np.zeros_like(x)], axis=-1))
        near = np.all(abs(points) < 4.0 * view.shape[1], axis=-1)  # NaN behind the camera
        pixels = (8.0 * points[near]).round().astype(np.int32)
        if len(pixels) > 1:
            cv2.polylines(view, [pixels], False, color, 3, cv2.LINE_AA, shift=3)

    def _draw_gauge(self, view: NDArray[Any], ways: Sequence[tuple[str, float, tuple]]) -> None:
        """Names, and steering as marks on a scale: left is left, the ends are a third of full steering."""
        import cv2

        half, center = 90, view.shape[1] - 108
        _darken(view, 0, 14 + 20 * len(ways))
        for i, (name, steering, color) in enumerate(ways):
            y = 20 + 20 * i
            _text(view, f"{'driver' if i == 0 else 'shadow'} {name[:24]}", (8, y + 5), color)
            cv2.line(view, (center - half, y), (center + half, y), (150, 150, 150), 1, cv2.LINE_AA)
            cv2.line(view, (center, y - 5), (center, y + 5), (150, 150, 150), 1, cv2.LINE_AA)
            mark = round(center - half * float(np.clip(3.0 * steering, -1.0, 1.0)))
            cv2.circle(view, (mark, y), 6, color, -1, cv2.LINE_AA)


def _darken(view: NDArray[Any], top: int, bottom: int) -> None:
    view[top:bottom] = view[top:bottom] // 3


def _text(
    view: NDArray[Any],
    line: str,
    at: tuple[int, int],
    color: tuple[int, int, int] = (255, 255, 255),
    size: float = 0.5,
) -> None:
    import cv2

    cv2.putText(view, line, at, cv2.FONT_HERSHEY_SIMPLEX, size, color, 1, cv2.LINE_AA)


def encode(pictures: Sequence[NDArray[np.uint8]], fps: int = FPS) -> bytes:
    """WebM (VP9) of (H, W, 3) RGB pictures of even size."""
    from imageio_ffmpeg import write_frames

    height, width = pictures[0].shape[:2]
    quick = ["-crf", "40", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "6", "-threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.webm"
        writer = write_frames(
            str(path),
            (width, height),
            fps=fps,
            codec="libvpx-vp9",
            quality=None,
            macro_block_size=2,
            output_params=quick,
            ffmpeg_log_level="error",
        )
        writer.send(None)
        for picture in pictures:
            writer.send(np.ascontiguousarray(picture))
        writer.close()
        return path.read_bytes()
