"""Ask for memory before it is needed, and move whole words of it.

In a batch each world's data has left the near caches by the time its turn comes again. A kernel that
knows which lines it will read asks for all of them at once and works on something else meanwhile: misses
then overlap instead of standing in a row. Nothing that is computed depends on it.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from drive.core.kernels import kernel

LINE = 64  # bytes that come at once

_INT = ir.IntType(32)
_READ = ir.Constant(_INT, 0)
_KEEP = ir.Constant(_INT, 2)  # in the second cache: there is more of it than the first one holds
_DATA = ir.Constant(_INT, 1)


def _place(context: Any, builder: Any, array: Any, byte: Any, arguments: Any, kind: Any) -> Any:
    """Pointer to a kind at an offset in bytes (the second argument) in an array (the first)."""
    fields = context.make_array(array)(context, builder, arguments[0])
    wide = context.cast(builder, arguments[1], byte, types.intp)
    return cgutils.pointer_add(builder, fields.data, wide, kind.as_pointer())


def _prefetch(typing_context: Any, array: Any, byte: Any) -> Any:
    """Ask for the line at an offset in bytes in an array; one outside it is harmless.

    LLVM's prefetch instruction, https://llvm.org/docs/LangRef.html#llvm-prefetch-intrinsic.
    """
    if not isinstance(array, types.Array) or not isinstance(byte, types.Integer):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, array, byte, arguments, ir.IntType(8))
        kind = ir.FunctionType(ir.VoidType(), [place.type, _INT, _INT, _INT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, _READ, _KEEP, _DATA])
        return context.get_dummy_value()

    return types.void(array, byte), generate


prefetch: Any = intrinsic(_prefetch)  # in kernels: prefetch(array, byte)


@kernel
def prefetch_range(array: Any, first: int, end: int) -> None:
    """Ask for the elements [first, end) of an array."""
    for byte in range(first * array.itemsize, end * array.itemsize + LINE, LINE):
        prefetch(array, byte)


def _load_pair(typing_context: Any, array: Any, byte: Any) -> Any:
    """Two neighbours of four bytes each, the first in the lower half, at an offset in bytes."""
    if not isinstance(array, types.Array) or not isinstance(byte, types.Integer):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, array, byte, arguments, ir.IntType(64))
        return builder.load(place, align=4)

    return types.uint64(array, byte), generate


def _store_word(typing_context: Any, array: Any, byte: Any, word: Any) -> Any:
    """Write four bytes, the lowest first, at any offset in bytes."""
    if not isinstance(array, types.Array) or word != types.uint32:
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, array, byte, arguments, ir.IntType(32))
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(array, byte, word), generate


# Without bounds, on machines whose lowest byte comes first (all that numba compiles for).
load_pair: Any = intrinsic(_load_pair)  # in kernels: load_pair(array, byte)
store_word: Any = intrinsic(_store_word)  # in kernels: store_word(array, byte, word)
