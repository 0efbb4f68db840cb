"""An evaluation's results on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from drive.evaluation.results import REPORT, SUMMARY, TIMING, read_json
from drive.evaluation.table import print_table
from drive.evaluation.words import headline


def print_results(
    console: Console,
    out: Path | None,
    summary: Mapping[str, Any],
    timing: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> None:
    """Print notes, the table, the headline and where the report lies (None: nowhere), to a rich console."""
    for note in notes:
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    print_table(console, summary, timing)
    console.print(f"[bold]{escape(headline(summary))}[/bold]")
    if out is not None:
        report = escape(str(out / REPORT))
        console.print(f"The report, one file for any browser: [bold]{report}[/bold]", soft_wrap=True)


def print_earlier(out: Path) -> None:
    """Print the table of earlier results.

    Raises:
        UserError: they are missing or damaged.
    """
    print_results(Console(), out, read_json(out, SUMMARY), read_json(out, TIMING))
