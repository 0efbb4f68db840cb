"""`drive demo`: the main job in minutes, from recording to a report of which way of driving is better."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoConfig:
    """Record the expert, train PilotNet, export it, and score it against the modular stack."""

    out: Path = Path("runs/demo")
    """Folder of everything that is made; a finished step found there is not repeated."""
    recordings: int = 26
    """Expert drives to record."""
    episodes: int = 30
    """Scenarios of the suite `lane` to score on."""
    workers: int | None = None
    """Processes; by default all cores."""


def _recorded(data: Path) -> int:
    """How many drives an earlier, perhaps interrupted, demo has recorded."""
    if not (data / "meta" / "info.json").exists():
        return 0
    from drive.dataset import read_info

    return int(read_info(data).total_episodes)


def main(config: DemoConfig) -> None:
    """Run the whole line and say where the report lies."""
    import time

    from rich.console import Console

    from drive import evaluate, record, train
    from drive.errors import UserError

    if config.out.exists() and not config.out.is_dir():
        raise UserError(f"{config.out} is a file; give --out a folder.")
    console = Console()
    start = time.perf_counter()

    def step(number: int, what: str) -> None:
        console.rule(f"{number}/3 {what} [dim]({time.perf_counter() - start:.0f} s so far)[/dim]")

    data, learned, scores = config.out / "data", config.out / "pilotnet", config.out / "evaluation"
    policy = learned / "policy.onnx"
    step(1, "recording the expert")
    recorded = _recorded(data)
    if recorded < config.recordings:
        record.main(record.RecordConfig(data, episodes=config.recordings - recorded, workers=config.workers))
    step(2, "training PilotNet on what was recorded")
    if not policy.exists():
        train.main(train.TrainConfig(data=(data,), out=learned))
    step(3, f"driving {config.episodes} unseen roads")
    if not (scores / "summary.json").exists():
        evaluate.main(
            evaluate.EvaluateConfig(
                agent=("expert", f"pilotnet={policy}", "modular", "straight"),
                shadow=("modular",),
                suite="lane",
                episodes=config.episodes,
                workers=config.workers,
                out=scores,
            )
        )
    console.rule(f"done in {(time.perf_counter() - start) / 60.0:.1f} min")
    console.print(f"The report: [bold]{scores / 'report.html'}[/bold] (one file, opens in any browser)")
    console.print("Next, try:")
    console.print(f"  drive evaluate --agent pilotnet={policy} --episodes 100 --out runs/more   more roads")
    console.print(
        f"  drive evaluate --agent pilotnet={policy} --map YOUR.xodr --out runs/map    your own map"
    )
    console.print(
        "  drive evaluate --agent your_module:make_agent --out runs/yours             your own agent"
    )
