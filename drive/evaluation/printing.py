"""An evaluation's results on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from drive.evaluation.results import CONFIG, REPORT, SUMMARY, TIMING, read_json, read_rows
from drive.evaluation.table import print_table
from drive.evaluation.words import failures, headline, remarks


def print_results(
    console: Console,
    out: Path | None,
    summary: Mapping[str, Any],
    timing: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> None:
    """Print what a run found to a rich console.

    Args:
        console: where to.
        out: the folder that the report lies in; None: there is no report.
        summary: contents of `summary.json`.
        timing: contents of `timing.json`.
        rows: lines of `episodes.jsonl`.
        config: contents of `config.json`.
        notes: said before all else.
    """
    for note in [*notes, *remarks(rows, config)]:
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    print_table(console, summary, timing)
    for failure in failures(rows):
        console.print(failure, style="bold red", markup=False, soft_wrap=True)
    console.print(f"[bold]{escape(headline(summary))}[/bold]")
    if out is not None:
        report = escape(str(out / REPORT))
        console.print(f"The report, one file for any browser: [bold]{report}[/bold]", soft_wrap=True)


def print_earlier(out: Path) -> None:
    """Print the table of earlier results.

    Raises:
        UserError: they are missing or damaged.
    """
    summary, timing, config = (read_json(out, name) for name in (SUMMARY, TIMING, CONFIG))
    print_results(Console(), out, summary, timing, read_rows(out), config)
