"""What README and tutorials show is understood by the program, and stands where they point."""

import re
import shlex
from pathlib import Path

import pytest

from drive import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    (str(page.relative_to(ROOT)), language, text)
    for page in PAGES
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.M | re.S)
]
COMMANDS = [
    (page, line)
    for page, language, text in BLOCKS
    if not language
    for line in text.splitlines()
    if line.startswith("drive ")
]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_commands_are_understood(page: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    understood: list[object] = []
    monkeypatch.setattr(cli, "run", understood.append)
    monkeypatch.setattr("sys.argv", shlex.split(line, comments=True))
    cli.main()
    assert len(understood) == 1


def test_python_blocks_compile() -> None:
    blocks = [(page, text) for page, language, text in BLOCKS if language == "python"]
    assert len(blocks) >= 8
    for page, text in blocks:
        compile(text, page, "exec")


def test_pictures_and_pages_are_there() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page}: {link}"
    assert len(COMMANDS) >= 30
