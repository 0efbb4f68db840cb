"""`drive data rerender`: the same drives once more, in other weathers and on other roads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from drive.agent import DT
from drive.core.errors import UserError, plural
from drive.core.machine import cores

if TYPE_CHECKING:
    from drive.dataset import DatasetInfo
    from drive.driving.rerender import Piece, Rerendered, RerenderSettings

FPS = round(1.0 / DT)  # of the simulator


@dataclass(frozen=True)
class DataRerenderConfig:
    """Picture recorded drives again: one drive, many weathers and roads.

    Each drive is driven again in the simulator from its stored actions and pictured in another training
    weather, with other colours, textures, paint, wear and scenery, and with other shifted views. Kept are the
    driven lane (its bends, width and speed limit), the traffic on it, and what the car did. On generated
    roads, all variants but the first of every four put other lanes around the driven one, with traffic of
    their own: one-way or not, more or fewer, parked cars, pavement, shoulder or median. Two of these three
    are mirrored, and so are their steering, offsets and yaw rates. In the first of every four variants, on
    OpenDRIVE maps, and where no other lanes fit between the bends or the traffic on them would be in the way,
    all lanes and all traffic stay. `action` stays the driver's; the expert steers each frame and each view
    anew. A few minutes at the wheel teach more this way: drive data rerender DIR OUT, then drive train OUT
    --labels expert. What training leaves out (crashes, excluded frames) is left out here too.
    """

    dir: tyro.conf.Positional[Path]
    """The dataset; recorded in the simulator at 20 frames a second."""
    out: tyro.conf.Positional[Path]
    """Directory of the new dataset."""
    variants: Annotated[int, tyro.conf.arg(aliases=["--looks"])] = 16
    """How often each drive is pictured."""
    every: int = 4
    """Keep each n-th frame: neighbours differ little, variants differ much."""
    layouts: bool = True
    """Put other lanes around the driven one and mirror, on generated roads; --no-layouts keeps all lanes."""
    seed: int = 0
    """Chooses the variants and the views."""
    map: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    """OpenDRIVE file that drives were recorded on; repeat the flag for several. Generated roads need none."""
    jpeg_quality: int = 90
    """Quality of the pictures, 1 to 100."""
    view_lateral_m: float = 1.0
    """Largest shift of the second picture of each frame; with --view-yaw-deg 0 too there is none."""
    view_yaw_deg: float = 12.0
    """Largest turn of the second picture of each frame."""
    workers: int | None = None
    """Processes; by default one for each core. The result does not depend on it."""

    def __post_init__(self) -> None:
        def expect(good: bool, field: str, remedy: str) -> None:
            if not good:
                raise UserError(f"--{field.replace('_', '-')} is {getattr(self, field)}; {remedy}.")

        expect(1 <= self.variants <= 1000, "variants", "take 1 to 1000")
        expect(
            1 <= self.every <= FPS and FPS % self.every == 0,
            "every",
            "take 1, 2, 4, 5, 10 or 20, so that the frame rate is whole",
        )
        expect(self.seed >= 0, "seed", "take 0 or more")
        expect(1 <= self.jpeg_quality <= 100, "jpeg_quality", "take 1 to 100")
        expect(0.0 <= self.view_lateral_m <= 3.0, "view_lateral_m", "take 0 to 3 m")
        expect(0.0 <= self.view_yaw_deg <= 30.0, "view_yaw_deg", "take 0 to 30 degrees")
        expect(self.workers is None or self.workers >= 1, "workers", "take 1 or more")

    def settings(self) -> "RerenderSettings":
        """What is pictured of each drive."""
        from drive.driving.demonstrations import DriveSettings
        from drive.driving.rerender import RerenderSettings
        from drive.sim.scenario import load_map

        return RerenderSettings(
            DriveSettings(
                every=self.every,
                jpeg_quality=self.jpeg_quality,
                view_lateral_m=self.view_lateral_m,
                view_yaw_deg=self.view_yaw_deg,
            ),
            seed=self.seed,
            maps=tuple((load_map(str(path)).name, str(path)) for path in self.map),
            layouts=self.layouts,
        )

    def to_json(self) -> dict[str, Any]:
        """The settings that made the frames, as plain values."""
        return {
            "rerendered": self.dir.name,
            "variants": self.variants,
            "every": self.every,
            "layouts": self.layouts,
            "seed": self.seed,
            "view_lateral_m": self.view_lateral_m,
            "view_yaw_deg": self.view_yaw_deg,
            "jpeg_quality": self.jpeg_quality,
        }


def main(config: DataRerenderConfig) -> None:
    """Picture the drives again, and say what was made and what could not be driven again.

    Raises:
        UserError: the dataset, a map or the new directory will not do, nothing can be driven again, or the
            disk is full.
        KeyboardInterrupt: stopped by Ctrl-C; the whole episodes are kept.
    """
    from drive.core.files import refuse_other_things
    from drive.dataset import read_info
    from drive.driving.rerender import unfit
    from drive.driving.warmup import compile_with_message

    info = read_info(config.dir)
    if (why := unfit(info)) is not None:
        raise UserError(f"{config.dir} cannot be driven again: {why}.")
    refuse_other_things(config.out, "name a new or empty directory")
    settings = config.settings()
    pieces = _pieces(info, config.variants, [name for name, _ in settings.maps])
    compile_with_message()
    _rerender(config, info, settings, pieces)


def _pieces(info: "DatasetInfo", variants: int, known_maps: Sequence[str]) -> dict[str, list["Piece"]]:
    """What is pictured, by map: variant after variant of each stretch that training learns from.

    Raises:
        UserError: nothing is left to learn from, or a map's file was not named.
    """
    from drive.dataset.copying import learned_pieces
    from drive.driving.rerender import Piece
    from drive.sim.maps.styles import GENERATED_MAPS

    pieces: dict[str, list[Piece]] = {}
    for found in learned_pieces(info):
        if info.episodes[found.episode].seed is None:
            continue
        name = info.map_of(found.episode)
        if name not in GENERATED_MAPS and name not in known_maps:
            raise UserError(
                f"{info.root}: episode {found.episode} was driven on {name}; give --map its file."
            )
        every = [Piece(found.episode, *found.frames, variant) for variant in range(variants)]
        pieces.setdefault(name, []).extend(every)
    if not pieces:
        raise UserError(
            f"{info.root}: no frame of a drive in the simulator is left to learn from; `drive data info` "
            "says why."
        )
    return pieces


def _rerender(
    config: DataRerenderConfig,
    info: "DatasetInfo",
    settings: "RerenderSettings",
    pieces: dict[str, list["Piece"]],
) -> None:
    from collections import deque
    from functools import partial
    from time import perf_counter

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from drive.core.pool import WorkerPool
    from drive.dataset import DatasetWriter, hand_features, lane_features
    from drive.dataset.layout import REWARD
    from drive.driving.rerender import Rerenderer

    views, by_hand = settings.pictures.views, "expert.action" in info.features
    features = (hand_features if by_hand else lane_features)(info.camera, views=views)
    if REWARD not in info.features:
        del features[REWARD]
    total = sum(len(found) for found in pieces.values())
    workers = min(config.workers or cores(), total)
    console, started = Console(), perf_counter()
    columns = (
        TextColumn("rendering again"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("drives, {task.fields[frames]:,} frames"),
        TimeRemainingColumn(),
    )
    episodes = frames = lost = kept_lanes = 0
    lost_from: set[int] = set()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=total, frames=0)

        def report(count: int) -> None:
            progress.update(bar, frames=progress.tasks[bar].fields["frames"] + count)

        with WorkerPool(partial(Rerenderer, config.dir, settings), workers, report=report) as pool:
            for map_name, wanted in pieces.items():
                with DatasetWriter(
                    config.out,
                    fps=FPS // config.every,
                    camera=info.camera,
                    driver="person" if by_hand else "expert",
                    map_name=map_name,
                    config=config.to_json() | _drives_of(info),
                    features=features,
                ) as writer:
                    waiting, asked = iter(wanted), deque[int]()
                    for _ in wanted:
                        while len(asked) < 2 * workers and (piece := next(waiting, None)) is not None:
                            asked.append(pool.submit(piece))
                        found: Rerendered = pool.take(asked.popleft()).unwrap()
                        if found.lost:
                            lost += found.lost
                            lost_from.add(found.piece.episode)
                        if found.columns:
                            kept_lanes += found.kept_lanes
                            _add(writer, info, found)
                            episodes += 1
                        progress.advance(bar)
                    frames = writer.total_frames
    print_line = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    if lost:
        print_line(
            f"Not driven again: {lost // config.variants:,} frames at the end of episode {_first(lost_from)},"
            " where the car came to be elsewhere than when it was recorded: the recording began in the "
            "middle of a drive, or another version of drive made it."
        )
    if kept_lanes:
        print_line(
            f"Without other lanes: {kept_lanes:,} variants, because none fit between the bends or the "
            "traffic on them would have been in the way."
        )
    if not episodes:
        raise UserError(f"{config.dir}: no drive could be driven again.")
    seconds = perf_counter() - started
    pictures = frames * (2 if views else 1)
    print_line(
        f"{config.out}: {plural(episodes, 'episode')}, {frames:,} frames ({pictures:,} pictures) "
        f"in {seconds:.0f} s."
        f"\nNext: drive train {config.out}{' --labels expert' if by_hand else ''}"
    )


def _drives_of(info: "DatasetInfo") -> dict[str, Any]:
    """What the recordings say of how they were driven, where they agree: it takes the same to drive again."""
    configs = [recording["config"] for recording in info.recordings]
    names = ("longitudinal", "pedals", "traffic")
    return {
        name: configs[0][name]
        for name in names
        if configs and all(name in one and one[name] == configs[0].get(name) for one in configs)
    }


def _add(writer: Any, info: "DatasetInfo", found: "Rerendered") -> None:
    """Write one drive rendered again as an episode."""
    row = info.episodes[found.piece.episode]
    whole = found.piece.stop == row.length and not found.lost
    writer.add_episode(
        found.columns,
        seed=row.seed,
        scenario=f"{row.scenario}/variant/{found.piece.variant}{'/mirrored' if found.mirrored else ''}",
        weather=found.weather,
        task=row.tasks[0],
        ended=row.ended if whole else "stopped",
        driver=row.driver,
        person=row.person,
        note=row.note,
        image_stats=found.image_stats,
    )


def _first(episodes: set[int]) -> str:
    """The numbers of a few episodes."""
    numbers = sorted(episodes)
    return ", ".join(str(number) for number in numbers[:8]) + (", ..." if len(numbers) > 8 else "")
