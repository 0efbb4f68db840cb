"""Maps that nobody would make: read and driven, or refused in one clear line. `hostile.py` tries more."""

from pathlib import Path

import pytest

from tests.maps.bases import BASES
from tests.maps.handmade import HANDMADE, SLOW
from tests.maps.mutations import mutated
from tests.maps.trial import try_map

SEEDS = [seed for seed in range(202) if seed not in (13, 100)]  # those two take seconds
REFUSED = {  # by the value and the place that the line names
    "crosswalk-of-20-km": ("20000 m", "road 1"),
    "radius-of-90000-km": ("9e+07 m", "road 1"),
    "mark-10000-km-aside": ("1e+07 m", "road 1 lane 1"),
    "geometry-at-90000-km": ("s=9e+07", "road 1"),
    "spiral-of-100-km": ("turns 159153 times", "road 1"),
    "two-towns-90-km-apart": ("45 km", "road 12"),
    "three-roads-of-99-km": ("250 km of road", "road 3"),
    "poles-without-end": ("25,000 road marks, objects and signals", "road 1"),
}
DRIVEN = (
    "two-towns-28-km-apart",
    "lane-of-half-a-metre",
    "param-without-range",
    "sections-behind-the-road",
    "speed-of-light",
)


@pytest.mark.parametrize("tens", range(20))
def test_damaged_maps_drive_or_are_refused(tmp_path: Path, tens: int) -> None:
    for seed in SEEDS[10 * tens : 10 * tens + 10]:
        path = tmp_path / f"seed-{seed}.xodr"
        path.write_bytes(mutated(BASES[seed % len(BASES)], seed).encode())
        try_map(path, seed)


@pytest.mark.parametrize("name", [name for name in HANDMADE if name not in SLOW])
def test_handmade_maps_drive_or_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.xodr"
    path.write_text(HANDMADE[name]())
    outcome = try_map(path)
    assert all(word in outcome for word in REFUSED.get(name, ()))
    assert outcome == "drove" or name not in DRIVEN
