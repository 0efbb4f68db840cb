"""The one decorator for compiled kernels, with a disk cache that notices edits in called files.

numba's own cache watches only the file of the function itself. Here each kernel is cached in a folder
keyed by a hash over its file and every file of this package that it imports, directly or not.
"""

import ast
import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numba

_PACKAGE = Path(__file__).resolve().parents[1]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def cache_root() -> Path:
    """The folder that holds compiled kernels (`DRIVE_CACHE`, else the user's cache folder)."""
    if folder := os.environ.get("DRIVE_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "drive"


def _module_file(name: str) -> Path | None:
    base = _PACKAGE.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _imported_files(path: Path) -> frozenset[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    files = (_module_file(name) for name in names if name.split(".")[0] == _PACKAGE.name)
    return frozenset(file for file in files if file)


@cache
def source_key(path: Path) -> str:
    """Hash over a source file and all files of this package that it imports, directly or not."""
    seen: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo.extend(_imported_files(file) - seen)
    digest = hashlib.sha256()
    for file in sorted(seen):
        digest.update(str(file.relative_to(_PACKAGE.parent)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def kernel(function: _Function) -> _Function:
    """Compile a function for flat arrays: no GIL, exact arithmetic (no fastmath), cached on disk."""
    path = Path(function.__code__.co_filename).resolve()
    config: Any = numba.config
    config.CACHE_DIR = str(cache_root() / source_key(path))
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    if hasattr(compiled, "_cache"):  # not where NUMBA_DISABLE_JIT is set
        _name_data_files_apart(compiled._cache._cache_file)
    return compiled


def _name_data_files_apart(file: Any) -> None:
    """Never let two processes write one data file.

    numba numbers them after the index. Two processes that compile a kernel for different types at once may
    both read the index before either wrote it, take the same number, and the index that stays then leads to
    code for other types. With names of their own the worst is an entry that is lost and compiled again.
    """
    stem = file._index_name.removesuffix(".nbi")
    file._data_name = lambda number: f"{stem}.{number}-{uuid4().hex[:16]}.nbc"
