"""`drive demo`: the main job in minutes, from recording to a report of which way of driving is better."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drive.core.errors import UserError
from drive.core.files import refuse_other_things

PARTS = ("data", "pilotnet", "evaluation")  # of the folder `out`
CORNERS_S = 30.0  # of a drive from corner to corner [s]
NOT_OF_THE_POLICY = {"data", "out", "device", "mixed_precision", "keep_cache"}  # settings of a training


@dataclass(frozen=True)
class DemoConfig:
    """Record the expert, train PilotNet, export it, and score it against the modular stack."""

    out: Path = Path("runs/demo")
    """Folder of everything that is made; a finished step found there is not repeated."""
    recordings: int = 150
    """Expert drives to record, at 4 frames a second: many roads teach more than many frames of one."""
    corners: int = 110
    """Expert drives of half a minute besides, on town streets from corner to corner: tight bends are rare on
    the other roads, and a learner that saw few of them cuts or leaves them."""
    episodes: int = 30
    """Scenarios of the suite `lane` to score on."""
    epochs: int = 3
    """Times that training goes through the recordings."""
    max_duration_s: float | None = None
    """Stop each recorded drive after this many seconds; by default those on corners after 30, and the others
    at their goal."""
    workers: int | None = None
    """Processes; by default all cores."""

    def __post_init__(self) -> None:
        for name, least, why in (
            ("recordings", 2, ": one to learn from and one to choose the best weights"),
            ("corners", 0, ""),
            ("episodes", 1, ""),
            ("epochs", 1, ""),
            ("max_duration_s", 1.0, ""),
            ("workers", 1, ""),
        ):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UserError(f"--{name.replace('_', '-')} is {value}; take {least:g} or more{why}.")


def main(config: DemoConfig) -> None:
    """Run the whole line and say where the report lies.

    Raises:
        UserError: bad input, or `out` holds other things.
    """
    import time

    from rich.console import Console
    from rich.markup import escape

    from drive import evaluate, record, train
    from drive.evaluation.printing import print_earlier
    from drive.models.training.run_folder import of_this_network

    refuse_other_things(config.out, "give --out a new or empty folder", frozenset(PARTS))
    console = Console()
    start = time.perf_counter()

    def step(number: int, what: str) -> None:
        console.rule(f"{number}/3 {what} [dim]({time.perf_counter() - start:.0f} s so far)[/dim]")

    data, learned, scores = (config.out / name for name in PARTS)
    policy = learned / "policy.onnx"
    step(1, "recording the expert")
    there, corners_there = _recorded(data)
    roads, corners = config.recordings - there, config.corners - corners_there
    limit = config.max_duration_s
    if max(roads, corners) <= 0:
        console.print(f"{there + corners_there} drives are there already.")
    else:
        _forget(learned)  # it learned from less
    if roads > 0:
        record.main(
            record.RecordConfig(data, episodes=roads, every=5, max_duration_s=limit, workers=config.workers)
        )
    if corners > 0:
        record.main(
            record.RecordConfig(
                data,
                episodes=corners,
                roads="corners",
                every=5,
                max_duration_s=CORNERS_S if limit is None else min(limit, CORNERS_S),
                workers=config.workers,
            )
        )
    step(2, "training PilotNet on what was recorded")
    training = train.TrainConfig(data=(data,), out=learned, epochs=config.epochs)
    if _learned(policy, data, asdict(training)):
        console.print("The network is there already.")
    else:
        if policy.exists() or not of_this_network(learned):
            _forget(learned)  # finished, on other recordings or with other settings; or of another version
        train.main(training)
    step(3, f"driving {config.episodes} unseen roads")
    scoring = evaluate.EvaluateConfig(
        agent=("expert", f"pilotnet={policy}", "modular", "straight"),
        shadow=("modular",),
        suite="lane",
        episodes=config.episodes,
        workers=config.workers,
        out=scores,
    )
    if evaluate.finished(scoring):
        console.print("These drives were scored already:")
        print_earlier(scores)
    else:
        evaluate.main(scoring)
    console.rule(f"done in {(time.perf_counter() - start) / 60.0:.1f} min")
    for line in (
        "Next, try:",
        f"  drive evaluate --agent pilotnet={policy} --episodes 100 --out runs/more   more roads",
        f"  drive evaluate --agent pilotnet={policy} --map YOUR.xodr --out runs/map    your own map",
        "  drive evaluate --agent your_module:make_agent --out runs/yours             your own agent",
    ):
        console.print(escape(line), soft_wrap=True)


def _recorded(data: Path) -> tuple[int, int]:
    """How many drives an earlier, perhaps interrupted, demo has recorded, and how many on corners besides."""
    if not (data / "meta" / "info.json").exists():
        return 0, 0
    from drive.dataset import read_info
    from drive.sim.maps.styles import generated_map

    info = read_info(data)
    maps = [info.map_of(row.index) for row in info.episodes]
    corners = maps.count(generated_map("corners"))
    return len(maps) - corners, corners


def _learned(policy: Path, data: Path, wanted: dict[str, Any]) -> bool:
    """Whether a finished policy was trained on just these recordings with these settings."""
    if not policy.is_file():
        return False
    from drive.dataset import read_info
    from drive.models.policy import read_description

    description, info = read_description(policy), read_info(data)
    if description is None or description.training_seeds != info.seeds:
        return False
    learned = [entry.get("frames") for entry in description.values.get("datasets", ())]
    settings = description.values.get("settings", {})
    same = all(settings.get(name) == wanted[name] for name in wanted.keys() - NOT_OF_THE_POLICY)
    return learned == [info.total_frames] and same


def _forget(learned: Path) -> None:
    """Remove an earlier training run, finished or not."""
    import shutil

    if (learned / "train.json").is_file():
        shutil.rmtree(learned)
