"""Shared fixtures, and the order of the tests."""

import os
from collections import Counter
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then pages in a browser, then what has the most tests; files stay whole.

    Several processes take the files in this order (`--dist loadfile --no-loadscope-reorder`): what takes long
    is begun early, so that no process is left alone with it at the end.
    """
    tests = Counter(item.path for item in items)
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (-slow[item.path], item.path.parent.name != "browser", -tests[item.path]))


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
