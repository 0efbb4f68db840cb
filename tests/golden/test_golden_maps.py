"""Drives on Town02 come out as they are stored."""

from pathlib import Path

import pytest

from tests.golden import drives


@pytest.mark.parametrize("scenario", list(dict.fromkeys(g.scenario for g in drives.ON_MAPS.values())))
def test_drives_are_what_they_were(scenario: str, shared: Path) -> None:
    goldens = [golden for golden in drives.ON_MAPS.values() if golden.scenario == scenario]
    stored = {golden.name: drives.read()["maps"][golden.name] for golden in goldens}
    made = {golden.name: drives.drive_alone(golden, shared) for golden in goldens}
    assert not drives.changed(stored, made), drives.REMEDY
