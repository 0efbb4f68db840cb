import pytest

from drive.models.training.throughput import measure


@pytest.mark.slow
def test_both_pipelines_are_timed() -> None:
    found = measure(pictures=64, repeats=1)
    assert found["pictures_per_second"] > 0.0
    assert found["pictures_per_second_in_memory"] > 0.0
    assert found["ratio"] > 0.0
