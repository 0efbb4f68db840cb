"""What an evaluation's results are of: `config.json`."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from drive.core.errors import UserError
from drive.core.machine import program_key, simulator_key
from drive.driving.agents import camera_remarks, is_policy_file, split_spec
from drive.evaluation.plan import Plan
from drive.evaluation.results import CONFIG, REPORT, SUMMARY, TIMING, read_json

# Settings that change no figure.
_FREE = {"out", "workers", "memory_gb"}


def identity(settings: Mapping[str, Any], plan: Plan, privileged: Mapping[str, bool]) -> dict[str, Any]:
    """`config.json`: what was asked for, the simulator, the camera, the plan, and what policy files contain.

    Args:
        settings: of the command, as plain values.
        plan: what is driven.
        privileged: which agents see the simulator's truth; empty where that is not known yet.
    """
    sources = {name: split_spec(spec)[1] for name, spec in (plan.shadows | plan.agents).items()}
    junctions = sum(ref.through_junction for ref in plan.scenarios)
    return {
        **settings,
        "simulator": simulator_key(),
        "program": program_key(),
        "camera": plan.camera.to_json(),
        "camera_remarks": camera_remarks(plan.shadows | plan.agents, plan.camera, plan.adapt),
        "policies": {
            name: sha256(Path(source).read_bytes()).hexdigest()
            for name, source in sources.items()
            if is_policy_file(source)
        },
        "plan": {
            "episodes": len(plan.scenarios) - junctions,
            "junction_episodes": junctions,
            "shadows": {name: sources[name] for name in plan.shadows},
            "agents": {
                name: {
                    "source": sources[name],
                    "privileged": privileged.get(name),
                    "training_pictures": _training_pictures(sources[name]),
                }
                for name in plan.agents
            },
        },
    }


def holds_results_of(out: Path, settings: Mapping[str, Any], plan: Plan) -> bool:
    """Whether a folder holds complete results of just this: agents, policies, settings and sources."""
    if not all((out / name).is_file() for name in (CONFIG, SUMMARY, TIMING, REPORT)):
        return False
    try:
        stored = read_json(out, CONFIG)
    except UserError:
        return False
    wanted = json.loads(json.dumps(identity(settings, plan, {})))
    return all(stored.get(key) == wanted[key] for key in wanted.keys() - _FREE - {"plan"})


def _training_pictures(source: str) -> int | None:
    """How many labelled pictures a policy was trained on, where the JSON beside it says."""
    if not is_policy_file(source):
        return None
    from drive.models.policy import read_description

    description = read_description(source)
    pictures = description.values.get("pictures") if description else None
    return int(pictures) if isinstance(pictures, int) else None
