"""Keras on its backend, loaded quietly, and the device it trains on."""

import contextlib
import ctypes
import importlib.util
import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drive.core.errors import UserError

DeviceChoice = Literal["auto", "cpu", "gpu"]
BACKENDS = ("tensorflow", "jax", "torch")
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


@dataclass(frozen=True)
class Device:
    """What trains: `names` of its GPUs (none: the CPU), and the scope in which a model for it is built."""

    names: tuple[str, ...]
    scope: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext


def backend_name() -> str:
    """The Keras backend that trains: KERAS_BACKEND, or TensorFlow.

    Raises:
        UserError: Keras has no such backend.
    """
    name = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in BACKENDS:
        raise UserError(f"KERAS_BACKEND is {name}; take {', '.join(BACKENDS)}, or unset it.")
    return name


def require_training() -> None:
    """Look whether the packages that train are installed, without importing them.

    Raises:
        UserError: they are not; the message has the install line.
    """
    backend = backend_name()
    if backend == "tensorflow":
        return require_tensorflow()
    if missing := _missing("keras", backend):
        raise UserError(f"training needs {missing}, which is not installed: pip install keras {backend}")


def require_tensorflow() -> None:
    """As `require_training`, for what TensorFlow alone does: the export."""
    if missing := _missing("tensorflow", "keras", "tf2onnx", "onnx"):
        raise UserError(f"training needs {missing}, which is not installed: {INSTALL}")


def _missing(*packages: str) -> str:
    return ", ".join(name for name in packages if importlib.util.find_spec(name) is None)


def load_keras() -> str:
    """Import Keras and its backend without their start-up messages; the backend's name.

    Raises:
        UserError: they are not installed; the message has the install line.
    """
    backend = backend_name()
    if backend == "tensorflow":
        load_tensorflow()
        return backend
    require_training()
    with _quiet():
        import keras

    if keras.backend.backend() != backend:
        raise UserError(f"Keras runs on {keras.backend.backend()} already, KERAS_BACKEND is {backend}.")
    return backend


def load_tensorflow() -> Any:
    """Import TensorFlow and Keras without their start-up messages.

    Raises:
        UserError: they are not installed; the message has the install line.
    """
    require_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    with _quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("ERROR")
    return tf


def gpu_names() -> list[str]:
    """Names of the GPUs that the Keras backend can use; empty where there is none."""
    backend = load_keras()
    if backend == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
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


def choose_device(device: DeviceChoice) -> Device:
    """Settle on what to train on; call it before anything is computed.

    TensorFlow takes all GPUs, JAX and PyTorch the first one.

    Raises:
        UserError: a GPU was asked for, and there is none.
    """
    if device == "cpu" and backend_name() != "tensorflow":
        os.environ["JAX_PLATFORMS"], os.environ["CUDA_VISIBLE_DEVICES"] = "cpu", ""
    backend, names = load_keras(), gpu_names()
    if device == "gpu" and not names:
        why = why_no_gpu() if backend == "tensorflow" else f"{backend} finds none"
        raise UserError(f"--device gpu: {why}; or train with --device cpu")
    if backend != "tensorflow":
        return Device(tuple(names[:1]))
    tf = load_tensorflow()
    if device == "cpu" and names:
        tf.config.set_visible_devices([], "GPU")
        names = []
    for gpu in tf.config.get_visible_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # already in use: keep its settings
            tf.config.experimental.set_memory_growth(gpu, True)
    strategy = tf.distribute.MirroredStrategy() if len(names) > 1 else tf.distribute.get_strategy()
    return Device(tuple(names), strategy.scope)
