"""The house's rules, read from the sources: who may import whom, no circles, who may move a world.

`_UPWARD`, `_CIRCLES` and `_STEPPERS` list what still breaks a rule; an entry that has become unneeded fails,
so that the lists can only shrink. A file may not be added to them.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

_DRIVE = Path(__file__).resolve().parents[1] / "drive"

# From the ground up. A room imports from rooms further up in this list alone; those in one line know nothing
# of each other.
_FLOORS = (
    ("core",),
    ("camera",),
    ("agent",),
    ("episode",),
    ("control",),
    ("sim",),
    ("dataset", "modular", "scoring"),
    ("models",),
    ("interchange",),
    ("hybrid",),
    ("driving",),
    ("evaluation",),
    ("record", "train", "evaluate"),
    ("web",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
# Inside `sim`: what stands on what.
_SIM_FLOORS = (
    ("version", "density", "prefetch", "thread_team", "ragged_arrays", "arrays"),
    ("maps",),
    ("actors", "sensors"),
    ("world",),
    ("task",),
    ("env", "vector"),
)
_UPWARD: set[tuple[str, str]] = set()
_CIRCLES: set[frozenset[str]] = set()
_STEPPERS: set[str] = set()

_MOVES = {"step", "step_unseen", "advance", "advance_worlds"}
_MAY_MOVE_WORLDS = (
    "drive/sim/",
    "drive/interchange/",
    "drive/driving/session.py",
    "drive/driving/foreign.py",
    "drive/commands/bench.py",
)
# Receivers of such a call that are no world: rich's progress bars, the session, the page's simulation.
_NO_WORLDS = re.compile(r"_?(progress|bars?|session|simulation)")


@cache
def _modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(_DRIVE.rglob("*.py")):
        name = ".".join(path.relative_to(_DRIVE.parent).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def _imports() -> dict[str, frozenset[str]]:
    """Of each module those of ours that it imports: at the top, in functions, for types alone."""
    modules = _modules()
    found = {}
    for name, tree in modules.items():
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports relatively"
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    names.add(inner if inner in modules else str(node.module))
        found[name] = frozenset(names & modules.keys()) - {name}
    return found


def _floor_of(floors: tuple[tuple[str, ...], ...], room: str) -> int:
    return next(i for i, rooms in enumerate(floors) if room in rooms)


def _differences(found: set, listed: set) -> str:
    new, gone = found - listed, listed - found
    return "\n".join([f"broken: {one}" for one in sorted(map(str, new))] + [f"mended: {one}" for one in gone])


def test_every_room_has_its_floor() -> None:
    rooms = {name.split(".")[1] for name in _modules() if "." in name}
    known = {room for rooms in _FLOORS for room in rooms}
    assert rooms <= known


def test_a_room_imports_from_rooms_below_it_alone() -> None:
    upward = set()
    for name, imported in _imports().items():
        for other in imported - {"drive"}:
            if name == "drive":
                upward.add((name, other))
                continue
            room, theirs = name.split(".")[1], other.split(".")[1]
            if room != theirs and _floor_of(_FLOORS, theirs) >= _floor_of(_FLOORS, room):
                upward.add((name, other))
    assert upward == _UPWARD, _differences(upward, _UPWARD)


def test_inside_sim_maps_know_no_actors_and_sensors_no_world() -> None:
    named = {room for rooms in _SIM_FLOORS for room in rooms}
    upward = set()
    for name, imported in _imports().items():
        for other in imported:
            if name.startswith("drive.sim.") and other.startswith("drive.sim."):
                part, theirs = name.split(".")[2], other.split(".")[2]
                if part == theirs or not {part, theirs} <= named:
                    continue
                if _floor_of(_SIM_FLOORS, theirs) >= _floor_of(_SIM_FLOORS, part):
                    upward.add((name, other))
    assert upward == set()


def test_models_and_modular_reach_the_car_by_the_contracts_alone() -> None:
    known = {
        (name, other)
        for name, imported in _imports().items()
        for other in imported
        if name.split(".")[1:2] in (["models"], ["modular"]) and other.startswith("drive.sim")
    }
    assert known == set()


def test_no_import_circles() -> None:
    circles = {frozenset(one) for one in _knots(_imports()) if len(one) > 1}
    assert circles == _CIRCLES, _differences(circles, _CIRCLES)


def _knots(graph: dict[str, frozenset[str]]) -> list[set[str]]:
    """Modules that reach each other, by the closure of what each reaches."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen, todo = set(), [start]
        while todo:
            for other in graph[todo.pop()] - seen:
                seen.add(other)
                todo.append(other)
        reached[start] = seen
    return [{start} | {o for o in reached[start] if start in reached[o]} for start in graph]


def test_the_top_of_the_package_holds_contracts_and_verbs_alone() -> None:
    top = {path.stem for path in _DRIVE.glob("*.py")} - {"__init__", "__main__"}
    assert len(top) <= 9, top


def _moves(tree: ast.Module) -> list[str]:
    """Calls that may move a world: `x.step(...)`, whatever x is, unless it is known to be none."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MOVES:
            receiver = node.func.value
            name = getattr(receiver, "attr", getattr(receiver, "id", ""))
            if not _NO_WORLDS.fullmatch(name):
                found.append(ast.unparse(node.func))
    return found


@pytest.mark.parametrize(
    ("line", "moves"),
    [
        ("env.step(action)", True),
        ("self._task.world.advance(steering, pedals)", True),
        ("make().step_unseen(action)", True),
        ("progress.advance(bar)", False),
        ("self.session.step()", False),
        ("ego['step']", False),
    ],
)
def test_a_call_that_moves_a_world_is_known(line: str, moves: bool) -> None:
    assert bool(_moves(ast.parse(line))) == moves


def test_nothing_but_the_session_moves_worlds() -> None:
    callers = set()
    for path in sorted(_DRIVE.rglob("*.py")):
        name = path.relative_to(_DRIVE.parent).as_posix()
        if not name.startswith(_MAY_MOVE_WORLDS) and _moves(ast.parse(path.read_text(encoding="utf-8"))):
            callers.add(name)
    assert callers == _STEPPERS, _differences(callers, _STEPPERS)
