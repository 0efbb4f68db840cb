"""Agents in processes of their own: the same answers, and a drive that goes on whatever they do."""

from multiprocessing import active_children

import psutil
import pytest

from drive.agent import AgentFailure
from drive.camera import Camera, CameraFlags
from drive.core.errors import UserError
from drive.sim.task import LaneTask
from drive.web.serve import agent_process
from drive.web.serve.agent_process import AgentProcess
from drive.web.serve.catalog import Catalog, Choice
from drive.web.serve.command import ServeConfig
from drive.web.serve.simulation import Simulation
from tests.web.serve.agents import SteersByBrightness
from tests.web.serve.served import page, serving

CAMERA = Camera(width_px=64, height_px=32)
AGENTS = "tests.web.serve.agents:"


def pids(simulation: Simulation) -> list[int]:
    agents = (agent for agent in simulation._built.values() if isinstance(agent, AgentProcess))
    return [agent.pid for agent in agents if agent.pid is not None]


def test_an_agent_answers_as_it_would_in_this_process() -> None:
    drives = []
    inside = SteersByBrightness()
    for made in ({"bright": inside}, {}):
        specs = [] if made else [f"bright={AGENTS}SteersByBrightness"]
        simulation = Simulation(Catalog.of([], specs, made), CAMERA, pedals="person")
        simulation.load(Choice(seed=3, agent="bright"))
        drives.append([simulation.step(0.0, 0.0).row["executed.action"] for _ in range(8)])
        assert len(pids(simulation)) == (0 if made else 1)
        ended = pids(simulation)
        simulation.close()
        assert not any(psutil.pid_exists(pid) for pid in ended)
    assert drives[0] == drives[1]
    assert len({tuple(executed) for executed in drives[0]}) == 8


@pytest.mark.parametrize(
    ("agent", "failure"),
    [
        ("Hangs", "agent failed: act did not answer for 1 s"),
        ("Exits", "agent failed: act ended its process (exit code 3)"),
    ],
)
def test_one_that_hangs_or_ends_its_process_leaves_the_wheel_to_the_person(
    agent: str, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_process, "ACT_S", 1.0)
    simulation = Simulation(Catalog.of([], [f"agent={AGENTS}{agent}"]), CAMERA)
    simulation.load(Choice(seed=3, agent="agent"))
    (pid,) = pids(simulation)
    done = [simulation.step(0.1 * simulation.person_drives, 0.0) for _ in range(8)]
    assert [step.row["intervention"] for step in done] == [0] * 5 + [1] * 3
    assert simulation.agent is not None and simulation.agent.failure == failure
    assert simulation.at_wheel == "person" and not psutil.pid_exists(pid), "no zombie is left"
    assert simulation.rewind(6)
    again = simulation.step(0.1, 0.0)
    assert again.row["intervention"] == 1 and simulation.agent.control is not None, "it starts afresh"
    simulation.close()


def test_one_that_hangs_in_its_reset_is_named_and_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = AgentProcess(f"{AGENTS}NeverStarts")
    monkeypatch.setattr(agent_process, "START_S", 1.0)
    context = LaneTask(1, camera=CAMERA).context(0)
    with pytest.raises(AgentFailure, match="reset did not answer for 1 s"):
        agent.reset(context)
    assert not agent.running
    started: list[object] = []
    monkeypatch.setattr(AgentProcess, "_start", lambda agent: started.append(agent))
    with pytest.raises(AgentFailure, match="reset did not answer for 1 s"):
        agent.reset(context)
    assert started == [] and not agent.running


def test_what_cannot_be_built_or_drive_here_is_refused() -> None:
    with pytest.raises(UserError, match="nowhere"):
        AgentProcess("nowhere.at_all:Agent")
    catalog = Catalog.of([], [f"refuses={AGENTS}Refuses"])
    simulation = Simulation(catalog, CAMERA)
    with pytest.raises(UserError, match="not with this camera"):
        simulation.refuse_unfit(["refuses"])
    assert pids(simulation) == []
    assert "agent" not in [child.name for child in active_children()]
    simulation.close()


def test_one_that_asks_for_the_truth_is_refused() -> None:
    simulation = Simulation(Catalog.of([], [f"{AGENTS}Privileged"]), CAMERA)
    with pytest.raises(UserError, match=r"Privileged' is privileged: .*drive evaluate"):
        simulation.load(Choice(seed=3, shadows=("Privileged",)))
    assert "agent" not in [child.name for child in active_children()]
    simulation.close()


def test_an_agent_that_takes_no_part_has_no_process() -> None:
    simulation = Simulation(Catalog.of([], [f"quarter={AGENTS}Quarter"]), CAMERA)
    simulation.load(Choice(seed=3, agent="quarter"))
    assert len(pids(simulation)) == 1
    simulation.load(Choice(seed=4))
    assert pids(simulation) == []
    simulation.load(Choice(seed=3, agent="quarter"))
    assert simulation.step(0.0, 0.0).steering == 0.25
    simulation.close()


def test_the_page_goes_on_without_them() -> None:
    """The one at the wheel hangs, a shadow ends its process."""
    config = ServeConfig(
        agent=(f"hangs={AGENTS}Hangs",),
        shadow=(f"exits={AGENTS}Exits",),
        camera_flags=CameraFlags(width_px=96, height_px=48),
        seed=3,
        traffic="none",
    )
    before = set(psutil.Process().children())
    with serving(config) as port, page(port) as driver:
        driver.send("start")
        texts: list[str] = []
        while len(texts) < 3:
            texts.append(driver.until(type="event", level="warning")["text"])
        assert sorted(texts) == [
            "exits failed: act ended its process (exit code 3).",
            "hangs failed: act did not answer for 2 s.",
            "hangs let go of the wheel: you drive.",
        ]
        state = driver.drive(10)
        assert state["mode"] == "driving" and state["at_wheel"] == "person"
    children = set(psutil.Process().children()) - before
    assert not [child for child in children if child.status() == psutil.STATUS_ZOMBIE]
