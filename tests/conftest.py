"""Shared fixtures."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party maps and recordings that are not part of this repository.

    Without it tests are skipped; on a CI machine (`CI` is set) they fail, so that no check is lost unseen.
    """
    folder = os.environ.get("DRIVE_SHARED")
    if folder and Path(folder).is_dir():
        return Path(folder)
    missing = f"DRIVE_SHARED ({folder or 'not set'}) names no folder of test maps and recordings"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
