"""`drive serve`: a page in the browser to drive from, record by hand, take over and watch."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from drive.camera import CameraFlags
from drive.core.errors import UserError
from drive.core.seeds import RESERVED_SEEDS
from drive.sim.density import TRAFFIC

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from drive.camera import Camera
    from drive.web.serve.catalog import Catalog, Choice


@dataclass(frozen=True)
class ServeConfig:
    """Open a page to drive from in any browser: by keys, mouse, gamepad, wheel or touch.

    With --data, what you drive is recorded as a dataset with the expert's answer beside every frame. With
    --agent, an agent drives and you take the wheel whenever you like; `drive train DIR --only-person` learns
    from just those steps. On a server: `ssh -L 8000:127.0.0.1:8000 SERVER`, then open the URL at home.
    """

    data: Path | None = None
    """Directory of the dataset to record into; a new one, or one recorded by hand with the same camera."""
    map: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    """OpenDRIVE file to choose from beside generated roads; repeat the flag for several. The first is driven
    first."""
    agent: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Agent to choose from: a policy file (.onnx) or module:factory, beside expert, modular and straight,
    which always are there; NAME=AGENT names it. Repeat for several. The first drives first. One of yours
    runs in a process of its own and has 2 s for an act and 60 s to start (each for building it, its reset and
    its first act), while the page waits; one with `privileged = True` is refused."""
    shadow: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Agent that sees every frame and shows how it would steer, unheard; repeat for several."""
    pedals: Literal["cruise", "person"] = "cruise"
    """Who accelerates and brakes: cruise keeps speed and distance by itself, and the person steers alone, as
    in the lane suite; person: the person does both."""
    seed: int = 0
    """Scenario of the first drive. Below 1,000,000: later ones are for evaluation."""
    weather: str | None = None
    """Weather of the first drive; by default one of the training weathers, drawn by the seed."""
    traffic: Literal["none", "light", "regular", "dense"] = "regular"
    """How many other cars there are in the first drive."""
    teach: Path | None = None
    """New folder for a policy (policy.onnx) that is trained in the background while you drive; its agent is
    called `learner` and may drive once it has seen enough. Needs the extra `train`."""
    labels: Literal["action", "expert"] = "action"
    """With --teach: learn from what you do where you drive, or from the expert's answer to every frame."""
    views: bool = False
    """Also record a second picture of each frame from a shifted and turned car, labelled by the expert."""
    host: str = "127.0.0.1"
    """Address to listen on. Beyond this machine, the URL carries a random token that a page must know."""
    port: int = 8000
    """Port to listen on; 0 takes any that is free."""
    token: bool = False
    """Ask for a token on this machine as well, where others have accounts on it."""
    adapt: bool = True
    """--no-adapt: show policies another camera than their own as it is, and not mapped to their own."""
    pace: float = 1.0
    """Speed of the simulation against real time, at most 1."""
    camera_flags: Annotated[CameraFlags, tyro.conf.arg(name="")] = field(default_factory=CameraFlags)
    """The camera."""

    def __post_init__(self) -> None:
        def expect(good: bool, field: str, remedy: str) -> None:
            if not good:
                raise UserError(f"--{field.replace('_', '-')} is {getattr(self, field)}; {remedy}.")

        expect(
            0 <= self.seed < RESERVED_SEEDS,
            "seed",
            "take 0 to 999,999: seeds from 1,000,000 on are reserved for evaluation",
        )
        expect(self.traffic in TRAFFIC, "traffic", f"take one of {', '.join(TRAFFIC)}")
        expect(self.pedals in ("cruise", "person"), "pedals", "take cruise or person")
        expect(self.labels in ("action", "expert"), "labels", "take action or expert")
        expect(0 <= self.port <= 65535, "port", "take 0 to 65535")
        expect(0.01 <= self.pace <= 1.0, "pace", "take 0.01 to 1: nobody can drive faster than real time")

    @property
    def camera(self) -> "Camera":
        """The front camera."""
        return self.camera_flags.front

    def to_json(self) -> dict[str, Any]:
        """The settings that made the frames, as plain values."""
        values = asdict(self)
        for name in ("camera_flags", "data", "teach", "host", "port", "token"):
            del values[name]
        return values | {
            "map": [path.name for path in self.map],
            "agent": [_without_folders(spec) for spec in self.agent],
            "shadow": [_without_folders(spec) for spec in self.shadow],
            "camera": self.camera.to_json(),
        }


def _without_folders(spec: str) -> str:
    """An agent as it was typed, but for the folders that its file is in."""
    name, given, source = spec.partition("=") if "=" in spec else ("", "", spec)
    return name + given + source.replace("\\", "/").rpartition("/")[2]


def build_app(config: ServeConfig, token: str | None = None) -> "Starlette":
    """The application, ready to be served.

    Args:
        config: the command's settings.
        token: that the URL must carry; None: none.

    Raises:
        UserError: the dataset, a map, the weather or an agent will not do.
    """
    from drive.driving.agents import camera_remarks, split_spec
    from drive.models.training.online_learner import LearnerProcess
    from drive.models.training.online_trainer import OnlineTrainerSettings
    from drive.sim.maps.styles import GENERATED
    from drive.sim.scenario import load_map
    from drive.sim.sensors.weather import weather
    from drive.web.serve import protocol
    from drive.web.serve.app import make_app
    from drive.web.serve.catalog import ANY_WEATHER, Catalog, Choice
    from drive.web.serve.loop import Loop
    from drive.web.serve.pace import Pace
    from drive.web.serve.recorder import HandRecorder
    from drive.web.serve.simulation import Simulation
    from drive.web.serve.teaching import LEARNER, Teaching

    if config.weather is not None:
        weather(config.weather)
    for path in config.map:
        load_map(str(path))
    teaching = None
    if config.teach is not None:
        teaching = Teaching(LearnerProcess(OnlineTrainerSettings(config.teach, config.camera, config.labels)))
    made = {} if teaching is None else {LEARNER: teaching.learner}
    catalog = Catalog.of(config.map, [*config.agent, *config.shadow], made, config.adapt)
    for remark in camera_remarks(catalog.agents, config.camera, config.adapt):
        print(remark, flush=True)
    alone = protocol.PERSON if teaching is None else LEARNER
    choice = Choice(
        map=config.map[0].stem if config.map else GENERATED,
        seed=config.seed,
        weather=config.weather or ANY_WEATHER,
        traffic=config.traffic,
        agent=split_spec(config.agent[0])[0] if config.agent else alone,
        shadows=tuple(dict.fromkeys(split_spec(spec)[0] for spec in config.shadow)),
    )
    simulation = Simulation(
        catalog,
        config.camera,
        pedals=config.pedals,
        views=config.views,
        taught=None if teaching is None else LEARNER,
    )
    simulation.load(choice)
    simulation.refuse_unfit(split_spec(spec)[0] for spec in config.agent[1:])
    loops: list[Loop] = []  # the one that runs

    def notify(level: str, text: str) -> None:
        if loops:
            loops[0].notify_and_refresh(level, text)
        else:
            print(text, flush=True)

    recorder = None
    if config.data is not None:
        recorder = HandRecorder(
            config.data, config.camera, views=config.views, config=config.to_json(), notify=notify
        )

    def make_loop(publish: Any) -> Loop:
        loops[:] = [Loop(simulation, recorder, publish, Pace(config.pace), teaching)]
        return loops[0]

    def hello() -> dict[str, Any]:
        return _hello(config, catalog, simulation.choice)

    return make_app(make_loop, hello, token)


def _hello(config: ServeConfig, catalog: "Catalog", choice: "Choice") -> dict[str, Any]:
    from drive.agent import DT
    from drive.web.serve import protocol

    return {
        "protocol": protocol.PROTOCOL,
        "maps": list(catalog.maps),
        "weathers": list(catalog.weathers),
        "traffics": list(catalog.traffics),
        "agents": list(catalog.drivers),
        "shadows": list(catalog.agents),
        "chosen": asdict(choice),
        "pedals": config.pedals,
        "camera": {
            "width_px": config.camera.width_px,
            "height_px": config.camera.height_px,
            "fov_deg": config.camera.fov_deg,
        },
        "dt": DT,
        "recording": config.data is not None,
        "dataset": None if config.data is None else config.data.name,
        "limits": protocol.limits(),
    }


def main(config: ServeConfig) -> None:
    """Serve until Ctrl-C.

    Raises:
        UserError: bad input, the port is taken, or what the server needs is not installed.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"drive serve needs {error.name}, which is not installed: pip install 'drivegym[serve]'"
        ) from None
    from rich.console import Console

    from drive.driving.warmup import warm_up_with_message
    from drive.web.listen import choose_token, open_socket, serve

    console = Console()
    _ = config.camera  # refused before a port is taken and kernels are compiled
    token = choose_token(config.host, config.token)
    socket = open_socket(config.host, config.port)
    with socket:
        warm_up_with_message()
        app = build_app(config, token)
        port = socket.getsockname()[1]
        _print_address(console, config, port, token)
        serve(app, socket)


def _print_address(console: Any, config: ServeConfig, port: int, token: str | None) -> None:
    """Print the URL, and how to reach it from elsewhere."""
    from drive.web.listen import address_of

    def write(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    address = address_of(config.host, port, token)
    write(f"Drive here: {address.url}")
    if address.tunnel:
        write(f"From another machine: {address.tunnel}")
        write(f"  and there open {address.url_there}")
    else:
        write("Whoever has this URL can drive. It is not encrypted: prefer ssh -L on networks of others.")
    if config.data is None:
        write("Nothing is recorded: start with --data DIR to record.")
    else:
        write(f"Recordings go into {config.data}.")
    if config.teach is not None:
        write(f"A learner watches you drive; its policy goes into {config.teach / 'policy.onnx'}.")
    write("Stop with Ctrl-C.")
