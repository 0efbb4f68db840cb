import pytest

from drive.models.training import precision
from drive.models.training.precision import choose_precision, cpu_multiplies_bfloat16

WITH = "processor\t: 0\nflags\t\t: fpu sse avx512f avx512_bf16 avx512vl\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WITH, True),
        (WITH.replace("avx512_bf16", "amx_bf16"), True),
        (WITH.replace("avx512_bf16", ""), False),
        ("model name: avx512_bf16\n", False),
        ("", False),
    ],
)
def test_bfloat16_is_read_off_the_processor_flags(tmp_path, text, expected):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert cpu_multiplies_bfloat16(path) is expected


def test_an_unknown_processor_trains_in_float32(tmp_path):
    assert not cpu_multiplies_bfloat16(tmp_path / "missing")


@pytest.mark.parametrize("native", [True, False])
def test_the_precision_follows_the_device(monkeypatch, native):
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: native)
    assert choose_precision("off", on_gpu=True) == "float32"
    assert choose_precision("auto", on_gpu=True) == "mixed_float16"
    assert choose_precision("auto", on_gpu=False) == ("mixed_bfloat16" if native else "float32")
    assert choose_precision("on", on_gpu=False) == "mixed_bfloat16"
