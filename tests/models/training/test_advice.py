from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drive.models.training.advice import advise


@dataclass
class Row:
    index: int
    seed: int | None


@dataclass
class Info:
    total_frames: int
    fps: int = 20
    seeds: tuple[int | None, ...] = (3, 4, 3)
    root: Path = Path("data/mine")
    episodes: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        self.episodes = [Row(i, seed) for i, seed in enumerate(self.seeds)]

    def road_of(self, episode: int) -> tuple[str, Any]:
        seed = self.seeds[episode]
        return (str(self.root), episode) if seed is None else ("generated", seed)


def test_little_data_are_counted_and_what_can_be_done_follows_from_their_kind() -> None:
    told = advise([Info(5 * 60 * 20), Info(60 * 4, fps=4)])  # type: ignore[list-item]
    assert told and told.startswith("This was 6.0 minutes of driving on 2 roads; ")
    assert "drive data rerender data/mine data/mine-variants" in told
    foreign = advise([Info(4 * 60 * 20, seeds=(None, None))])  # type: ignore[list-item]
    assert foreign and foreign.endswith("Drive more roads.")
    assert advise([Info(29 * 60 * 20), Info(60 * 20)]) is None  # type: ignore[list-item]
