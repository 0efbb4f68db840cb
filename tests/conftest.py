"""Shared fixtures."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party maps and recordings that are not part of this repository."""
    folder = os.environ.get("DRIVE_SHARED")
    if not folder:
        pytest.skip("DRIVE_SHARED names no folder of test maps and recordings")
    return Path(folder)
