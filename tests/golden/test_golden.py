"""The file of golden drives: complete, of this simulator's version, and not overwritten by accident."""

from pathlib import Path
from typing import Any

from drive.sim.sensors.weather import WEATHERS
from drive.sim.version import SIMULATOR_VERSION
from tests.golden import drives
from tests.golden.__main__ import refusal


def test_the_file_is_of_this_version() -> None:
    stored = drives.read()["simulator_version"]
    assert stored == SIMULATOR_VERSION, (
        f"drives.json is of version {stored}, SIMULATOR_VERSION is {SIMULATOR_VERSION}; {drives.REMEDY}"
    )


def test_the_file_has_every_drive_in_all_weathers_and_with_all_ends() -> None:
    stored = drives.read()
    assert stored["generated"].keys() == drives.GENERATED.keys(), "run python -m tests.golden"
    assert stored["maps"].keys() == drives.ON_MAPS.keys(), "run python -m tests.golden with DRIVE_SHARED"
    for section in ("generated", "maps"):
        assert {entry["weather"] for entry in stored[section].values()} == set(WEATHERS)
    ends = {entry["end"] for entry in stored["generated"].values()}
    assert ends == {*drives.END_NAMES.values(), "running"}


def test_a_recording_is_what_it_was(tmp_path: Path) -> None:
    stored, made = drives.read()["recording"], drives.recording(tmp_path / "recording")
    assert stored.keys() == made.keys()
    assert not drives.changed(stored, made), drives.REMEDY


def test_stored_hashes_are_replaced_only_under_a_raised_version() -> None:
    def content(version: int, **generated: str) -> dict[str, Any]:
        entries = {name: {"frames": value, "states": "s"} for name, value in generated.items()}
        return {"simulator_version": version, "generated": entries, "maps": {}, "recording": {"action": "x"}}

    stored = content(1, a="1", b="2")
    assert refusal(stored, stored) is None
    assert refusal(stored, content(1, a="1", b="2", c="3")) is None
    assert refusal({}, stored) is None
    assert refusal(stored, content(2, a="1", b="3")) is None
    assert refusal(stored, content(1, a="1", b="3")) == (
        f"1 stored entries would change (b: frames); {drives.REMEDY}"
    )
    assert "a" in (refusal(stored, content(1, b="2")) or ""), "an entry does not vanish under one version"
    other = {**stored, "recording": {"action": "y"}}
    assert "(action)" in (refusal(stored, other) or "")
