"""Drives on generated roads come out as they are stored, alone and in a batch."""

import pytest

from tests.golden import drives

STORED = drives.read()["generated"]


@pytest.mark.parametrize("scenario", list(dict.fromkeys(g.scenario for g in drives.GENERATED.values())))
def test_drives_are_what_they_were(scenario: str) -> None:
    goldens = [golden for golden in drives.GENERATED.values() if golden.scenario == scenario]
    stored = {golden.name: STORED[golden.name] for golden in goldens}
    made = {golden.name: drives.drive_alone(golden) for golden in goldens}
    assert not drives.changed(stored, made), drives.REMEDY


@pytest.mark.parametrize("batch", list(drives.BATCHES))
def test_in_a_batch_on_two_threads_drives_are_what_they_were_alone(batch: str) -> None:
    goldens = drives.BATCHES[batch]
    stored = {golden.name: STORED[golden.name] for golden in goldens}
    made = {golden.name: entry for golden, entry in zip(goldens, drives.drive_together(goldens), strict=True)}
    assert not drives.changed(stored, made), drives.REMEDY
