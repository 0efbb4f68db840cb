"""The `drive` command: one subcommand for each config dataclass."""

import signal
import sys
import threading
from importlib.metadata import version
from typing import Annotated, Any, NoReturn, get_args

import tyro

from drive.commands.bench import BenchConfig
from drive.commands.data.check import DataCheckConfig
from drive.commands.data.copies import DataMergeConfig, DataSplitConfig
from drive.commands.data.edit import DataExcludeConfig, DataMarkConfig, DataRestoreConfig
from drive.commands.data.exporting import ExportConfig
from drive.commands.data.importing import ImportConfig
from drive.commands.data.info import DataInfoConfig
from drive.commands.data.rerender import DataRerenderConfig
from drive.commands.demo import DemoConfig
from drive.commands.doctor import DoctorConfig
from drive.commands.listing import ListConfig
from drive.commands.map import MapConfig
from drive.commands.report import ReportConfig
from drive.core.errors import UserError, nearest
from drive.evaluate import EvaluateConfig
from drive.record import RecordConfig
from drive.sim.version import SIMULATOR_VERSION
from drive.train import TrainConfig
from drive.web.data_view.command import DataViewConfig
from drive.web.serve.command import ServeConfig

_DESCRIPTION = """Does a driving policy really drive?

  drive demo            start here: record, train, drive, score, report, in minutes

  drive record DIR      demonstrations of the expert, as a LeRobot dataset
  drive serve           drive yourself, in the browser: record, take over from an agent, watch
  drive data            what recordings hold; view, check, merge, split, import, export
  drive train DIR       a camera-to-steering network, exported as ONNX
  drive evaluate        agents on the same roads, in closed loop, with intervals
  drive report DIR      table and report of an evaluation made anew, also of one that was stopped

  drive list            agents, suites, weathers, models and cameras that can be named
  drive map FILE.xodr   what an OpenDRIVE map holds, and its picture
  drive bench           how fast this machine is
  drive doctor          what works here, and how to mend what does not
"""

DataCommand = (
    Annotated[DataInfoConfig, tyro.conf.subcommand("info")]
    | Annotated[DataViewConfig, tyro.conf.subcommand("view")]
    | Annotated[DataCheckConfig, tyro.conf.subcommand("check")]
    | Annotated[DataMergeConfig, tyro.conf.subcommand("merge")]
    | Annotated[DataSplitConfig, tyro.conf.subcommand("split")]
    | Annotated[DataRerenderConfig, tyro.conf.subcommand("rerender")]
    | Annotated[DataExcludeConfig, tyro.conf.subcommand("exclude")]
    | Annotated[DataRestoreConfig, tyro.conf.subcommand("restore")]
    | Annotated[DataMarkConfig, tyro.conf.subcommand("mark")]
    | Annotated[ImportConfig, tyro.conf.subcommand("import")]
    | Annotated[ExportConfig, tyro.conf.subcommand("export")]
)
_DATA_DESCRIPTION = "Look at recordings, check, join, split and edit them; bring them in and out."

Command = (
    Annotated[DemoConfig, tyro.conf.subcommand("demo")]
    | Annotated[RecordConfig, tyro.conf.subcommand("record")]
    | Annotated[ServeConfig, tyro.conf.subcommand("serve")]
    | Annotated[DataCommand, tyro.conf.subcommand("data", description=_DATA_DESCRIPTION)]
    | Annotated[TrainConfig, tyro.conf.subcommand("train")]
    | Annotated[EvaluateConfig, tyro.conf.subcommand("evaluate")]
    | Annotated[ReportConfig, tyro.conf.subcommand("report")]
    | Annotated[ListConfig, tyro.conf.subcommand("list")]
    | Annotated[MapConfig, tyro.conf.subcommand("map")]
    | Annotated[BenchConfig, tyro.conf.subcommand("bench")]
    | Annotated[DoctorConfig, tyro.conf.subcommand("doctor")]
)


class _Terminated(KeyboardInterrupt):
    """SIGTERM: what was begun ends as at Ctrl-C."""


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated


def _names(union: Any) -> list[str]:
    """The subcommands of a union."""
    return [
        note.name
        for part in get_args(union)
        for note in get_args(part)[1:]
        if getattr(note, "name", None) is not None
    ]


def _taught(arguments: list[str]) -> list[str]:
    """The arguments, with --help where a command is missing.

    Raises:
        UserError: there is no such command; names the nearest.
    """
    if arguments == ["--version"]:
        print(f"drive {version('drivegym')} (simulator version {SIMULATOR_VERSION})")
        sys.exit(0)
    path: list[str] = []
    union: Any = Command
    for word in [*arguments[:2], ""][:2]:
        known = _names(union)
        if not word:
            return [*path, "--help"]
        if word.startswith("-"):
            break
        if word not in known:
            command = " ".join(["drive", *path, word])
            raise UserError(f"There is no command {command!r}: {nearest(word, known)}.")
        path.append(word)
        if word != "data":
            break
        union = DataCommand
    return arguments


def run(config: object) -> None:
    """Run the command that a config belongs to; heavy imports happen in the command's own module."""
    module = sys.modules[type(config).__module__]
    module.main(config)


def main() -> None:
    """Parse the command line, run, and turn a user's mistakes into one line each."""
    arguments = sys.argv[1:]
    if arguments[:2] == ["data", "reshoot"]:  # the command's earlier name
        arguments[1] = "rerender"
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        arguments = _taught(arguments)
        config = tyro.cli(
            Command,  # type: ignore[arg-type]
            prog="drive",
            args=arguments,
            description=_DESCRIPTION,
            config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes),
        )
        run(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stop:
        print("stopped", file=sys.stderr)
        sys.exit(143 if isinstance(stop, _Terminated) else 130)
    except BrokenPipeError:
        sys.exit(141)
