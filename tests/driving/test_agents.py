"""Agents by name: what is understood, and what the user is told otherwise."""

from pathlib import Path

import pytest

from drive.agent import Agent, Context
from drive.core.errors import UserError
from drive.driving.agents import BUILT_IN, make_agent, split_spec, unique_names
from drive.scoring.roles import role
from tests.fakes import Scripted


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_agents(name: str) -> None:
    found, agent = make_agent(name)
    assert found == name
    assert isinstance(agent, Agent)


def test_straight_holds_the_wheel() -> None:
    _, agent = make_agent("straight")
    agent.reset(Context())
    assert agent.act({}).steering == 0.0


def test_a_factory_with_and_without_a_name() -> None:
    name, agent = make_agent("tests.fakes:calm")
    assert name == "calm" and isinstance(agent, Scripted)
    assert make_agent("mine=tests.fakes:calm")[0] == "mine"


def test_a_factory_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_agent_of_tests.py").write_text("from tests.fakes import calm as make_agent\n")
    monkeypatch.chdir(tmp_path)
    assert isinstance(make_agent("my_agent_of_tests:make_agent")[1], Scripted)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("modlar", "Unknown agent 'modlar': did you mean modular"),
        ("net=", "incomplete"),
        ("=expert", "incomplete"),
        ("a b=expert", "Agent name 'a b'"),
        ("no_such_module:make", "no module 'no_such_module'"),
        ("tests.fakes:clam", "has no 'clam': did you mean calm"),
        ("tests.fakes:broken", "broken\\(\\) failed: OSError: no weights here"),
        ("tests.fakes:no_agent", "object without reset and act"),
        ("tests.fakes:NUMBER", "NUMBER is a int"),
        ("nowhere.onnx", "nowhere.onnx"),
    ],
)
def test_mistakes_are_named(spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        make_agent(spec)
    assert "\n" not in str(caught.value)


def test_a_module_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad_syntax_agent.py").write_text("def make(:\n")
    (tmp_path / "needy_agent.py").write_text("import surely_not_installed\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="importing bad_syntax_agent failed: SyntaxError"):
        make_agent("bad_syntax_agent:make")
    with pytest.raises(UserError, match="needs 'surely_not_installed', which is not installed"):
        make_agent("needy_agent:make")


def test_names_from_sources() -> None:
    assert split_spec("runs/a/policy.onnx") == ("policy", "runs/a/policy.onnx")
    assert split_spec("net=runs/a=b/policy.onnx") == ("net", "runs/a=b/policy.onnx")
    assert split_spec("package.module:Class.make") == ("make", "package.module:Class.make")


def test_two_agents_of_one_name_are_refused() -> None:
    assert unique_names(["expert", "expert"]) == {"expert": "expert"}
    with pytest.raises(UserError, match=r"both called 'policy'; write NAME=b/policy\.onnx"):
        unique_names(["a/policy.onnx", "b/policy.onnx"])


def test_roles() -> None:
    assert [role(source) for source in ("expert", "straight", "modular")] == ["ceiling", "floor", "tested"]
