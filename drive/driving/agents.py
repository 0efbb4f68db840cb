"""Agents by name: what `--agent` and `--driver` understand."""

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from drive.agent import Agent, Context, Control, Observation
from drive.camera import Camera
from drive.core.errors import UserError, described, nearest
from drive.scoring.roles import CEILING, FLOOR

_NAME = re.compile(r"[\w.+-]+\Z")
_FACTORY = re.compile(r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*(\.\w+)*\Z")


class Straight:
    """Holds the wheel straight, whatever comes: the floor under every score."""

    looks = False

    def reset(self, context: Context) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Control:
        """Steering 0."""
        return Control(0.0)


def _expert() -> Agent:
    from drive.sim.expert import Expert

    return Expert()


def _modular() -> Agent:
    from drive.modular.pipeline import ModularAgent

    return ModularAgent()


BUILT_IN: dict[str, Callable[[], Agent]] = {CEILING: _expert, "modular": _modular, FLOOR: Straight}


def split_spec(spec: str) -> tuple[str, str]:
    """The name and the source in `NAME=SOURCE`; without a name, one made from the source.

    A policy file is named by its stem, a factory by its last word.

    Raises:
        UserError: an empty name or source, or a name with other than letters, digits, `_`, `.`, `+`, `-`.
    """
    name, given, source = spec.partition("=")
    if not given:
        source = spec
        name = Path(spec).stem if is_policy_file(spec) else spec.rpartition(":")[2].rpartition(".")[2]
    if not source or not name:
        raise UserError(f"Agent {spec!r} is incomplete; give NAME=SOURCE, as in net=runs/train/policy.onnx.")
    if given and not _NAME.match(name):
        raise UserError(f"Agent name {name!r} in {spec!r}: use letters, digits, '_', '.', '+' and '-' only.")
    return name, source


def is_policy_file(source: str) -> bool:
    """Whether a source names a policy file rather than a built-in agent or a factory."""
    return source.endswith(".onnx")


def is_built_in(spec: str) -> bool:
    """Whether an agent is ours: its code is trusted with a process that others use."""
    return split_spec(spec)[1] in BUILT_IN


def check_source(spec: str) -> None:
    """Check that a source is one of those that `make_agent` knows, without building anything.

    Raises:
        UserError: nothing is known under that name.
    """
    source = split_spec(spec)[1]
    if not (source in BUILT_IN or is_policy_file(source) or _FACTORY.match(source)):
        raise UserError(
            f"Unknown agent {source!r}: {nearest(source, list(BUILT_IN))}, a policy file ending in .onnx, "
            "or module:factory."
        )


def make_agent(spec: str, *, adapt: bool = True) -> tuple[str, Agent]:
    """Build an agent from what a user typed.

    Args:
        spec: `expert`, `modular`, `straight`, a policy file (`.onnx`) or `module:factory` (called without
            arguments; the current folder is searched first), each with an optional `NAME=` in front.
        adapt: map another camera's pictures to the one that a policy was trained with.

    Returns:
        Its name in results, and the agent.

    Raises:
        UserError: nothing is known under that name, or it cannot be built.
    """
    check_source(spec)
    name, source = split_spec(spec)
    if source in BUILT_IN:
        return name, BUILT_IN[source]()
    if is_policy_file(source):
        from drive.models.policy import OnnxPolicy

        return name, OnnxPolicy(Path(source), adapt=adapt)
    return name, _from_factory(source)


def camera_remarks(specs: Mapping[str, str], camera: Camera, adapt: bool) -> list[str]:
    """What is to be said of policies, name -> spec, that were trained with another camera than this one.

    Raises:
        UserError: one cannot drive behind it, or the JSON beside it is damaged.
    """
    from drive.models.policy import read_description
    from drive.models.policy_camera import camera_remark

    found = []
    for name, spec in specs.items():
        path = Path(split_spec(spec)[1])
        if is_policy_file(str(path)) and (description := read_description(path)):
            found.append(camera_remark(name, path, description.camera, camera, adapt))
    return [remark for remark in found if remark]


def _from_factory(source: str) -> Agent:
    module_name, _, attribute = source.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise UserError(
                f"Agent {source!r}: no module {error.name!r} in {here} or among the installed packages; "
                "run from the folder that holds it, or install it."
            ) from None
        raise UserError(
            f"Agent {source!r}: {module_name} needs {error.name!r}, which is not installed."
        ) from error
    except (Exception, SystemExit) as error:
        raise UserError(f"Agent {source!r}: importing {module_name} failed: {described(error)}") from error
    factory: object = found
    for part in attribute.split("."):
        if not hasattr(factory, part):
            raise UserError(
                f"Agent {source!r}: {module_name} has no {part!r}: {_public_names(factory, part)}"
            )
        factory = getattr(factory, part)
    if not callable(factory):
        raise UserError(
            f"Agent {source!r}: {attribute} is a {type(factory).__name__}; name a class or a function."
        )
    try:
        agent = factory()
    except (Exception, SystemExit) as error:
        raise UserError(f"Agent {source!r}: {attribute}() failed: {described(error)}") from error
    missing = [verb for verb in ("reset", "act") if not callable(getattr(agent, verb, None))]
    if missing:
        raise UserError(
            f"Agent {source!r}: {attribute}() gave a {type(agent).__name__} without {' and '.join(missing)}; "
            "an agent has reset(context) and act(observation) -> Control."
        )
    return agent


def _public_names(owner: object, word: str) -> str:
    """What a module or class defines itself, nearest to a mistyped word."""
    home = getattr(owner, "__module__", getattr(owner, "__name__", None))
    names = [
        name
        for name, value in vars(owner).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == home
    ]
    return nearest(word, sorted(names)) if names else "it defines nothing that can be called"


def unique_names(specs: Iterable[str]) -> dict[str, str]:
    """Name to spec, in order.

    Raises:
        UserError: two agents would share a name.
    """
    named: dict[str, str] = {}
    for spec in specs:
        name, _ = split_spec(spec)
        if name in named and named[name] != spec:
            raise UserError(
                f"Agents {named[name]!r} and {spec!r} are both called {name!r}; write NAME={spec}."
            )
        named[name] = spec
    return named
