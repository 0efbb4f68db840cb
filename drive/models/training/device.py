"""TensorFlow, loaded quietly, and the device it trains on."""

import contextlib
import ctypes
import importlib.util
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from drive.core.errors import UserError

Device = Literal["auto", "cpu", "gpu"]
INSTALL = 'pip install "drivegym[train]"'
INSTALL_GPU = 'pip install "drivegym[gpu]"'
_CUDA_LIBRARIES = ("cudart", "cublas", "cudnn", "cufft", "cusolver", "cusparse")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C++ code writes to stderr while TensorFlow starts; show it if that fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        before = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(before, kept.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)


def require_training() -> None:
    """Look whether the packages that train are installed, without importing them.

    Raises:
        UserError: they are not; the message has the install line.
    """
    missing = [
        name for name in ("tensorflow", "keras", "tf2onnx", "onnx") if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise UserError(f"training needs {', '.join(missing)}, which is not installed: {INSTALL}")


def load_tensorflow() -> Any:
    """Import TensorFlow and Keras without their start-up messages.

    Raises:
        UserError: they are not installed; the message has the install line.
    """
    require_training()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    with _quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("ERROR")
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        raise UserError(
            f"KERAS_BACKEND is {os.environ['KERAS_BACKEND']}, training needs tensorflow: unset KERAS_BACKEND."
        )
    return tf


def gpu_names() -> list[str]:
    """Names of the GPUs that TensorFlow can use; empty where there is none."""
    tf = load_tensorflow()
    found = []
    for device in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(device)
        found.append(str(details.get("device_name", device.name)))
    return found


def why_no_gpu() -> str:
    """Why TensorFlow has no GPU here, as part of a sentence, and what to do."""
    tf = load_tensorflow()
    if os.environ.get("CUDA_VISIBLE_DEVICES", "unset") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides all GPUs: unset it"
    if sys.platform != "linux":
        return f"TensorFlow uses GPUs on Linux only, this is {sys.platform}: on Windows, install it in WSL2"
    build = tf.sysconfig.get_build_info()
    if not build.get("is_cuda_build"):
        return f"this TensorFlow was built without CUDA: {INSTALL_GPU}"
    if not _loads("libcuda.so.1"):
        return "libcuda.so.1 does not load: there is no NVIDIA driver; install it, then " + INSTALL_GPU
    lost = [name for name in _CUDA_LIBRARIES if not _find_cuda_library(name)]
    if lost:
        names = ", ".join(f"lib{name}.so" for name in lost)
        return f"{names} cannot be found (CUDA {build.get('cuda_version')} is needed): {INSTALL_GPU}"
    return "the NVIDIA driver is there but reports no GPU: look at nvidia-smi"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _find_cuda_library(name: str) -> bool:
    from ctypes.util import find_library

    packages = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    return any(packages.glob(f"*/lib/lib{name}.so*")) or find_library(name) is not None


def choose_device(device: Device) -> tuple[list[str], Any]:
    """Settle on what to train on; call it before anything is computed.

    Returns:
        Names of the GPUs that train (none: the CPU), and the `tf.distribute` strategy.

    Raises:
        UserError: a GPU was asked for, and there is none.
    """
    tf = load_tensorflow()
    names = gpu_names()
    if device == "gpu" and not names:
        raise UserError(f"--device gpu: {why_no_gpu()}; or train with --device cpu")
    if device == "cpu" and names:
        tf.config.set_visible_devices([], "GPU")
        names = []
    for gpu in tf.config.get_visible_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # already in use: keep its settings
            tf.config.experimental.set_memory_growth(gpu, True)
    strategy = tf.distribute.MirroredStrategy() if len(names) > 1 else tf.distribute.get_strategy()
    return names, strategy
