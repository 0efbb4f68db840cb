"""Results of an evaluation: what they are of, whether a run would only repeat them, and their table."""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drive.core.errors import UserError
from drive.core.machine import program_key, simulator_key

if TYPE_CHECKING:
    from drive.evaluate import EvaluateConfig
    from drive.evaluation.runner import Plan


def identity(config: "EvaluateConfig", plan: "Plan") -> dict[str, Any]:
    """`config.json`: what was asked for, the simulator, the camera, and what policy files contain."""
    from drive.driving.agents import is_policy_file, split_spec

    sources = {name: split_spec(spec)[1] for name, spec in (plan.shadows | plan.agents).items()}
    return {
        **asdict(config),
        "map": str(config.map.resolve()) if config.map else None,
        "out": str(config.out),
        "simulator": simulator_key(),
        "program": program_key(),
        "camera": plan.camera.to_json(),
        "policies": {
            name: sha256(Path(source).read_bytes()).hexdigest()
            for name, source in sources.items()
            if is_policy_file(source)
        },
    }


def finished(config: "EvaluateConfig") -> bool:
    """Whether --out holds complete results of just this: agents, policies, settings and sources.

    Raises:
        UserError: bad input, as for `drive.evaluate.main`.
    """
    from drive.evaluation.plan import make_plan
    from drive.evaluation.results import CONFIG, REPORT, SUMMARY, TIMING, read_json

    if not all((config.out / name).is_file() for name in (CONFIG, SUMMARY, TIMING, REPORT)):
        return False
    try:
        stored = read_json(config.out, CONFIG)
    except UserError:
        return False
    wanted = json.loads(json.dumps(identity(config, make_plan(config)[0])))
    return all(stored.get(key) == wanted[key] for key in wanted.keys() - {"out", "workers"})


def show(out: Path) -> None:
    """Print the table of earlier results.

    Raises:
        UserError: they are missing or damaged.
    """
    from rich.console import Console

    from drive.evaluation.results import SUMMARY, TIMING, read_json

    tell(Console(), out, read_json(out, SUMMARY), read_json(out, TIMING))


def tell(console: Any, out: Path, summary: dict[str, Any], timing: dict[str, Any]) -> None:
    """Print the table, the headline and where the report lies, to a rich console."""
    from rich.markup import escape

    from drive.evaluation.table import print_table
    from drive.evaluation.words import headline

    print_table(console, summary, timing)
    console.print(f"[bold]{escape(headline(summary))}[/bold]")
    report = escape(str(out / "report.html"))
    console.print(f"The report, one file for any browser: [bold]{report}[/bold]", soft_wrap=True)
