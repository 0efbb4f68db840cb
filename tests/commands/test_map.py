"""`drive map` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from drive.commands.map import MapConfig, main
from drive.core.errors import UserError
from drive.sim.maps.opendrive import read_opendrive
from tests.sim.maps.xodr import document, road


@pytest.fixture
def small(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "maps" / "street.xodr"
    path.parent.mkdir()
    path.write_text(document(road()))
    return path


def test_prints_a_table_and_writes_the_picture_here(small: Path, capsys) -> None:
    main(MapConfig(small))
    text = capsys.readouterr().out
    for words in ("0.20 km", "traffic lights", "50 km/h", "street.png", "drive evaluate"):
        assert words in text
    assert cv2.imread("street.png").shape[1] == 1600


def test_json_is_one_object(small: Path, capsys) -> None:
    main(MapConfig(small, json=True, out=Path("a picture.jpg")))
    facts = json.loads(capsys.readouterr().out)
    assert facts["driving_lane_km"] == pytest.approx(0.2)
    assert facts["extent_m"] == pytest.approx([100.0, 3.5])
    assert facts["speed_limit_mps"] == pytest.approx([13.89, 13.89])
    assert Path(facts["picture"]).read_bytes()[:2] == b"\xff\xd8"


def test_mirror_writes_a_map_for_the_other_side(small: Path) -> None:
    main(MapConfig(small, mirror=Path("other.xodr")))
    assert read_opendrive("other.xodr").left_hand
    with pytest.raises(UserError, match="the map itself"):
        main(MapConfig(small, mirror=small))


def test_bad_places_are_refused_and_nothing_is_left(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        main(MapConfig(small, out=tmp_path / "no" / "such" / "folder.png"))
    with pytest.raises(UserError, match="no picture's name"):
        MapConfig(small, out=Path("picture.txt"))
    with pytest.raises(UserError, match="no such file"):
        main(MapConfig(tmp_path / "absent.xodr"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["maps"]


def test_it_loads_no_heavy_library(shared: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from drive.commands.map import MapConfig, main;"
        "main(MapConfig(Path(sys.argv[1])));"
        "print([m for m in ('tensorflow', 'numba', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    town = shared / "maps" / "carla-2020" / "Town02.xodr"
    done = subprocess.run(
        [sys.executable, "-c", code, str(town)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")
    assert (tmp_path / "Town02.png").stat().st_size > 50_000
