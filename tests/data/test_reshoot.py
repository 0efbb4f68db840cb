"""`drive data reshoot`: the same drive, another day."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drive.data.reshoot import DataReshootConfig, main
from drive.dataset import DatasetWriter, check, exclude, hand_features, read_episode, read_info
from drive.dataset.layout import INDEX_COLUMNS
from drive.errors import UserError
from drive.record import RecordConfig
from drive.record import main as record
from drive.recording import DriveSettings
from drive.reshooting import Piece, Reshooter, ReshootSettings
from drive.sim.maps.road_map import RoadMap
from drive.sim.scenario import lane_scenario, relook
from drive.sim.sensors.camera import Camera
from drive.sim.sensors.weather import TRAINING_WEATHERS
from tests.dataset.test_dataset import make_columns
from tests.serve.clumsy import record_clumsily

CAMERA = Camera(width_px=64, height_px=32)
OFFSET, HEADING = "privileged.lateral_offset_m", "privileged.heading_error_rad"
FRONT, VIEW = "observation.images.front", "observation.images.view"


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drives of 4 s in dense traffic, which no recording names."""
    root = tmp_path_factory.mktemp("driven") / "d"
    record_clumsily(root, seconds=8.0, seed=102, camera=CAMERA, traffic="dense", road_s=4.0)
    return root


def test_a_drive_is_driven_again_and_looks_different(driven: Path, tmp_path: Path) -> None:
    exclude(driven, 1, 0, 30)
    main(DataReshootConfig(driven, tmp_path / "out", looks=3, every=2, view_yaw_deg=0.0, workers=1))
    info, source = read_info(tmp_path / "out"), read_info(driven)
    assert check(info.root) == []
    assert info.fps == 10 and info.total_episodes == 6
    assert [row.seed for row in info.episodes] == [102, 102, 102, 103, 103, 103]
    for number, start in ((0, 0), (1, 30)):
        before = read_episode(source, number)
        after = [read_episode(info, 3 * number + look) for look in range(3)]
        for one in after:
            for name in ("action", "action.executed", "action.expert", "intervention", OFFSET, HEADING):
                np.testing.assert_allclose(one[name], before[name][start::2], atol=1e-6, err_msg=name)
            aside = np.abs(one["view.lateral_m"]) > 0.2
            back = one["action.view"] - one["action.expert"][:, 0]
            assert aside.any() and (np.sign(back[aside]) == -np.sign(one["view.lateral_m"][aside])).all()
        first = [one[FRONT][0] for one in after]
        assert len({before[FRONT][start], *first}) == 4
        weathers = [info.episodes[3 * number + look].weather for look in range(3)]
        assert len(set(weathers)) == 3 and set(weathers) <= set(TRAINING_WEATHERS)
        assert not np.array_equal(after[0]["view.lateral_m"], after[1]["view.lateral_m"])


def test_a_look_does_not_depend_on_what_was_pictured_before(driven: Path) -> None:
    settings = ReshootSettings(DriveSettings(every=20))
    first, second = Piece(0, 0, 80, 0), Piece(1, 0, 80, 4)
    one, other = Reshooter(driven, settings), Reshooter(driven, settings)
    one(first, lambda count: None)
    after, alone = one(second, lambda count: None), other(second, lambda count: None)
    assert after.weather == alone.weather
    assert after.columns[FRONT] == alone.columns[FRONT] and after.columns[VIEW] == alone.columns[VIEW]


def test_where_the_car_comes_to_be_elsewhere_the_drive_ends(
    driven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {k: v for k, v in read_episode(driven, 0).items() if k not in INDEX_COLUMNS}
    changed = np.array(columns["action.executed"])
    changed[40:60, 0] += 0.1
    with DatasetWriter(
        tmp_path / "d", fps=20, camera=CAMERA, driver="person", features=hand_features(CAMERA)
    ) as writer:
        writer.add_episode(columns | {"action.executed": changed}, seed=102, ended="stopped")
    main(DataReshootConfig(tmp_path / "d", tmp_path / "out", looks=2, every=1, workers=1))
    info = read_info(tmp_path / "out")
    assert [row.ended for row in info.episodes] == ["stopped", "stopped"]
    length = info.episodes[0].length
    assert 40 < length < 60 and info.episodes[1].length == length
    assert f"{80 - length} frames at the end of episode 0, where" in " ".join(capsys.readouterr().out.split())
    after = read_episode(info, 0)
    assert np.abs(after[OFFSET] - columns[OFFSET][:length]).max() <= 0.05
    np.testing.assert_array_equal(after["action"], columns["action"][:length])


def test_a_drive_from_elsewhere_is_refused(driven: Path, tmp_path: Path) -> None:
    columns = {k: v for k, v in read_episode(driven, 0).items() if k not in INDEX_COLUMNS}
    features = hand_features(CAMERA)
    with DatasetWriter(tmp_path / "d", fps=20, camera=CAMERA, driver="person", features=features) as writer:
        writer.add_episode(columns, seed=103, ended="stopped")  # the road of another seed
    with pytest.raises(UserError, match="no drive could be driven again"):
        main(DataReshootConfig(tmp_path / "d", tmp_path / "out", looks=1, workers=1))
    assert not (tmp_path / "out").exists()


def test_the_experts_recordings_can_be_pictured_again(tmp_path: Path) -> None:
    record(
        RecordConfig(
            tmp_path / "d",
            episodes=1,
            max_duration_s=2.0,
            width_px=64,
            height_px=32,
            workers=1,
            traffic="light",
        )
    )
    main(DataReshootConfig(tmp_path / "d", tmp_path / "out", looks=1, every=1, workers=1))
    before, after = read_episode(tmp_path / "d", 0), read_episode(tmp_path / "out", 0)
    for name in ("action", "action.executed", OFFSET):
        np.testing.assert_allclose(after[name], before[name], atol=1e-6)
    assert check(tmp_path / "out") == []


def test_what_cannot_be_driven_again_is_refused(driven: Path, tmp_path: Path) -> None:
    for name, fps, seed, said in (
        ("slow", 10, 5, "has 10 frames a second"),
        ("foreign", 20, None, "its episodes have no seed"),
    ):
        with DatasetWriter(
            tmp_path / name, fps=fps, camera=Camera(width_px=32, height_px=16), driver="x"
        ) as writer:
            writer.add_episode(make_columns(3, 0), seed=seed)
        with pytest.raises(UserError, match=said):
            main(DataReshootConfig(tmp_path / name, tmp_path / "out"))
    with pytest.raises(UserError, match="holds something already"):
        main(DataReshootConfig(driven, tmp_path))
    for field, value in (("looks", 0), ("every", 3), ("view_yaw_deg", 90.0)):
        with pytest.raises(UserError, match=f"--{field.replace('_', '-')} is {value}"):
            replace(DataReshootConfig(driven, tmp_path / "out"), **{field: value})


def paint_from_lane(road_map: RoadMap, center: np.ndarray) -> float:
    """The smallest distance of any paint from a lane's middle, infinite on a bare road [m]."""
    lines = [s.points[:, :2] for s in road_map.strokes if s.type not in ("curb", "grass", "edge")]
    points = np.concatenate([np.zeros((0, 2)), *lines])[::3]
    return min((float(np.hypot(*(center[:, :2] - p).T).min()) for p in points), default=np.inf)


def test_the_lane_stays_where_it_is() -> None:
    styles, painted = set(), 0
    for seed in range(12):
        scenario = lane_scenario(seed)
        again = relook(scenario, np.random.default_rng(seed), "wet")
        assert again.paths is scenario.paths and again.road_map.lanes == scenario.road_map.lanes
        for name in ("x", "y", "yaw", "length", "width", "kind", "s", "desired_speed", "time_headway"):
            np.testing.assert_array_equal(again.actors[name], scenario.actors[name])
        lane = scenario.road_map.lanes[scenario.route.lanes[0]]
        assert paint_from_lane(again.road_map, lane.center) > 0.5 * lane.width.min() - 0.6
        styles.add(again.road_map.style)
        widths = [[stroke.width for stroke in one.road_map.strokes] for one in (scenario, again)]
        painted += widths[0] != widths[1]
    assert len(styles) >= 2 and painted >= 10
