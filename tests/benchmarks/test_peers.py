"""The comparison with other environments: what is timed, ratios within rounds, who is skipped."""

import importlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from drive.sim.scenario import Scenario
from drive.sim.sensors.weather import WEATHERS

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def contenders(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("contenders")


@pytest.fixture
def peers(contenders: ModuleType) -> ModuleType:
    return importlib.import_module("peers")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peers: ModuleType) -> Path:
    """Contenders that answer what they are told: vizdoom is missing, all others count up."""
    path = tmp_path / "contenders.py"
    path.write_text(
        textwrap.dedent("""
            import json, sys
            if sys.argv[1].startswith("vizdoom"):
                print(json.dumps({"missing": "No module named 'vizdoom'"}), flush=True)
                sys.exit()
            if sys.argv[1] == "broken":
                sys.exit("cannot be built")
            print(json.dumps({"version": "1.0"}), flush=True)
            for number, _ in enumerate(sys.stdin, 1):
                rate = number * (100.0 if sys.argv[1].startswith("drive") else 50.0 * number)
                print(json.dumps({"steps_per_second": rate, "cpu_us": 1e6 / rate}), flush=True)
        """)
    )
    monkeypatch.setattr(peers, "SCRIPT", path)
    return path


def test_resets_and_decisions_are_not_timed(contenders: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(contenders.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(contenders.time, "process_time", lambda: 2.0 * clock[0])
    monkeypatch.setattr(contenders, "children_cpu", lambda: 0.0)

    class Fake(contenders.Driver):
        """Its second episode ends at its second step."""

        def reset(self, episode: int) -> None:
            clock[0] += 5.0
            self.left = 2 if episode == 1 else 100

        def decide(self) -> None:
            clock[0] += 1.0

        def step(self) -> bool:
            clock[0] += 0.25
            self.left -= 1
            return self.left == 0

    one = contenders.Contender("fake", "fake", Fake, episodes=3, steps=4, environments=8)
    found = contenders.measure(one, Fake())
    assert found == pytest.approx({"steps_per_second": 8 / 0.25, "cpu_us": 1e6 * 2 * 0.25 / 8})
    assert clock[0] == pytest.approx(3 * 5.0 + (4 + 2 + 4) * 1.25)


def test_a_ratio_is_taken_within_each_round(peers: ModuleType) -> None:
    """The machine was half as fast in the second round, which met both."""
    assert peers.ratio_of([100.0, 50.0, 120.0], [50.0, 25.0, 40.0]) == (2.0, 2.0, 3.0)
    with pytest.raises(ValueError):
        peers.ratio_of([1.0], [1.0, 2.0])


def test_every_ratio_is_of_contenders_that_exist(peers: ModuleType) -> None:
    names = {name for ratio in peers.RATIOS for name in (ratio.of, ratio.to)}
    assert names <= peers.CONTENDERS.keys()
    assert len({ratio.what for ratio in peers.RATIOS}) == len(peers.RATIOS)


def test_interpreters_are_for_all_or_for_one_package(peers: ModuleType, tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.touch(), b.touch()
    found = peers.interpreters([str(a), f"vizdoom={b}"])
    assert found == {"": str(a), "vizdoom": str(b), "drive": sys.executable}
    assert peers.interpreters([])[""] == sys.executable
    for wrong, says in ((f"doom={a}", "unknown package 'doom'"), (str(tmp_path / "c"), "there is no file")):
        with pytest.raises(SystemExit, match=says):
            peers.interpreters([wrong])


def test_all_are_measured_in_turn_and_the_missing_are_named(
    peers: ModuleType, script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "peers.json"
    only = ("drive 96x96", "envpool CarRacing", "vizdoom basic 160x120")
    peers.main(peers.PeersConfig(rounds=3, only=only, out=out, against=tmp_path))
    found = json.loads(out.read_text())
    assert found["rounds"] == 3 and found["machine"]["cores"] >= 1
    assert found["skipped"] == {"vizdoom basic 160x120": "vizdoom: No module named 'vizdoom'"}
    ours, theirs = found["contenders"]["drive 96x96"], found["contenders"]["envpool CarRacing"]
    assert ours["steps_per_second"] == [100.0, 200.0, 300.0]
    assert (ours["median"], ours["low"], ours["high"]) == (200.0, 100.0, 300.0)
    assert theirs["median"] == 200.0 and theirs["version"] == "1.0" and theirs["memory_mb"] > 1.0
    ratios = found["ratios"]
    one = ratios["drive / EnvPool CarRacing, one"]
    cpu = one.pop("cpu")
    assert one == cpu == pytest.approx({"median": 1.0, "low": 2 / 3, "high": 2.0})
    assert ratios[f"this / {tmp_path.name}: drive 96x96"]["median"] == 1.0
    assert not [what for what in ratios if "ViZDoom" in what]
    printed = capsys.readouterr().out
    assert "skipped vizdoom basic 160x120" in printed and "drive / EnvPool CarRacing, one" in printed


def test_every_second_round_goes_backwards(peers: ModuleType) -> None:
    order: list[str] = []

    class Fake:
        def __init__(self, name: str) -> None:
            self.measure = lambda: order.append(name)

    for number in range(2):
        peers.measure_round([Fake("a"), Fake("b")], number)
    assert order == ["a", "b", "b", "a"]


def test_a_contender_that_breaks_says_why(peers: ModuleType, script: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cannot be built"):
        peers.Runner([sys.executable, str(script), "broken"], tmp_path)


def test_a_package_that_is_not_installed_is_missing(
    contenders: ModuleType, peers: ModuleType, tmp_path: Path
) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
from contenders import Contender, serve
def make():
    print("hello from a library")
    import no_such_package
serve(Contender("x", "x", make, 1, 1))
"""
    runner = peers.Runner([sys.executable, "-c", code], tmp_path)
    assert runner.missing == "No module named 'no_such_package'"
    runner.close()


@pytest.mark.skipif(not Path("/proc/self/schedstat").is_file(), reason="needs Linux")
def test_the_cpu_time_of_children_counts(contenders: ModuleType) -> None:
    code = "sum(range(10**6)); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdout.readline()
        assert 0.001 < contenders.children_cpu() < 60.0
        child.stdin.write(b"\n")


def test_ours_drive(contenders: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEATHERS, "rain-night", WEATHERS["night"])  # taken away again afterwards

    def scenarios() -> list[Scenario]:
        crowd = contenders.crowded_scenarios(1, 200)
        assert len(crowd[0].actors) == 200 and crowd[0].actors["active"].all()
        return crowd + contenders.suite_scenarios(1, "rain-night")

    for driver, environments in (
        (contenders.Lane(32, 16, scenarios), 1),
        (contenders.LaneBatch(32, 16, 2, 1), 2),
    ):
        one = contenders.Contender("ours", "drive", type(driver), 2, 2, environments)
        assert min(contenders.measure(one, driver).values()) > 0.0
        driver.close()
    assert WEATHERS["rain-night"].rain == 1.0
