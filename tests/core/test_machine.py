import pytest

from drive.core import machine


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Sixteen cores, and a machine without control groups."""
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "fs")
    monkeypatch.setattr(machine, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    return tmp_path


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_control_groups_all_cores_count(groups):
    assert machine.cores() == 16


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 16),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("5000 100000", 1),
        ("9900000 100000", 16),
    ],
)
def test_a_containers_quota_counts_rounded_up(groups, quota, cores):
    put(groups / "own", "0::/\n")
    put(groups / "fs/cpu.max", f"{quota}\n")
    assert machine.cores() == cores


def test_the_least_quota_of_all_groups_around_counts(groups):
    put(groups / "own", "0::/user.slice/one.scope\n")
    put(groups / "fs/user.slice/cpu.max", "300000 100000\n")
    put(groups / "fs/user.slice/one.scope/cpu.max", "max 100000\n")
    assert machine.cores() == 3


@pytest.mark.parametrize(("quota", "cores"), [("-1", 16), ("400000", 4)])
@pytest.mark.parametrize("folder", ["fs/cpu,cpuacct/docker/one", "fs/cpu"])
def test_version_1_has_quota_and_period_apart(groups, quota, cores, folder):
    put(groups / "own", "5:memory:/docker/one\n4:cpu,cpuacct:/docker/one\n0::/\n")
    put(groups / folder / "cpu.cfs_quota_us", f"{quota}\n")
    put(groups / folder / "cpu.cfs_period_us", "100000\n")
    assert machine.cores() == cores


def test_files_of_another_form_are_passed_over(groups):
    put(groups / "own", "nonsense\n0::/\n")
    put(groups / "fs/cpu.max", "many few\n")
    assert machine.cores() == 16
