"""Pictures of real cameras and the steering of a real car, in the layouts of other programs."""

import csv
import json
from pathlib import Path

import numpy as np

from drive.commands.data.importing import ImportConfig, main
from drive.dataset import check, read_episode, read_info
from tests.interchange.test_round_trips import export

STEERING_RATIO = 14.3  # steering wheel over road wheels of the car that recorded


def test_dash_cam_pictures_in_a_driving_log(shared: Path, tmp_path: Path) -> None:
    pictures = sorted((shared / "real/udacity/P4/test_images").glob("*.jpg"))
    (tmp_path / "log" / "IMG").mkdir(parents=True)
    with (tmp_path / "log" / "driving_log.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        for t, path in enumerate(pictures):
            name = f"center_2016_12_01_13_30_48_{100 * t:03d}.jpg"
            (tmp_path / "log" / "IMG" / name).write_bytes(path.read_bytes())
            rows.writerow([f"C:\\Users\\me\\IMG\\{name}", "", "", 0.1 * t - 0.3, 1, 0, 30.19])
    main(ImportConfig(source=tmp_path / "log", out=tmp_path / "one", fov_deg=58.0, horizon_px=420.0))
    info = read_info(tmp_path / "one")
    frames = read_episode(info, 0)
    assert frames["observation.images.front"] == [path.read_bytes() for path in pictures]
    assert (info.camera.width_px, info.camera.height_px, info.fps) == (1280, 720, 10)
    assert check(tmp_path / "one") == []
    export(tmp_path / "one", tmp_path / "log2", "udacity")
    main(ImportConfig(source=tmp_path / "log2", out=tmp_path / "two"))
    again = read_episode(tmp_path / "two", 0)
    assert again["observation.images.front"] == frames["observation.images.front"]
    np.testing.assert_array_equal(again["action"], frames["action"])
    assert read_info(tmp_path / "two").camera == info.camera


def test_the_steering_of_a_real_minute_in_a_tub(shared: Path, tmp_path: Path) -> None:
    can = shared / "real/comma2k19/seg40/processed_log/CAN"
    times = np.load(shared / "real/comma2k19/seg40/global_pose/frame_times")
    wheel = np.interp(times, np.load(can / "steering_angle/t"), np.load(can / "steering_angle/value"))
    speed = np.interp(times, np.load(can / "speed/t"), np.load(can / "speed/value").reshape(-1))
    picture = (shared / "real/udacity/P1/test_images/solidWhiteRight.jpg").read_bytes()
    tub = tmp_path / "tub"
    (tub / "images").mkdir(parents=True)
    (tub / "images" / "0_cam_image_array_.jpg").write_bytes(picture)
    records = [
        {
            "_index": t,
            "_session_id": "18-07-29_0",
            "_timestamp_ms": round(1000.0 * times[t]),
            "cam/image_array": "0_cam_image_array_.jpg",
            "enc/speed": speed[t],
            "user/angle": -wheel[t] / STEERING_RATIO / 20.0,  # of 20 degrees, positive to the right
            "user/mode": "user",
            "user/throttle": 0.0,
        }
        for t in range(300)
    ]
    (tub / "catalog_0.catalog").write_text("".join(json.dumps(record) + "\n" for record in records))
    main(ImportConfig(source=tub, out=tmp_path / "out", max_steering_deg=20.0, max_episode_s=60.0))
    info = read_info(tmp_path / "out")
    frames = read_episode(info, 0)
    assert info.fps == 20 and info.total_episodes == 1  # its camera ran at 20 Hz
    angle = np.degrees(np.asarray(frames["action"])[:, 0] * 0.6)
    np.testing.assert_allclose(angle, wheel[:300] / STEERING_RATIO, atol=1e-5)
    np.testing.assert_allclose(np.asarray(frames["observation.state"])[:, 0], speed[:300], rtol=1e-6)
    assert frames["observation.images.front"] == [picture] * 300
