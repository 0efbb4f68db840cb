"""How fast `drive` is beside others that draw pictures for learning, on this machine, in the same minutes.

    python benchmarks/peers.py --python build/peers/bin/python --out build/peers.json

Every contender lives in a process of its own and is measured through its own API, one at a time and one
right after the other, round after round. A ratio is taken within each round; medians and ranges are over the
rounds. Only a quiet machine gives true rates: beside other load, what waits between two processes (ViZDoom)
is served before what computes. There the ratios of CPU time, of all threads and processes, say more.

`requirements.txt` beside this file says what to install; what is not installed is named and skipped.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from contenders import BATCH, CONTENDERS, THREADS, Contender

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "contenders.py"
_BATCH = f"{BATCH} on {THREADS} threads"


@dataclass(frozen=True)
class PeersConfig:
    """Measure this simulator and its peers in turn: steps a second, ratios, memory."""

    rounds: int = 9
    """Rounds in which all are measured once; the median is the figure."""
    python: tuple[str, ...] = ()
    """Interpreters that have the peers installed: PATH for all of them, PACKAGE=PATH for one, as in
    vizdoom=/tmp/v/bin/python. By default the one that runs this."""
    only: tuple[str, ...] = ()
    """Measure only what has one of these in its name, as in vizdoom 160x120."""
    against: Path | None = None
    """Another checkout of this project, measured beside this one: old and new in turn."""
    out: Path | None = None
    """Write all figures there, as JSON, after every round."""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise SystemExit(f"--rounds is {self.rounds}; take 1 or more.")


class Ratio(NamedTuple):
    """One contender's rate in terms of another's."""

    what: str
    of: str
    to: str


RATIOS = (
    *(
        Ratio(f"drive / ViZDoom {scenario}, {size}", f"drive {size}", f"vizdoom {scenario} {size}")
        for size in ("160x120", "320x240")
        for scenario in ("deathmatch", "basic", "my_way_home")
    ),
    Ratio("drive / EnvPool CarRacing, one", "drive 96x96", "envpool CarRacing"),
    Ratio(f"drive / EnvPool CarRacing, {_BATCH}", f"drive 96x96, {_BATCH}", f"envpool CarRacing, {_BATCH}"),
    Ratio("drive / Gymnasium CarRacing", "drive 96x96", "gymnasium CarRacing"),
    Ratio("drive / highway-env with pictures", "drive 96x96", "highway-env picture"),
    Ratio("drive / highway-env without pictures", "drive 96x96", "highway-env states"),
    Ratio("time: rain at night / clear noon", "drive 320x160, clear noon", "drive 320x160, rain at night"),
    Ratio("time: 200 vehicles / none", "drive 320x160, 0 vehicles", "drive 320x160, 200 vehicles"),
)


class Spread(NamedTuple):
    """A median and the range around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one value a round."""
        return cls(statistics.median(values), min(values), max(values))


def ratio_of(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """The spread of the rounds' own ratios, which differs from the ratio of two medians."""
    return Spread.of([a / b for a, b in zip(numerators, denominators, strict=True)])


def interpreters(given: Iterable[str]) -> dict[str, str]:
    """Package -> interpreter out of `PATH` and `PACKAGE=PATH`; "" is for all that are not named.

    Raises:
        SystemExit: a file is not there, or a package is unknown.
    """
    packages = {one.package for one in CONTENDERS.values()}
    found = {"": sys.executable, "drive": sys.executable}
    for one in given:
        package, named, path = one.partition("=")
        package, path = (package, path) if named else ("", one)
        if package and package not in packages:
            raise SystemExit(
                f"--python {one}: unknown package {package!r}; take {', '.join(sorted(packages))}."
            )
        if not Path(path).is_file():
            raise SystemExit(f"--python {one}: there is no file {path}.")
        found[package] = os.path.abspath(path)  # contenders run in a folder of their own
    return found


class Runner:
    """A contender in its process.

    Attributes:
        missing: why it is not measured; None if it is.
        version: of its package.
    """

    def __init__(self, command: Sequence[str], root: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="drive-")  # ViZDoom leaves a file where it runs
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=self._folder.name,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        try:
            ready = self._reply()
        except BaseException:
            self.close()
            raise
        self.missing: str | None = ready.get("missing")
        self.version: str | None = ready.get("version")
        self.rates: list[float] = []  # steps/s, one a round
        self.cpu: list[float] = []  # CPU time a step [us]

    def _reply(self) -> dict[str, Any]:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"{self._process.args} ended:\n{self._errors.read()[-2000:]}")
        return json.loads(line)

    def measure(self) -> None:
        """One round more."""
        print("measure", file=self._process.stdin, flush=True)
        reply = self._reply()
        self.rates.append(reply["steps_per_second"])
        self.cpu.append(reply["cpu_us"])

    def memory_mb(self) -> float:
        """Resident memory of the process and of those that it started [MB]."""
        import psutil

        process = psutil.Process(self._process.pid)
        family = [process, *process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family) / 1e6

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._errors.close()
        self._folder.cleanup()


def measure_round(runners: Iterable[Runner], number: int) -> None:
    """Measure each once; every second round in the opposite order."""
    for runner in list(runners)[:: -1 if number % 2 else 1]:
        runner.measure()


def summary(
    runners: Mapping[str, Runner], skipped: Mapping[str, str], ratios: Iterable[Ratio]
) -> dict[str, Any]:
    """JSON-ready figures of what was measured, and the ratios of which both sides were."""
    return {
        "contenders": {
            name: {
                **Spread.of(one.rates)._asdict(),
                "steps_per_second": one.rates,
                "cpu_us": one.cpu,
                "version": one.version,
                "memory_mb": one.memory_mb(),
            }
            for name, one in runners.items()
        },
        "ratios": {
            ratio.what: {
                **ratio_of(runners[ratio.of].rates, runners[ratio.to].rates)._asdict(),
                "cpu": ratio_of(runners[ratio.to].cpu, runners[ratio.of].cpu)._asdict(),
            }
            for ratio in ratios
            if ratio.of in runners and ratio.to in runners
        },
        "skipped": dict(skipped),
    }


def tables(found: Mapping[str, Any]) -> list[Any]:
    """The figures as rich tables: contenders, ratios."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    rates, ratios = Table(box=SIMPLE_HEAD), Table(box=SIMPLE_HEAD)
    for table, columns in (
        (rates, ("Contender", "steps/s", "range", "CPU us a step", "memory, MB")),
        (ratios, ("Ratio", "median", "range", "of CPU time", "range")),
    ):
        for i, column in enumerate(columns):
            table.add_column(column, justify="right" if i else "left", no_wrap=not i)
    for name, one in found["contenders"].items():
        spread, cpu = f"{one['low']:,.0f} - {one['high']:,.0f}", statistics.median(one["cpu_us"])
        rates.add_row(name, f"{one['median']:,.0f}", spread, f"{cpu:,.0f}", f"{one['memory_mb']:,.0f}")
    for what, one in found["ratios"].items():
        sides = one, one["cpu"]
        cells = [(f"{x['median']:.2f}", f"{x['low']:.2f} - {x['high']:.2f}") for x in sides]
        ratios.add_row(what, *cells[0], *cells[1])
    return [rates, ratios]


def machine() -> dict[str, Any]:
    """Where it was measured, and what else ran there."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), cpu)
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def main(config: PeersConfig) -> None:
    """Start all, measure, print."""
    from rich.console import Console
    from rich.progress import track

    console, where = Console(), machine()
    if not console.is_terminal:
        console.width = 120
    pythons = interpreters(config.python)
    chosen = [c for c in CONTENDERS.values() if not config.only or any(o in c.name for o in config.only)]
    planned: list[tuple[str, Contender, Path]] = []
    ratios = list(RATIOS)
    for one in chosen:
        planned.append((one.name, one, ROOT))
        if config.against is not None and one.package == "drive":
            other = f"{one.name}, {config.against.name}"
            planned.append((other, one, config.against.resolve()))
            ratios.append(Ratio(f"this / {config.against.name}: {one.name}", one.name, other))
    runners: dict[str, Runner] = {}
    skipped: dict[str, str] = {}
    with ExitStack() as stack:
        for name, one, root in track(planned, "starting", console=console, transient=True):
            python = pythons.get(one.package, pythons[""])
            runner = Runner([python, str(SCRIPT), one.name], root)
            stack.callback(runner.close)
            if runner.missing is None:
                runners[name] = runner
            else:
                skipped[name] = f"{one.package}: {runner.missing}"
        for number in track(range(config.rounds), "measuring", console=console, transient=True):
            measure_round(runners.values(), number)
            found = {"machine": where, "rounds": number + 1, **summary(runners, skipped, ratios)}
            if config.out is not None:
                config.out.parent.mkdir(parents=True, exist_ok=True)
                config.out.write_text(json.dumps(found, indent=1) + "\n")
    for table in tables(found):
        console.print(table)
    for name, why in skipped.items():
        console.print(f"skipped {name}: {why}", markup=False)


if __name__ == "__main__":
    import tyro

    main(tyro.cli(PeersConfig))
