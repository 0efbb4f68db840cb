"""Drives and recordings have the same bits where numba, numpy, libm and OpenCV work as on old processors."""

from tests.golden.processors import SETTINGS, differing


def test_an_old_processor_drives_and_records_the_same() -> None:
    drives = ("lane/0 expert", "lane/5 wave 96x96 agent", "corners/2 straight")
    assert differing(drives, SETTINGS["old"]) == []
