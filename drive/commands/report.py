"""`drive report`: the figures of an evaluation made anew from its stored drives, finished or not."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from drive.core.errors import UserError


@dataclass(frozen=True)
class ReportConfig:
    """Make the table and the report of an evaluation from its stored drives, without driving.

    Also of a run that was stopped or killed: what is missing is said. Of a run that is still driving only the
    table is printed.
    """

    dir: tyro.conf.Positional[Path] = Path("runs/evaluate")
    """Folder of the results, as given to `drive evaluate --out`."""


def main(config: ReportConfig) -> None:
    """Score the stored drives, write the report, print the table and what is missing.

    Raises:
        UserError: the folder holds no drives of an evaluation, or nothing can be written there.
    """
    from rich.console import Console

    from drive.evaluation.figures import missing_drives, read_results
    from drive.evaluation.printing import print_results
    from drive.evaluation.report import page_of
    from drive.evaluation.results import holds_run, locked, run_folder, settle, write_report, write_results

    console = Console()
    if not holds_run(config.dir):
        raise UserError(f"{config.dir} holds no evaluation; run drive evaluate --out {config.dir} first.")
    with locked(config.dir) as alone:
        if alone:
            settle(config.dir)
        folder = run_folder(config.dir)
        results = read_results(folder)
        missing = missing_drives(folder, results)
        for line in missing:
            console.print(line, style="yellow", markup=False, soft_wrap=True)
        if not results.summary["agents"]:
            raise UserError(f"{config.dir}: no drive is finished yet.")
        if alone:
            if not missing:
                write_results(folder, results.rows, results.summary, results.timing)
            write_report(folder, page_of(folder, results, missing))
    print_results(
        console, folder if alone else None, results.summary, results.timing, results.rows, results.config
    )
    if not alone:
        console.print("The run is still driving; it writes its report at its end.")
