"""Regenerates docs/commands.md from the program's own help: `python docs/make_commands.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from flowctl.__main__ import MORE_COMMANDS  # noqa: E402 - of this checkout, whatever is installed
from flowctl.core.cli.app import build  # noqa: E402

PAGE = ROOT / "docs" / "commands.md"
_HEAD = """# Commands

Made from the program's help by `python docs/make_commands.py`. `flowctl COMMAND --help` has the options of each.

RUN is an id, the beginning of one (four characters or more), a run's name, or `-` for the latest.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Give the page: a table for each of the sections that `flowctl --help` has."""
    # Any: typer keeps the classes of its commands to itself.
    program: Any = typer.main.get_command(build([], MORE_COMMANDS))
    lines = [_HEAD]
    for heading, names in program.sections.items():
        lines += [f"## {heading}\n", "| Command | Does |", "|---|---|"]
        for name in names:
            lines += [f"| `{path}` | {summary} |" for path, summary in rows(f"flowctl {name}", program.commands[name])]
        lines.append("")
    return "\n".join(lines)


def rows(path: str, command: Any) -> Iterator[tuple[str, str]]:
    """Give a command and those below it, each with its first sentence."""
    yield path, command.get_short_help_str(1000).removesuffix(".")
    for name, each in getattr(command, "commands", {}).items():
        yield from rows(f"{path} {name}", each)


if __name__ == "__main__":
    main()
