from pathlib import Path

import numpy as np
import pytest

from drive.commands.data.importing import ImportConfig, main
from drive.core.errors import UserError
from drive.dataset import check, read_episode, read_info
from tests.interchange.sources import donkey, jpeg


def test_a_tub_is_read_with_signs_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(ImportConfig(source=donkey(tmp_path / "tub"), out=tmp_path / "out", speed_mps=1.5))
    info = read_info(tmp_path / "out")
    frames = read_episode(info, 0)
    t = np.arange(12)
    np.testing.assert_allclose(frames["action"][:, 0], -(t / 20 - 0.2), atol=1e-7)
    np.testing.assert_allclose(frames["action"][:, 1], 0.5)
    np.testing.assert_allclose(frames["observation.state"], [[1.5, 0.5]] * 12)
    assert frames["observation.images.front"] == [jpeg(i, 160, 120) for i in t]
    assert info.fps == 20 and info.episodes[0].scenario == "donkey/22-08-13_0"
    said = capsys.readouterr().out
    assert "has no speed" in said and "34.4 degrees" in said and "assumed a field of view" in said
    assert check(tmp_path / "out") == []


@pytest.mark.parametrize("key", ["enc/speed", "car/speed"])
def test_a_speed_is_taken_where_there_is_one(tmp_path: Path, key: str) -> None:
    main(
        ImportConfig(
            source=donkey(tmp_path / "tub", speed_key=key), out=tmp_path / "out", max_steering_deg=25.0
        )
    )
    frames = read_episode(tmp_path / "out", 0)
    np.testing.assert_allclose(np.asarray(frames["observation.state"])[:, 0], np.arange(12) / 4)
    assert np.asarray(frames["action"])[0, 0] == pytest.approx(0.2 * np.radians(25.0) / 0.6)


def test_deleted_records_and_those_of_a_pilot_are_left_out_and_sessions_are_episodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tub = donkey(tmp_path / "tub", deleted=(1, 2, 11), sessions=("a", "b"), modes={7: "local"})
    main(ImportConfig(source=tub, out=tmp_path / "out"))
    info = read_info(tmp_path / "out")
    pictures = [read_episode(info, i)["observation.images.front"] for i in range(2)]
    assert pictures == [
        [jpeg(t, 160, 120) for t in (0, 3, 4, 5)],
        [jpeg(t, 160, 120) for t in (6, 8, 9, 10)],
    ]
    assert "mode local" in capsys.readouterr().out


def test_a_tub_of_a_full_disk_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tub = donkey(tmp_path / "tub", deleted=(0,))
    (tub / "catalog_1.catalog").write_bytes(b"")
    with (tub / "catalog_2.catalog").open("r+b") as file:
        file.seek(-30, 2)
        file.truncate()
    (tub / "images" / "3_cam_image_array_.jpg").write_bytes(b"")
    main(ImportConfig(source=tub, out=tmp_path / "out"))
    info = read_info(tmp_path / "out")
    frames = read_episode(info, 0)
    assert frames["observation.images.front"] == [jpeg(t, 160, 120) for t in (1, 2, 4, 10)]
    said = capsys.readouterr().out
    assert "empty catalog (a full disk?): its records are lost (first: catalog_1.catalog)" in said
    assert "1 x damaged line (first: catalog_2.catalog, line 2)" in said
    assert "empty file" in said and "3_cam_image_array_.jpg" in said


def test_without_a_manifest_all_catalogs_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tub = donkey(tmp_path / "tub", frames=24, catalog_length=2)
    (tub / "manifest.json").write_bytes(b"")
    main(ImportConfig(source=tub, out=tmp_path / "out"))
    frames = read_episode(tmp_path / "out", 0)
    assert frames["observation.images.front"] == [jpeg(t, 160, 120) for t in range(24)]
    assert "damaged or missing manifest.json" in capsys.readouterr().out


def test_a_name_that_leads_elsewhere_stays_in_the_tub(tmp_path: Path) -> None:
    tub = donkey(tmp_path / "tub", frames=3)
    (tmp_path / "secret.jpg").write_bytes(jpeg(99, 160, 120))
    catalog = tub / "catalog_0.catalog"
    catalog.write_text(catalog.read_text().replace("1_cam_image_array_.jpg", "../../secret.jpg"))
    main(ImportConfig(source=tub, out=tmp_path / "out"))
    frames = read_episode(tmp_path / "out", 0)
    assert frames["observation.images.front"] == [jpeg(t, 160, 120) for t in (0, 2)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("manifest.json", "[]\n", "no manifest of a Donkey Car tub"),
        ("record_1.json", "{}", "version 1"),
        ("notes.txt", "", "holds neither"),
    ],
)
def test_a_folder_that_is_no_tub_gives_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / "tub").mkdir()
    (tmp_path / "tub" / name).write_text(text)
    with pytest.raises(UserError, match=message):
        main(ImportConfig(source=tmp_path / "tub", out=tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["tub"]


def test_times_that_are_no_cameras_need_a_rate(tmp_path: Path) -> None:
    tub = donkey(tmp_path / "tub", frames=5)
    catalog = tub / "catalog_0.catalog"
    text = catalog.read_text()
    for t in range(5):
        text = text.replace(str(1660396688209 + 50 * t), str(1660396688209 + t))
    catalog.write_text(text)
    with pytest.raises(UserError, match=r"1.0 ms apart, no camera's: give --fps"):
        main(ImportConfig(source=tub, out=tmp_path / "out"))
    main(ImportConfig(source=tub, out=tmp_path / "out", fps=20))
    assert read_info(tmp_path / "out").total_frames == 5
