from pathlib import Path

import numpy as np
import pytest

from drive.commands.data.importing import ImportConfig, main
from drive.core.errors import UserError
from drive.dataset import check, read_episode, read_info
from tests.interchange.sources import jpeg, udacity

LIST = "observation.images.{}"


def test_a_log_of_windows_is_read_with_signs_and_units_of_ours(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log")
    main(ImportConfig(source=log, out=tmp_path / "out"))
    info = read_info(tmp_path / "out")
    frames = read_episode(info, 0)
    t = np.arange(12)
    np.testing.assert_allclose(
        frames["action"][:, 0], -(t / 20 - 0.2) * np.radians(25.0) / 0.6, atol=1e-7
    )  # theirs is positive to the right
    np.testing.assert_allclose(frames["action"][:, 1], 0.2, atol=1e-7)
    assert info.features["observation.state"]["names"] == ["speed_mps", "throttle", "brake"]
    np.testing.assert_allclose(frames["observation.state"][:, 0], t * 0.44704, rtol=1e-6)
    np.testing.assert_allclose(frames["observation.state"][:, 1:], [[0.3, 0.1]] * 12, rtol=1e-6)
    for k, camera in enumerate(("front", "left", "right")):
        assert frames[f"observation.images.{camera}"] == [jpeg(3 * i + k) for i in t]
    assert info.fps == 10
    assert (info.camera.width_px, info.camera.height_px) == (96, 64)
    assert not info.calibrated
    assert info.recordings[0]["config"]["assumed"] == ["fov_deg", "z", "pitch_deg"]
    assert info.episodes[0].seed is None and info.episodes[0].driver == "person"
    assert check(tmp_path / "out") == []


@pytest.mark.parametrize("prefix", ["IMG/", "/home/ada/run/IMG/", ""])
def test_a_header_and_other_paths(tmp_path: Path, prefix: str) -> None:
    udacity(tmp_path / "log", header=True, prefix=prefix)
    main(ImportConfig(source=tmp_path / "log", out=tmp_path / "out"))
    assert read_info(tmp_path / "out").total_frames == 12


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log", frames=4, header=True)
    lines = [line.split(",") for line in log.read_text().splitlines()]
    lines[0][5] = "reverse"
    order = (3, 0, 6, 5, 4)  # no left, no right
    log.write_text("".join(",".join(line[i] for i in order) + "\n" for line in lines))
    main(ImportConfig(source=log, out=tmp_path / "out"))
    info = read_info(tmp_path / "out")
    assert LIST.format("left") not in info.features
    state = np.asarray(read_episode(info, 0)["observation.state"])
    np.testing.assert_allclose(state[3], [3 * 0.44704, 0.3, 0.1], rtol=1e-6)


def test_a_pause_or_a_clock_set_back_starts_an_episode(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log", pause_before={4: 2.5, 9: -100.0})
    main(ImportConfig(source=log, out=tmp_path / "out"))
    info = read_info(tmp_path / "out")
    assert [row.length for row in info.episodes] == [4, 5, 3]
    assert info.fps == 10


def test_long_drives_are_cut_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = udacity(tmp_path / "log", frames=25)
    main(ImportConfig(source=log, out=tmp_path / "one"))
    assert "--max-episode-s" in capsys.readouterr().out
    main(ImportConfig(source=log, out=tmp_path / "out", max_episode_s=1.0))
    assert [row.length for row in read_info(tmp_path / "out").episodes] == [9, 8, 8]


def test_side_cameras_become_views_that_steer_back(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log", frames=4)
    main(ImportConfig(source=log, out=tmp_path / "out", side_steering_deg=5.0))
    frames = read_episode(tmp_path / "out", 0)
    assert frames["view.image"] == [jpeg(1), jpeg(5), jpeg(7), jpeg(11)]  # left, right, ...
    more = np.asarray(frames["view.action"]) - np.asarray(frames["action"])[:, 0]
    np.testing.assert_allclose(np.degrees(more * 0.6), [-5.0, 5.0, -5.0, 5.0], atol=1e-5)
    udacity(tmp_path / "bare", frames=4, sides=False)
    with pytest.raises(UserError, match="no left and right pictures"):
        main(ImportConfig(source=tmp_path / "bare", out=tmp_path / "other", side_steering_deg=5.0))


def test_the_camera_is_what_one_knows_of_it(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log", frames=3)
    main(ImportConfig(source=log, out=tmp_path / "out", fov_deg=60.0, horizon_px=20.0, camera_height_m=1.2))
    info = read_info(tmp_path / "out")
    camera = info.camera
    assert info.calibrated and (camera.fov_deg, camera.z) == (60.0, 1.2)
    horizon = camera.height_px / 2 - camera.focal_px * np.tan(np.radians(camera.pitch_deg))
    assert horizon == pytest.approx(20.0)


def test_what_cannot_be_used_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = udacity(tmp_path / "log")
    names = sorted(path.name for path in (tmp_path / "log" / "IMG").glob("center*"))
    (tmp_path / "log" / "IMG" / names[2]).unlink()
    (tmp_path / "log" / "IMG" / names[3]).write_bytes(b"")
    (tmp_path / "log" / "IMG" / names[4]).write_bytes(jpeg(12)[:300])
    (tmp_path / "log" / "IMG" / names[5]).write_bytes(jpeg(15) + bytes(7))  # padding is no damage
    text = log.read_text().splitlines()
    text[7] = text[7].replace("0.3", "nan")
    log.write_text("\n".join(text)[:-20])  # the last line is cut off
    main(ImportConfig(source=log, out=tmp_path / "out"))
    said = capsys.readouterr().out
    frames = read_episode(tmp_path / "out", 0)
    assert frames["observation.images.front"] == [jpeg(3 * t) for t in (0, 1, 5, 6, 8, 9, 10)]
    assert "1 x picture that is not there (first: " in said and names[2] in said
    assert "1 x picture is an empty file" in said and names[3] in said
    assert "1 x picture is cut off" in said and names[4] in said
    assert "1 x line with something that is no number (first: " in said and "line 8)" in said
    assert "1 x line without 7 columns (first: " in said and "line 12)" in said
    assert check(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda log: log.write_text(""), "is empty"),
        (lambda log: log.write_text("date,price,a,b,c,d,e\n1,2,3,4,5,6,7\n"), "its header is date,price"),
        (
            lambda log: log.write_text(log.read_text().replace("0.3,", "12.5,").replace("-0.2", "12.5")),
            "12.5",
        ),
        (lambda log: log.write_text("a.jpg,b.jpg,c.jpg,0,5,0,3,0,1,9,2\n"), "decimal comma"),
        (lambda log: [p.unlink() for p in (log.parent / "IMG").iterdir()], "picture that is not there"),
        (lambda log: [p.write_bytes(b"x") for p in (log.parent / "IMG").iterdir()], "is whole"),
        (lambda log: log.unlink(), "holds neither driving_log.csv"),
        (lambda log: next((log.parent / "IMG").glob("center*")).write_bytes(jpeg(0, 64, 64)), "one size"),
    ],
)
def test_a_log_that_is_none_gives_one_line_and_leaves_nothing(
    tmp_path: Path, change: object, message: str
) -> None:
    log = udacity(tmp_path / "log", sides=False)
    change(log)  # type: ignore[operator]
    with pytest.raises(UserError, match=message) as error:
        main(ImportConfig(source=tmp_path / "log", out=tmp_path / "out"))
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_names_without_times_need_a_rate(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log", frames=3, sides=False)
    for i, path in enumerate(sorted((tmp_path / "log" / "IMG").iterdir())):
        log.write_text(log.read_text().replace(path.name, f"{i}.jpg"))
        path.rename(path.with_name(f"{i}.jpg"))
    with pytest.raises(UserError, match="give --fps"):
        main(ImportConfig(source=log, out=tmp_path / "out"))
    main(ImportConfig(source=log, out=tmp_path / "out", fps=8))
    assert read_info(tmp_path / "out").fps == 8


def test_a_full_folder_is_refused_and_a_disk_error_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from drive.dataset import writer

    log = udacity(tmp_path / "log", frames=3)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="holds other things"):
        main(ImportConfig(source=log, out=tmp_path / "full"))

    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(writer, "frames_file", no_space)
    with pytest.raises(UserError, match=r"out: no space left on the disk; nothing was written"):
        main(ImportConfig(source=log, out=tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "log"]


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(UserError, match="--fov-deg is 200"):
        ImportConfig(source=Path("a"), out=Path("b"), fov_deg=200.0)


def test_the_command_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from drive import cli

    udacity(tmp_path / "log", frames=3, pause_before={2: 5.0})
    words = ["drive", "data", "import", str(tmp_path / "log"), str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", words)
    cli.main()
    said = capsys.readouterr().out
    assert "3 frames, 2 episodes at 10 Hz from udacity" in said and f"drive train {tmp_path / 'out'}" in said
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'out'} holds other things")


def test_minutes_become_several_episodes(tmp_path: Path) -> None:
    log = udacity(tmp_path / "log", frames=8, rate_hz=1.0, sides=False)
    rows = log.read_text().splitlines()
    log.write_text("\n".join(rows * 50) + "\n")  # the same 8 seconds, 50 times
    main(ImportConfig(source=log, out=tmp_path / "out", gap_s=3600.0))
    assert {row.length for row in read_info(tmp_path / "out").episodes} == {8}  # the clock is set back
    for i, path in enumerate(sorted((tmp_path / "log" / "IMG").iterdir())):
        path.rename(path.with_name(f"{i}.jpg"))
        log.write_text(log.read_text().replace(path.name, f"{i}.jpg"))
    main(ImportConfig(source=log, out=tmp_path / "long", fps=1))
    lengths = [row.length for row in read_info(tmp_path / "long").episodes]  # of 400 s, for training to split
    assert sum(lengths) == 400 and set(lengths) == {28, 29}
    main(ImportConfig(source=log, out=tmp_path / "asked", fps=1, max_episode_s=300.0))
    assert [row.length for row in read_info(tmp_path / "asked").episodes] == [200, 200]
