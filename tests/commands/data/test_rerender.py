"""`drive data rerender`: the same drive, another day."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import drive.driving.rerender
from drive.camera import Camera, CameraFlags
from drive.commands.data.rerender import DataRerenderConfig, main
from drive.core.errors import UserError
from drive.core.tasks import Result
from drive.dataset import DatasetWriter, check, exclude, hand_features, read_episode, read_info
from drive.dataset.layout import INDEX_COLUMNS
from drive.driving.demonstrations import DriveSettings
from drive.driving.rerender import Piece, Rerenderer, RerenderSettings
from drive.record import RecordConfig
from drive.record import main as record
from drive.sim.arrays import ACTOR, BARREL
from drive.sim.maps.styles import GENERATED
from drive.sim.scenario import Scenario
from drive.sim.sensors.weather import TRAINING_WEATHERS
from tests.dataset.test_dataset import make_columns
from tests.web.serve.clumsy import record_clumsily

CAMERA = Camera(width_px=64, height_px=32)
OFFSET, HEADING = "privileged.lateral_offset_m", "privileged.heading_error_rad"
FRONT, VIEW = "observation.images.front", "view.image"


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drives of 4 s in dense traffic, which no recording names; the second from corner to corner."""
    root = tmp_path_factory.mktemp("driven") / "d"
    maps = (GENERATED, f"{GENERATED} corners")
    record_clumsily(root, seconds=8.0, seed=102, camera=CAMERA, traffic="dense", road_s=4.0, maps=maps)
    return root


def test_a_drive_is_driven_again_and_looks_different(driven: Path, tmp_path: Path) -> None:
    exclude(driven, 1, 0, 30)
    config = DataRerenderConfig(driven, tmp_path / "out", variants=3, every=2, view_yaw_deg=0.0, workers=1)
    main(replace(config, layouts=False))
    info, source = read_info(tmp_path / "out"), read_info(driven)
    assert check(info.root) == []
    assert info.fps == 10 and info.total_episodes == 6
    assert [row.seed for row in info.episodes] == [102, 102, 102, 103, 103, 103]
    for number, start in ((0, 0), (1, 30)):
        before = read_episode(source, number)
        after = [read_episode(info, 3 * number + look) for look in range(3)]
        for one in after:
            for name in ("action", "executed.action", "expert.action", "intervention", OFFSET, HEADING):
                np.testing.assert_allclose(one[name], before[name][start::2], atol=1e-6, err_msg=name)
            aside = np.abs(one["view.lateral_m"]) > 0.2
            back = one["view.action"] - one["expert.action"][:, 0]
            assert aside.any() and (np.sign(back[aside]) == -np.sign(one["view.lateral_m"][aside])).all()
        first = [one[FRONT][0] for one in after]
        assert len({before[FRONT][start], *first}) == 4
        weathers = [info.episodes[3 * number + look].weather for look in range(3)]
        assert len(set(weathers)) == 3 and set(weathers) <= set(TRAINING_WEATHERS)
        assert not np.array_equal(after[0]["view.lateral_m"], after[1]["view.lateral_m"])


def test_three_variants_in_four_are_other_roads_and_two_are_mirrored(driven: Path, tmp_path: Path) -> None:
    main(DataRerenderConfig(driven, tmp_path / "out", variants=4, every=2, workers=1))
    info, source = read_info(tmp_path / "out"), read_info(driven)
    assert check(info.root) == []
    assert [info.map_of(i) for i in (0, 4)] == [GENERATED, f"{GENERATED} corners"]
    for row in info.episodes:
        look, mirrored = row.index % 4, row.index % 2 == 1
        assert row.scenario.endswith(f"/variant/{look}/mirrored" if mirrored else f"/variant/{look}")
        before, after = read_episode(source, row.index // 4), read_episode(info, row.index)
        start = int(np.argmax(source.training_mask(row.index // 4)))  # behind what was excluded
        side = -1.0 if mirrored else 1.0
        for name in (OFFSET, HEADING):
            np.testing.assert_allclose(after[name], side * before[name][start::2], atol=1e-6, err_msg=name)
        for name in ("action", "executed.action", "expert.action"):
            np.testing.assert_allclose(
                after[name], [side, 1.0] * before[name][start::2], atol=1e-6, err_msg=name
            )
        turned = [1.0, side, 1.0, 1.0, 1.0] * before["observation.state"][start::2]
        np.testing.assert_allclose(after["observation.state"], turned, atol=1e-6)
        assert np.abs(before["observation.state"][:, 1]).max() > 0.01


def test_what_stands_in_the_way_on_another_road_is_taken_away(
    driven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A barrel that the drive would meet, and two before the car ahead, which would brake for them."""
    blocked = []

    def layout_variant(*args: object, **kwargs: object) -> Scenario:
        scenario = drive.driving.rerender.layout_variant.of(*args, **kwargs)
        points = scenario.route.points
        ahead = scenario.actors["s"][(scenario.actors["path"] == 0)]
        ahead = ahead[ahead > scenario.start_s].min()
        barrels = np.zeros(3, ACTOR)
        barrels["kind"], barrels["active"], barrels["path"] = BARREL, 1, -1
        barrels["length"] = barrels["width"] = barrels["height"] = 0.6
        for barrel, s in zip(barrels, (scenario.start_s + 12.0, ahead + 15.0, ahead + 18.0), strict=True):
            at = points[round(2.0 * s)]
            barrel["x"], barrel["y"] = at["x"], at["y"]
        blocked.append(replace(scenario, actors=np.concatenate([scenario.actors, barrels])))
        return blocked[-1]

    layout_variant.of = drive.driving.rerender.layout_variant  # type: ignore[attr-defined]
    reshooter = Rerenderer(driven, RerenderSettings(DriveSettings(every=20)))
    free = reshooter(Piece(0, 0, 80, 1), lambda count: None)
    monkeypatch.setattr("drive.driving.rerender.layout_variant", layout_variant)
    found = reshooter(Piece(0, 0, 80, 1), lambda count: None)
    assert len(blocked) == 1 and found.mirrored and found.lost == 0
    np.testing.assert_allclose(found.columns[OFFSET], free.columns[OFFSET], atol=1e-9)
    assert found.columns[FRONT] == free.columns[FRONT]


def test_a_variant_does_not_depend_on_what_was_pictured_before(driven: Path) -> None:
    settings = RerenderSettings(DriveSettings(every=20))
    first, second = Piece(0, 0, 80, 0), Piece(1, 0, 80, 4)
    one, other = Rerenderer(driven, settings), Rerenderer(driven, settings)
    one(first, lambda count: None)
    after, alone = one(second, lambda count: None), other(second, lambda count: None)
    assert after.weather == alone.weather
    assert after.columns[FRONT] == alone.columns[FRONT] and after.columns[VIEW] == alone.columns[VIEW]


def test_where_the_car_comes_to_be_elsewhere_the_drive_ends(
    driven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {k: v for k, v in read_episode(driven, 0).items() if k not in INDEX_COLUMNS}
    changed = np.array(columns["executed.action"])
    changed[40:60, 0] += 0.1
    with DatasetWriter(
        tmp_path / "d", fps=20, camera=CAMERA, driver="person", features=hand_features(CAMERA)
    ) as writer:
        writer.add_episode(columns | {"executed.action": changed}, seed=102, ended="stopped")
    main(DataRerenderConfig(tmp_path / "d", tmp_path / "out", variants=2, every=1, workers=1))
    info = read_info(tmp_path / "out")
    assert [row.ended for row in info.episodes] == ["stopped", "stopped"]
    length = info.episodes[0].length
    assert 40 < length < 60 and info.episodes[1].length == length
    assert f"{80 - length} frames at the end of episode 0, where" in " ".join(capsys.readouterr().out.split())
    assert info.episodes[1].scenario.endswith("/variant/1/mirrored")  # as far as it goes, on another road too
    for number, side in ((0, 1.0), (1, -1.0)):
        after = read_episode(info, number)
        assert np.abs(after[OFFSET] - side * columns[OFFSET][:length]).max() <= 0.05
        np.testing.assert_array_equal(after["action"], [side, 1.0] * columns["action"][:length])


class HerePool:
    """Does the tasks in this process, where a test can change what they call."""

    def __init__(self, make: Any, workers: int, *, report: Any) -> None:
        self.call, self.report = make(), report
        self.results: list[Result] = []

    def __enter__(self) -> "HerePool":
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, task: Any) -> int:
        ticket = len(self.results)
        self.results.append(Result(ticket, task, self.call(task, self.report)))
        return ticket

    def take(self, ticket: int) -> Result:
        return self.results[ticket]


def test_variants_without_other_lanes_are_counted(
    driven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("drive.core.pool.WorkerPool", HerePool)
    monkeypatch.setattr("drive.driving.rerender.layout_variant", lambda *args, **kwargs: None)
    main(DataRerenderConfig(driven, tmp_path / "out", variants=2, every=20, workers=1))
    assert "Without other lanes: 2 variants, because" in " ".join(capsys.readouterr().out.split())
    assert not any("mirrored" in row.scenario for row in read_info(tmp_path / "out").episodes)
    main(DataRerenderConfig(driven, tmp_path / "kept", variants=2, every=20, workers=1, layouts=False))
    assert "Without other lanes" not in capsys.readouterr().out


def test_a_drive_from_elsewhere_is_refused(driven: Path, tmp_path: Path) -> None:
    columns = {k: v for k, v in read_episode(driven, 0).items() if k not in INDEX_COLUMNS}
    features = hand_features(CAMERA)
    with DatasetWriter(tmp_path / "d", fps=20, camera=CAMERA, driver="person", features=features) as writer:
        writer.add_episode(columns, seed=103, ended="stopped")  # the road of another seed
    with pytest.raises(UserError, match="no drive could be driven again"):
        main(DataRerenderConfig(tmp_path / "d", tmp_path / "out", variants=1, workers=1))
    assert not (tmp_path / "out").exists()


def test_the_experts_recordings_can_be_pictured_again(tmp_path: Path) -> None:
    record(
        RecordConfig(
            tmp_path / "d",
            episodes=1,
            max_duration_s=2.0,
            camera_flags=CameraFlags(width_px=64, height_px=32),
            workers=1,
            traffic="light",
        )
    )
    main(DataRerenderConfig(tmp_path / "d", tmp_path / "out", variants=1, every=1, workers=1))
    before, after = read_episode(tmp_path / "d", 0), read_episode(tmp_path / "out", 0)
    for name in ("action", "executed.action", OFFSET):
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
            main(DataRerenderConfig(tmp_path / name, tmp_path / "out"))
    with pytest.raises(UserError, match="holds other things"):
        main(DataRerenderConfig(driven, tmp_path))
    for field, value in (("variants", 0), ("every", 3), ("view_yaw_deg", 90.0)):
        with pytest.raises(UserError, match=f"--{field.replace('_', '-')} is {value}"):
            replace(DataRerenderConfig(driven, tmp_path / "out"), **{field: value})
