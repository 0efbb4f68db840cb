import subprocess
import sys
import textwrap


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
        kernels._imported_files.cache_clear()
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
    kernels._imported_files.cache_clear()
    found = {p.name for p in kernels._imported_files(package / "top.py")}
    assert found == {"a.py", "b.py", "c.py"}


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
