"""One small dataset and one trained run for all tests of learning."""

from pathlib import Path
from typing import Any

import pytest

from drive.train import TrainConfig, main
from tests.models.synthetic import write_lines

QUICK: dict[str, Any] = {"epochs": 3, "batch_size": 8}


@pytest.fixture(scope="session")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of line pictures."""
    return write_lines(tmp_path_factory.mktemp("lines") / "data")


@pytest.fixture(scope="session")
def trained(lines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run on it."""
    out = tmp_path_factory.mktemp("trained") / "run"
    main(TrainConfig(data=(lines,), out=out, keep_cache=True, **QUICK))
    return out
