"""A policy file at the wheel: ONNX Runtime, no Keras, no TensorFlow."""

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from drive.agent import OBSERVATION, AgentFailure, Context, Control
from drive.camera import Camera, camera_from
from drive.core.errors import UserError
from drive.core.json_data import convert, decode
from drive.models.policy_camera import PictureMap, picture_map
from drive.models.policy_inputs import ADAPTERS, INPUT_SHAPES, Adapter, read_adapter
from drive.models.policy_outputs import (
    ActionDriving,
    VectorDriving,
    check_driving,
    check_finite,
    read_driving,
)

POLICY_FORMAT = 1
INSIDE = "drive"  # the property of the ONNX file that holds the same JSON as the file beside it
_TRIAL_S = 2.0  # for a first frame at loading [s]
_DTYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32, "tensor(int64)": np.int64}


@dataclass(frozen=True)
class PolicyDescription:
    """The JSON beside a policy file."""

    camera: Camera | None  # whose frames it was trained on
    training_seeds: frozenset[int]  # of the scenarios in its data
    adapter: Adapter | None  # how to turn a frame into a float input
    driving: VectorDriving | None  # how to drive by a vector output
    values: Mapping[str, Any]  # the whole file


class _SidecarForm(msgspec.Struct):
    camera: dict[str, Any] | None = None
    training_seeds: list[int] = []
    adapter: dict[str, Any] | None = None
    driving: dict[str, Any] | None = None


def read_description(path: Path | str) -> PolicyDescription | None:
    """Read the JSON beside the policy file `path`, or else that inside; None where there is none.

    Raises:
        UserError: the JSON is damaged.
    """
    sidecar = Path(path).with_suffix(".json")
    if sidecar.is_file():
        text = sidecar.read_bytes
    else:
        inside = _open(Path(path)).get_modelmeta().custom_metadata_map.get(INSIDE)
        if inside is None:
            return None
        sidecar, text = Path(path), inside.encode
    try:
        values = decode(text(), dict[str, Any])
        form = convert(values, _SidecarForm)
        camera = camera_from(form.camera, "camera") if form.camera is not None else None
        adapter = read_adapter(form.adapter) if form.adapter is not None else None
        driving = read_driving(form.driving) if form.driving is not None else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, UserError) as error:
        raise UserError(
            f"{sidecar} is damaged ({type(error).__name__}: {error}): export the policy again."
        ) from error
    return PolicyDescription(camera, frozenset(form.training_seeds), adapter, driving, values)


def training_seeds(path: Path | str) -> frozenset[int]:
    """Seeds of the scenarios that a policy was trained on; empty where its JSON is missing or silent."""
    description = read_description(path)
    return description.training_seeds if description else frozenset()


class OnnxPolicy:
    """An agent that asks an ONNX file for steering (and acceleration, where it has that output).

    A file that gives a vector instead drives as the JSON beside it says (`drive.models.policy_outputs`).

    Inputs are any subset of the observation's keys; `state_x` is fed with the last `next_state_x`, zeros at
    first. One frame at a time on one thread: ONNX Runtime changes bits with the batch size and the threads.
    Behind another camera than the one that the JSON tells, pictures are mapped to that one's.
    """

    def __init__(self, path: Path | str, *, described: bool = True, adapt: bool = True) -> None:
        """Load and check a policy file.

        Args:
            path: of the ONNX file.
            described: read the JSON beside it.
            adapt: map pictures of another camera to the one that it was trained with; otherwise they are
                taken as they are, but for their size.

        Raises:
            UserError: the file is missing, is not ONNX, or has inputs or outputs that are not an agent's.
        """
        self.path = Path(path)
        self.session = _open(self.path)
        self.description = read_description(self.path) if described else None
        told = self.description and self.description.values.get("sha256")
        if told and told != sha256(self.path.read_bytes()).hexdigest():
            warnings.warn(
                f"{self.path.with_suffix('.json')} describes another file than {self.path}: export the "
                "policy again, or take `sha256` out of the JSON where you changed the file yourself.",
                stacklevel=2,
            )
        self._driving = self.description.driving if self.description else None
        self._adapt = adapt
        self._mounted: Camera | None = None  # who takes the pictures
        self._map: PictureMap | None = None  # from that camera's pictures to the trained one's
        self._states: dict[str, NDArray[Any]] = {}
        self._names: list[str] = []
        self._outputs = [output.name for output in self.session.get_outputs()]
        self._check()
        self.reset(None)
        self._check_sizes()

    @property
    def camera_size(self) -> tuple[int, int] | None:
        """(height, width) of the frames that the file takes [px]; None: it sees no camera, or any size."""
        for entry in self.session.get_inputs():
            if entry.name == "camera" and not self._adapter:
                height, width = entry.shape[1:3]
                return (height, width) if isinstance(height, int) and isinstance(width, int) else None
        return None

    @property
    def _adapter(self) -> Adapter | None:
        return self.description.adapter if self.description else None

    def _check(self) -> None:
        for entry in self.session.get_inputs():
            if entry.type not in _DTYPES:
                raise UserError(
                    f"{self.path}: input {entry.name} is {entry.type}; export it as uint8, float or int64."
                )
            if entry.name.startswith("state_"):
                self._check_state(entry)
            elif entry.name in INPUT_SHAPES:
                self._check_input(entry)
                self._names.append(entry.name)
            else:
                raise UserError(
                    f"{self.path}: unknown input {entry.name}; take {', '.join(INPUT_SHAPES)} or state_*."
                )
        self._check_outputs()
        self._dtypes = {entry.name: _DTYPES[entry.type] for entry in self.session.get_inputs()}

    def _check_outputs(self) -> None:
        shapes = {entry.name: entry.shape for entry in self.session.get_outputs()}
        if self._driving is not None:
            check_driving(self._driving, self.path, shapes)
        elif "steering" not in shapes:
            raise UserError(
                f"{self.path}: no output `steering` (it has {', '.join(shapes)}); name the output (N, 1) "
                f"`steering` when exporting, or say in {self.path.stem}.json how a vector drives, as "
                '{"driving": {"path": "OUTPUT"}}.'
            )

    def _check_sizes(self) -> None:
        """Refuse a steering or acceleration of more than one number; what the file does not tell is tried."""
        shapes = {entry.name: entry.shape for entry in self.session.get_outputs()}
        scalars = {"acceleration"} if self._driving is not None else {"steering", "acceleration"}
        scalars &= shapes.keys()
        tried: dict[str, tuple[int, ...]] = {}
        if any(not isinstance(size, int) for name in scalars for size in shapes[name][1:]):
            tried = self._shapes_of_a_trial()
        for name in sorted(scalars):
            shape = ("N", *tried[name]) if name in tried else tuple(shapes[name])
            if int(np.prod([size for size in shape[1:] if isinstance(size, int)], dtype=int)) != 1:
                raise UserError(
                    f"{self.path}: `{name}` has the shape ({', '.join(map(str, shape))}), not (N, 1); export "
                    f"it with that shape, or say in {self.path.stem}.json how it drives."
                )

    def _shapes_of_a_trial(self) -> dict[str, tuple[int, ...]]:
        """Of the outputs for an empty frame, without the batch; none where that fails or takes long."""
        import onnxruntime

        camera = (self.description and self.description.camera) or Camera()
        height, width = self.camera_size or (camera.height_px, camera.width_px)
        sizes: dict[int | str, int] = {"H": height, "W": width}
        blank = {
            key: np.zeros([sizes.get(size, size) for size in quantity.shape], quantity.dtype)  # type: ignore[arg-type]
            for key, quantity in OBSERVATION.items()
        }
        options = onnxruntime.RunOptions()
        limit = Timer(_TRIAL_S, setattr, (options, "terminate", True))
        limit.daemon = True
        limit.start()
        try:
            return {name: np.shape(value) for name, value in self.run(blank, options).items()}
        except Exception:  # what it does at the wheel, its drives tell
            return {}
        finally:
            limit.cancel()
            self.reset(None)

    def _check_input(self, entry: Any) -> None:
        wanted = INPUT_SHAPES[entry.name]
        shape = entry.shape
        if entry.name == "camera" and (entry.type != "tensor(uint8)" or len(shape) != 4 or shape[3] != 3):
            if self._adapter is None:
                raise UserError(
                    f"{self.path}: camera is {entry.type} {shape}, an agent gives uint8 (N, H, W, 3); export "
                    f"that, or name an adapter ({', '.join(ADAPTERS)}) in {self.path.stem}.json, as "
                    '{"adapter": {"camera": "float_nchw"}}.'
                )
            self._adapter.check(self.path, shape)
        elif len(shape) != len(wanted):
            raise UserError(
                f"{self.path}: {entry.name} has the shape {shape}, an agent gives ({', '.join(wanted)}); "
                "export it with that shape."
            )
        if isinstance(shape[0], int) and shape[0] != 1:
            raise UserError(
                f"{self.path}: {entry.name} takes batches of {shape[0]}; export it with a dynamic batch."
            )

    def _check_state(self, entry: Any) -> None:
        if f"next_{entry.name}" not in self._outputs:
            raise UserError(f"{self.path}: input {entry.name} has no output next_{entry.name}; export both.")
        if not all(isinstance(size, int) for size in entry.shape[1:]):
            raise UserError(f"{self.path}: {entry.name} has the shape {entry.shape}; fix all but the batch.")

    def reset(self, context: Context | None) -> None:
        """Forget the recurrent state; prepare for the context's camera.

        Raises:
            UserError: the policy cannot drive behind this camera: it sees another part of the world, or gives
                frames of another size, and the JSON tells of no camera.
        """
        for entry in self.session.get_inputs():
            if entry.name.startswith("state_"):
                self._states[entry.name] = np.zeros((1, *entry.shape[1:]), _DTYPES[entry.type])
        if self._driving is not None:
            self._driving.reset(context or Context())
        if context is None or "camera" not in self._names:
            return
        trained = self.description.camera if self.description else None
        camera = context.cameras["front"]
        if trained and self._mounted != camera:
            self._map, self._mounted = picture_map(self.path, trained, camera, self._adapt), camera
        camera, size = trained or camera, self.camera_size
        if size and size != (camera.height_px, camera.width_px):
            raise UserError(
                f"{self.path} takes frames of {size[1]}x{size[0]} px, the camera gives {camera.width_px}x"
                f"{camera.height_px}; evaluate it with the camera that it was trained on."
            )

    def snapshot(self) -> tuple[dict[str, NDArray[Any]], VectorDriving | None]:
        """Everything that a drive changes."""
        return dict(self._states), copy.deepcopy(self._driving)

    def restore(self, snapshot: tuple[dict[str, NDArray[Any]], VectorDriving | None]) -> None:
        """Go back to a snapshot."""
        self._states, self._driving = dict(snapshot[0]), copy.deepcopy(snapshot[1])

    def run(self, observation: Mapping[str, Any], options: Any = None) -> dict[str, Any]:
        """The file's outputs for one observation by name: floats, or arrays without a batch axis."""
        feed: dict[str, NDArray[Any]] = {}
        for name in self._names:
            value = observation[name]
            if name == "camera":
                value = self._map(value) if self._map else value
                feed[name] = self._adapter(value) if self._adapter else value[None]
            else:
                feed[name] = np.asarray(value, self._dtypes[name]).reshape(
                    (1,) if name == "command" else (1, -1)
                )
        feed.update(self._states)
        values = dict(zip(self._outputs, self.session.run(None, feed, options), strict=True))
        self._states = {name: values[f"next_{name}"] for name in self._states}
        return {
            name: float(value.reshape(-1)[0]) if value.size == 1 else value[0]
            for name, value in values.items()
            if not name.startswith("next_state_")
        }

    def act(self, observation: Mapping[str, Any]) -> Control:
        """Steering, and acceleration where the file gives it, clipped to [-1, 1].

        Raises:
            AgentFailure: an output is not a number.
        """
        if isinstance(self._driving, ActionDriving) and self._driving.pending:
            return _clipped(*self._driving.next())
        return self.control(self.run(observation), observation)

    def control(self, values: Mapping[str, Any], observation: Mapping[str, Any]) -> Control:
        """What the values that `run` gave mean: steering and acceleration, clipped to [-1, 1].

        Raises:
            AgentFailure: one of them is not a number.
        """
        acceleration = values.get("acceleration")
        if self._driving is None:
            return _clipped(values.get("steering", float("nan")), acceleration)
        check_finite(self._driving.output, values[self._driving.output])
        speed = float(np.asarray(observation["speed"]).reshape(-1)[0])
        steering, own = self._driving.control(values, speed)
        return _clipped(steering, own if own is not None else acceleration)


def _clipped(steering: Any, acceleration: Any) -> Control:
    for name, value in (("steering", steering), ("acceleration", acceleration)):
        if np.ndim(value):
            raise AgentFailure(f"{name} has the shape {np.shape(value)}, not one number")
        if value is not None:
            check_finite(name, value)
    if acceleration is not None:
        acceleration = min(max(float(acceleration), -1.0), 1.0)
    return Control(min(max(float(steering), -1.0), 1.0), acceleration)


def _open(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise UserError(
            f"{path} does not exist: name a policy file (.onnx), or train one with `drive train`."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises a class of its own for each kind of damage
        reason = str(error).splitlines()[0][:160]
        raise UserError(
            f"{path} is not a policy file that loads ({path.stat().st_size} bytes; {reason}); "
            "export it again with `drive train`."
        ) from error
