"""`drive doctor`: what works on this machine, and how to mend what does not."""

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from drive.core.machine import cores


@dataclass(frozen=True)
class DoctorConfig:
    """Check this machine: kernels, cores, GPU, extras; say how to mend what is missing."""

    json: bool = False
    """Print one JSON object instead of a table."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    name: str
    state: str  # "ok", "missing" (optional) or "broken" (needed)
    detail: str
    remedy: str = ""


def _kernels() -> Finding:
    start = time.perf_counter()
    try:
        from drive.driving.warmup import warm_up

        warm_up()
    except Exception as error:  # report whatever is wrong here
        return Finding(
            "kernels",
            "broken",
            f"{type(error).__name__}: {error}",
            "reinstall: pip install --force-reinstall numba",
        )
    from drive.core.kernels import cache_root

    return Finding(
        "kernels", "ok", f"compiled or loaded in {time.perf_counter() - start:.1f} s from {cache_root()}"
    )


def _cores() -> Finding:
    return Finding(
        "cores", "ok", f"{cores()} usable, {platform.machine()}, Python {platform.python_version()}"
    )


def _opencv() -> Finding:
    try:
        import cv2
    except ImportError as error:
        return Finding(
            "opencv", "broken", str(error),
            "pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python-headless",
        )  # fmt: skip
    return Finding("opencv", "ok", cv2.__version__)


def _extra(name: str, extra: str, packages: tuple[str, ...]) -> Finding:
    """Whether what an extra of the package brings is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = {package: version(package) for package in packages}
    except PackageNotFoundError as error:
        return Finding(name, "missing", f"no {error.name}", f'pip install "drivegym[{extra}]"')
    return Finding(name, "ok", ", ".join(f"{package} {v}" for package, v in found.items()))


def _train() -> Finding:
    return _extra("training", "train", ("tensorflow", "keras", "tf2onnx", "onnx"))


def _pages() -> Finding:
    return _extra("pages", "serve", ("starlette", "uvicorn", "websockets"))


def _minari() -> Finding:
    return _extra("Minari", "interchange", ("minari", "h5py", "pillow"))


def _gpu() -> Finding:
    if _train().state != "ok":
        return Finding("gpu", "missing", "TensorFlow is not installed", 'pip install "drivegym[gpu]"')
    from drive.models.training.device import gpu_names, why_no_gpu

    names = gpu_names()
    if names:
        return Finding("gpu", "ok", ", ".join(names))
    return Finding(
        "gpu",
        "missing",
        why_no_gpu(),
        'pip install "drivegym[gpu]" on Linux with an NVIDIA driver; all but training is CPU work',
    )


def _policies() -> Finding:
    try:
        import onnxruntime
    except ImportError as error:
        return Finding("policies", "broken", str(error), "pip install --force-reinstall onnxruntime")
    return Finding("policies", "ok", f"onnxruntime {onnxruntime.__version__}")


def _films() -> Finding:
    try:
        import imageio_ffmpeg

        return Finding("films", "ok", f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
    except (ImportError, RuntimeError) as error:
        return Finding("films", "broken", str(error), "pip install --force-reinstall imageio-ffmpeg")


CHECKS: tuple[Callable[[], Finding], ...] = (
    _cores, _kernels, _opencv, _policies, _films, _train, _gpu, _pages, _minari,
)  # fmt: skip


def main(config: DoctorConfig) -> None:
    """Run every check; exit 1 if something that is needed is broken."""
    findings = [check() for check in CHECKS]
    if config.json:
        import json

        print(
            json.dumps({f.name: {"state": f.state, "detail": f.detail, "remedy": f.remedy} for f in findings})
        )
    else:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table("what", "state", "detail", "to mend it", title="drive doctor")
        colors = {"ok": "green", "missing": "yellow", "broken": "red"}
        for f in findings:
            table.add_row(f.name, f"[{colors[f.state]}]{f.state}[/]", escape(f.detail), escape(f.remedy))
        Console().print(table)
    if any(f.state == "broken" for f in findings):
        sys.exit(1)
