"""One small dataset and one trained run for all tests of learning."""

from pathlib import Path

import pytest

from drive.train import TrainConfig, main
from tests.models.synthetic import write_lines


@pytest.fixture(scope="session")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of line pictures."""
    return write_lines(tmp_path_factory.mktemp("lines") / "data")


@pytest.fixture(scope="session")
def trained(lines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run on it."""
    out = tmp_path_factory.mktemp("trained") / "run"
    main(TrainConfig(data=(lines,), out=out, epochs=10, batch_size=16, augment=False, keep_cache=True))
    return out
