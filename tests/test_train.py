import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.models.policy import OnnxPolicy, training_seeds
from drive.models.training import device
from drive.models.training.run_folder import RunFolder
from drive.train import TrainConfig, main, settings_of
from tests.children import HANG_S
from tests.models.fixtures import QUICK, lines, trained  # noqa: F401  (fixtures)
from tests.models.synthetic import CAMERA, line_frame, write_lines


def open_run(config: TrainConfig) -> RunFolder:
    return RunFolder.open(config.out, settings_of(config))


def test_the_exported_policy_reads_the_line(trained: Path) -> None:  # noqa: F811
    policy = OnnxPolicy(trained / "policy.onnx")
    rng = np.random.default_rng(9)
    wanted = rng.uniform(-0.8, 0.8, 60)
    speed = np.array([8.0], np.float32)
    found = np.array([policy.act({"camera": line_frame(s, rng), "speed": speed}).steering for s in wanted])
    assert np.corrcoef(wanted, found)[0, 1] > 0.95
    assert np.abs(found - wanted).mean() < 0.15


def test_a_run_leaves_its_policy_settings_and_logs(trained: Path) -> None:  # noqa: F811
    names = {path.name for path in trained.iterdir()}
    assert {"policy.onnx", "policy.json", "train.json", "log.csv", "tensorboard", "weights.npz"} <= names
    assert "checkpoint.npz" not in names
    assert json.loads((trained / "train.json").read_text())["finished"]
    rows = (trained / "log.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,loss") and len(rows) == 4
    assert list((trained / "tensorboard").iterdir())
    assert training_seeds(trained / "policy.onnx") == set(range(100, 104))
    described = json.loads((trained / "policy.json").read_text())
    assert described["datasets"][0]["weathers"] == ["overcast"]
    assert described["camera"]["width_px"] == CAMERA.width_px


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(
    lines: Path,  # noqa: F811
    trained: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    killed = tmp_path / "killed"
    code = (
        "from pathlib import Path; from drive.train import TrainConfig, main; "
        f"main(TrainConfig(data=(Path({str(lines)!r}),), out=Path({str(killed)!r}), **{QUICK!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    checkpoint = killed / "checkpoint.npz"
    deadline = time.monotonic() + HANG_S
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert checkpoint.exists(), errors.decode()[-2000:]
    assert not (killed / "policy.onnx").exists()

    with pytest.raises(UserError, match=r"unfinished run with --epochs 3, not 4"):
        main(TrainConfig(data=(lines,), out=killed, epochs=4, batch_size=8))
    main(TrainConfig(data=(lines,), out=killed, **QUICK))
    with np.load(killed / "weights.npz") as a, np.load(trained / "weights.npz") as b:
        for name in a.files:
            np.testing.assert_allclose(a[name], b[name], atol=2e-3)
    rows = (killed / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows][-1] == "3"


def test_no_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no data to train on"):
        main(TrainConfig(data=(), out=tmp_path / "run"))
    with pytest.raises(UserError, match="does not exist"):
        main(TrainConfig(data=(tmp_path / "none",), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_data_of_another_camera_is_refused(lines: Path, tmp_path: Path) -> None:  # noqa: F811
    from dataclasses import replace

    other = write_lines(tmp_path / "other", episodes=1, length=3, camera=replace(CAMERA, z=2.0))
    with pytest.raises(UserError, match=r"another camera .*z 2.0 instead of 1.4"):
        main(TrainConfig(data=(lines, other), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_folder_with_other_things_is_refused(lines: Path, trained: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="holds other things"):
        main(TrainConfig(data=(lines,), out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(UserError, match="is a file"):
        main(TrainConfig(data=(lines,), out=tmp_path / "letter.txt"))
    with pytest.raises(UserError, match="holds a finished run"):
        main(TrainConfig(data=(lines,), out=trained))


def test_a_gpu_that_is_not_there_is_an_error_with_the_reason(lines: Path, tmp_path: Path) -> None:  # noqa: F811
    if device.gpu_names():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match=r"--device gpu: .+"):
        main(TrainConfig(data=(lines,), out=tmp_path / "run", device="gpu"))
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_network_version_is_not_gone_on_with(lines: Path, tmp_path: Path) -> None:  # noqa: F811
    config = TrainConfig(data=(lines,), out=tmp_path / "run")
    open_run(config)
    open_run(config)  # of this version
    record = tmp_path / "run" / "train.json"
    values = json.loads(record.read_text())
    for other in ({**values, "network": 1}, {name: values[name] for name in ("finished", "config")}):
        record.write_text(json.dumps(other))
        with pytest.raises(
            UserError, match=r"unfinished run of another version of the network: give another"
        ):
            open_run(config)
        assert json.loads(record.read_text()) == other


def test_a_run_that_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    alone = write_lines(tmp_path / "alone", episodes=1, length=24)
    with pytest.raises(UserError, match="one road alone"):  # known once the pictures are decoded
        main(TrainConfig(data=(alone,), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    damaged = write_lines(tmp_path / "damaged", episodes=2, length=24)
    os.truncate(min((damaged / "data").rglob("*.parquet")), 500)
    with pytest.raises(UserError, match=r"parquet is damaged"):
        main(TrainConfig(data=(damaged,), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_what_a_run_found_is_never_abandoned(lines: Path, tmp_path: Path) -> None:  # noqa: F811
    there = tmp_path / "there"
    there.mkdir()
    open_run(TrainConfig(data=(lines,), out=there)).abandon()
    assert (there / "train.json").exists()
    open_run(TrainConfig(data=(lines,), out=there)).abandon()  # of a run that was stopped
    assert (there / "train.json").exists()
    begun = open_run(TrainConfig(data=(lines,), out=tmp_path / "begun"))
    begun.checkpoint.write_bytes(b"after an epoch")
    begun.abandon()
    assert begun.checkpoint.exists()


def test_without_tensorflow_the_install_line_is_given(
    lines: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find_spec = device.importlib.util.find_spec
    monkeypatch.setattr(
        device.importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find_spec(name)
    )
    with pytest.raises(UserError, match=r'pip install "drivegym\[train\]"'):
        main(TrainConfig(data=(lines,), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(UserError, match="--epochs is 0; take 1 to"):
        TrainConfig(data=(), epochs=0)
    with pytest.raises(UserError, match="--balance is 2"):
        TrainConfig(data=(), balance=2.0)


def test_the_command_line_module_loads_no_tensorflow() -> None:
    code = "import sys, drive.train, drive.models.policy; sys.exit('tensorflow' in sys.modules)"
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
