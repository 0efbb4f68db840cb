"""The one decorator for compiled kernels, with a disk cache that notices edits in called files.

numba's own cache watches only the file of the function itself. Here each kernel is cached in a folder
keyed by a hash over its file and every file of this package that it imports, directly or not.
"""

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

_PACKAGE = Path(__file__).resolve().parent
_IMPORT = re.compile(r"^\s*(?:from\s+(drive[\w.]*)\s+import\s+(\(?[\w ,\n]*)|import\s+(drive[\w.]*))", re.M)
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
    found: set[Path] = set()
    for match in _IMPORT.finditer(path.read_text(encoding="utf-8")):
        module = match.group(1) or match.group(3)
        names = re.findall(r"\w+", match.group(2) or "")
        for candidate in [module, *(f"{module}.{name}" for name in names)]:
            if file := _module_file(candidate):
                found.add(file)
    return frozenset(found)


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
    numba.config.CACHE_DIR = str(cache_root() / source_key(path))
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
