"""Help pages: typer's plain ones with examples and some colour, since its rich ones take twice as long to appear."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from typer.core import TyperCommand, TyperGroup

#: No summary is cut; it goes on in the next line.
_LONGEST: Final = 1000
_HEADING = re.compile(r"^(\w[\w ]*:)", re.MULTILINE)
_TERM = re.compile(r"^(  )(\S+(?: \S+)*)(?=  |$)", re.MULTILINE)

#: A command line, and what it does.
Examples = Sequence[tuple[str, str]]


# Any, below: typer keeps the names of its contexts and formatters to itself.
class Command(TyperCommand):
    """A command whose help has colours."""

    examples: ClassVar[Examples] = ()

    def get_help(self, ctx: Any) -> str:
        return coloured(super().get_help(ctx))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help has colours."""

    examples: ClassVar[Examples] = ()
    #: Heading -> names of commands, where there are many.
    sections: ClassVar[Mapping[str, Sequence[str]]] = {}

    def get_help(self, ctx: Any) -> str:
        return coloured(super().get_help(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what one can do first where there are sections, and the options last."""
        if self.sections:
            self._list(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands behind the options where there are no sections."""
        if not self.sections:
            self._list(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)

    def _list(self, ctx: Any, formatter: Any) -> None:
        named = {name for names in self.sections.values() for name in names}
        others = [name for name in self.list_commands(ctx) if name not in named]
        width = max(map(len, self.list_commands(ctx)), default=0)
        for heading, names in {**self.sections, "Commands": others}.items():
            rows = [
                (name.ljust(width), command.get_short_help_str(_LONGEST))
                for name in names
                if (command := self.get_command(ctx, name)) is not None and not command.hidden
            ]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def coloured(page: str) -> str:
    """Set headings and the words to be typed apart, where the output is a terminal that may be coloured."""
    if not (os.environ.get("FORCE_COLOR") or (sys.stdout.isatty() and not os.environ.get("NO_COLOR"))):
        return page
    if os.environ.get("TERM") == "dumb":
        return page
    # What is typed stands under headings; above them is the description.
    first = re.search(r"^\w[\w ]*:$", page, re.MULTILINE)
    start = first.start() if first else len(page)
    terms = _TERM.sub("\\1\x1b[36m\\2\x1b[0m", page[start:])
    return _HEADING.sub("\x1b[1m\\1\x1b[0m", page[:start] + terms)


def _write_examples(examples: Examples, formatter: Any) -> None:
    if examples:
        with formatter.section("Examples"):
            formatter.write_dl(list(examples), col_max=46)
