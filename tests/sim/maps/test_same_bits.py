"""Maps have the same bits whatever the processor can do."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.surface import zebra_bars

# How numpy, OpenBLAS, libm and OpenCV are told to work as on an old processor.
OLD_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR AVX512_ICL X86_V4 X86_V3",
    "OPENBLAS_CORETYPE": "Prescott",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
    "OPENCV_IPP": "disabled",
    "OPENCV_CPU_DISABLE": "SSE4_1,SSE4_2,AVX,FP16,AVX2,AVX512_SKX",
}


def feed(digest, thing) -> None:
    """Take in every number of arrays, records and sequences."""
    if isinstance(thing, np.ndarray):
        digest.update(np.ascontiguousarray(thing).tobytes())
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            feed(digest, getattr(thing, field.name))
    elif isinstance(thing, (tuple, list)):
        for one in thing:
            feed(digest, one)
    else:
        digest.update(repr(thing).encode())


def digest_of(path: str) -> str:
    """Over a map and what is made of its lanes and crossings."""
    road_map = read_opendrive(path)
    digest = hashlib.sha256()
    feed(digest, road_map)
    for lane in road_map.lanes:
        feed(digest, [lane.headings, lane.border(1), lane.position(np.linspace(0.0, lane.length, 5), 0.3)])
    for surface in road_map.surfaces:
        if surface.material == "crosswalk":
            feed(digest, zebra_bars(surface.polygon))
    return digest.hexdigest()


@pytest.mark.parametrize("name", ["carla-2020/Town02", "esmini/curves"])
def test_a_map_has_the_same_bits_on_an_old_processor(shared: Path, name: str) -> None:
    path = str(shared / "maps" / f"{name}.xodr")
    program = "import sys; from tests.sim.maps.test_same_bits import digest_of; print(digest_of(sys.argv[1]))"
    old = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, path],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **OLD_PROCESSOR},
    )
    assert old.stdout.strip() == digest_of(path)
