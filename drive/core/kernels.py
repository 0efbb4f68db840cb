"""The one decorator for compiled kernels, with a disk cache that notices edits in called files.

numba's own cache watches only the file of the function itself. Here each kernel is cached in a folder
keyed by a hash over its file and every file of this package that it imports, directly or not.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import uuid4

import numba
import platformdirs
from numba.core import caching

_PACKAGE = Path(__file__).resolve().parents[1]
_DAY = 86400.0  # [s]
KEPT_DAYS = 30.0  # that a folder of compiled kernels stays after its last use
_Function = TypeVar("_Function", bound=Callable[..., Any])


def cache_root() -> Path:
    """The folder that holds compiled kernels (`DRIVE_CACHE`, else `drive` in the user's cache folder)."""
    if folder := os.environ.get("DRIVE_CACHE"):
        return Path(folder)
    if folder := os.environ.get("XDG_CACHE_HOME"):  # on systems, too, that have no such custom
        return Path(folder) / "drive"
    return platformdirs.user_cache_path("drive", appauthor=False)


_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+(\([^)]*\)|[^\n]*)", re.MULTILINE)


def _module_file(name: str) -> Path | None:
    base = f"{_PACKAGE.parent}/{name.replace('.', '/')}"
    for path in (f"{base}.py", f"{base}/__init__.py"):
        if os.path.isfile(path):
            return Path(path)
    return None


@cache
def _source(path: Path) -> tuple[bytes, frozenset[Path]]:
    """A hash over the name and the text of a source file, and the files of this package that it imports.

    Found by a pattern, for a parser takes twenty times as long, and each start would wait for it. An import
    that stands in a docstring counts, too, which does no harm.
    """
    text = path.read_bytes()
    names: set[str] = set()
    for module, imported in _IMPORT.findall(text.decode("utf-8")):
        found = re.findall(r"[\w.]+", imported)
        names.update([module, *(f"{module}.{name}" for name in found)] if module else found)
    files = (_module_file(name) for name in names if name.split(".")[0] == _PACKAGE.name)
    digest = hashlib.sha256(str(path.relative_to(_PACKAGE.parent)).encode() + b"\0" + text).digest()
    return digest, frozenset(file for file in files if file)


@cache
def source_key(path: Path) -> str:
    """Hash over a source file and all files of this package that it imports, directly or not."""
    seen: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo.extend(_source(file)[1] - seen)
    return hashlib.sha256(b"".join(sorted(_source(file)[0] for file in seen))).hexdigest()[:16]


def kernel(function: _Function) -> _Function:
    """Compile a function for flat arrays: no GIL, exact arithmetic (no fastmath), cached on disk."""
    compiled: Any = numba.njit(nogil=True, error_model="numpy")(function)
    if hasattr(compiled, "_cache"):  # not where NUMBA_DISABLE_JIT is set
        compiled._cache = _KernelCache(function)
    return compiled


def entry(function: _Function) -> _Function:
    """A kernel that is always called with arguments of the same types, called without looking at them.

    On each call numba works out the types of all arguments: of twenty arrays and a named tuple that takes 10
    to 25 us, the call itself 4. Here the first call alone says what they are. Those of later ones must have
    the same: arrays their element type, number of dimensions and order in memory. Nothing checks it.
    """
    found: Callable[..., Any] | None = None

    def call(*arguments: Any) -> Any:
        nonlocal found
        if found is None:
            found = _compiled_for(function, arguments)
        return found(*arguments)

    return cast(_Function, call)


def _compiled_for(function: Any, arguments: tuple[Any, ...]) -> Callable[..., Any]:
    if not hasattr(function, "overloads"):  # where NUMBA_DISABLE_JIT is set
        return cast(Callable[..., Any], function)
    signature = tuple(numba.typeof(argument) for argument in arguments)
    function.compile(signature)
    return cast(Callable[..., Any], function.overloads[signature].entry_point)


class _Locator(caching._SourceFileBackedLocatorMixin, caching._CacheLocator):  # type: ignore[misc]
    """Where our kernels are cached; numba's own setting, and the kernels of others, stay as they are."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file
        self._lineno = function.__code__.co_firstlineno
        folder = cache_root() / source_key(Path(file).resolve())
        self._path = folder / self.get_suitable_cache_subpath(file)

    def ensure_cache_path(self) -> None:
        super().ensure_cache_path()
        _note_use(self._path.parent)

    def get_cache_path(self) -> str:
        return str(self._path)


class _Implementation(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_Locator, *caching.CompileResultCacheImpl._locator_classes]  # noqa: RUF012 - numba's


class _KernelCache(caching.FunctionCache):  # type: ignore[misc]
    """numba's cache, but never do two processes write one data file.

    numba numbers them after the index. Two processes that compile a kernel for different types at once may
    both read the index before either wrote it, take the same number, and the index that stays then leads to
    code for other types. With names of their own the worst is an entry that is lost and compiled again.
    """

    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        file: Any = self._cache_file
        stem = file._index_name.removesuffix(".nbi")
        file._data_name = lambda number: f"{stem}.{number}-{uuid4().hex[:16]}.nbc"


def _note_use(folder: Path) -> None:
    """Make the folder as young as its last use, once a day."""
    with suppress(OSError):
        if time.time() - folder.stat().st_mtime > _DAY:
            os.utime(folder)


def remove_old_caches() -> None:
    """Remove the compiled kernels of sources that nobody has used for `KEPT_DAYS`.

    A process that does use them, started longer ago than that, compiles them again where it must.
    """
    folders = cache_root().iterdir() if cache_root().is_dir() else ()
    for folder in folders:
        if re.fullmatch(r"[0-9a-f]{16}", folder.name) and folder.is_dir() and not folder.is_symlink():
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > KEPT_DAYS * _DAY:
                    shutil.rmtree(folder, ignore_errors=True)
