import ast
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np


def test_an_edit_in_a_called_file_changes_the_key(tmp_path, monkeypatch):
    from drive.core import kernels

    package = tmp_path / "drive"
    package.mkdir()
    (package / "inner.py").write_text("def inner(x):\n    return x\n")
    outer = package / "outer.py"
    outer.write_text("from drive.inner import inner\n")
    monkeypatch.setattr(kernels, "_PACKAGE", package)

    def key() -> str:
        kernels.source_key.cache_clear()
        kernels._source.cache_clear()
        return kernels.source_key(outer)

    first = key()
    assert key() == first
    (package / "inner.py").write_text("def inner(x):\n    return 2 * x\n")
    assert key() != first
    (package / "inner.py").write_text("def inner(x):\n    return x\n")
    assert key() == first


def test_multi_line_and_module_imports_are_followed(tmp_path, monkeypatch):
    from drive.core import kernels

    package = tmp_path / "drive"
    (package / "sim").mkdir(parents=True)
    for name in ("a", "b", "c"):
        (package / "sim" / f"{name}.py").write_text("")
    (package / "top.py").write_text(
        textwrap.dedent(
            """
            from drive.sim.a import (
                x,
                y,
            )
            from drive.sim import b
            import drive.sim.c
            """
        )
    )
    monkeypatch.setattr(kernels, "_PACKAGE", package)
    kernels._source.cache_clear()
    found = {p.name for p in kernels._source(package / "top.py")[1]}
    assert found == {"a.py", "b.py", "c.py"}


def test_no_import_of_the_package_is_missed():
    from drive.core import kernels

    for path in sorted(kernels._PACKAGE.rglob("*.py")):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
        files = {kernels._module_file(name) for name in names if name.split(".")[0] == "drive"} - {None}
        assert files <= kernels._source(path)[1], path


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, drive, drive.cli; "
        "known = {'tensorflow', 'keras', 'numba', 'cv2', 'matplotlib', 'pyarrow', 'scipy'}; "
        "heavy = known & set(sys.modules); "
        "print(sorted(heavy))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_processes_that_save_at_once_never_lead_each_other_to_the_wrong_code(tmp_path, monkeypatch):
    from drive.core.kernels import kernel
    from drive.core.portable_math import wrap_angle

    monkeypatch.setenv("DRIVE_CACHE", str(tmp_path))
    cache = kernel(wrap_angle.py_func)._cache
    cache._impl.locator.ensure_cache_path()
    one, other, reader = (kernel(wrap_angle.py_func)._cache._cache_file for _ in range(3))
    monkeypatch.setattr(other, "_load_index", dict)  # it looked before the first one wrote
    save_data = one._save_data

    def save_later(name, data):
        other.save("float64", "code for float64")
        save_data(name, data)

    monkeypatch.setattr(one, "_save_data", save_later)
    one.save("int64", "code for int64")
    assert reader.load("float64") == "code for float64"
    assert reader.load("int64") in (None, "code for int64")


def test_the_cache_of_other_functions_stays_where_it_was(tmp_path):
    (tmp_path / "theirs.py").write_text(
        textwrap.dedent(
            """
            from numba import config, njit
            from drive.core.portable_math import sin

            @njit(cache=True)
            def double(x):
                return 2 * x

            double(1)
            sin(1.0)
            print(repr(config.CACHE_DIR), double._cache.cache_path, sin._cache.cache_path, sep="\\n")
            """
        )
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": "", "DRIVE_CACHE": str(tmp_path / "ours")}
    result = subprocess.run(
        [sys.executable, tmp_path / "theirs.py"], capture_output=True, text=True, check=True, env=environment
    )
    setting, theirs, ours = result.stdout.splitlines()
    assert setting == "''"
    assert Path(theirs) == tmp_path / "__pycache__"
    assert Path(ours).is_relative_to(tmp_path / "ours")
    assert list(Path(ours).glob("portable_math.sin-*.nbi"))


def test_kernels_are_removed_that_nobody_used_for_a_month(tmp_path, monkeypatch):
    from drive.core.kernels import KEPT_DAYS, cache_root, kernel, remove_old_caches
    from drive.core.portable_math import wrap_angle

    monkeypatch.setenv("DRIVE_CACHE", str(tmp_path))
    long_ago = time.time() - (KEPT_DAYS + 1) * 86400.0
    used = Path(kernel(wrap_angle.py_func)._cache.cache_path).parent
    names = ["0123456789abcdef", "fedcba9876543210", "not-ours", "0123456789abcdee"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.nbc").write_bytes(b"code")
    for folder in [used, *(tmp_path / name for name in names[:3])]:
        os.utime(folder, (long_ago, long_ago))
    kernel(wrap_angle.py_func)  # any process that loads it makes it young again
    assert cache_root() == tmp_path
    remove_old_caches()
    assert {path.name for path in tmp_path.iterdir()} == {used.name, "not-ours", "0123456789abcdee"}


def test_a_process_whose_kernels_were_removed_compiles_them_again(tmp_path, monkeypatch):
    import shutil

    from drive.core.kernels import kernel
    from drive.core.portable_math import wrap_angle

    monkeypatch.setenv("DRIVE_CACHE", str(tmp_path))
    wrapped = kernel(wrap_angle.py_func)
    shutil.rmtree(wrapped._cache.cache_path)
    assert wrapped(7.0) == wrap_angle(7.0)
    assert list(Path(wrapped._cache.cache_path).glob("*.nbc"))


def test_an_entry_gives_what_its_kernel_gives(tmp_path, monkeypatch):
    from drive.core.kernels import entry, kernel

    monkeypatch.setenv("DRIVE_CACHE", str(tmp_path))

    def grow(values, by):
        values += by.step
        return float(values.sum()), len(values)

    class By(NamedTuple):
        step: float

    plain, values = entry(grow), np.arange(3.0)
    compiled, others = entry(kernel(grow)), np.arange(3.0)
    for _ in range(2):
        assert compiled(others, By(0.5)) == plain(values, By(0.5))
        np.testing.assert_array_equal(others, values)
