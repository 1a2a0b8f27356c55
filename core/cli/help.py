"""Help pages: typer's plain ones with some colour, since its rich ones take twice as long to appear."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from typer.core import TyperCommand, TyperGroup

_HEADING = re.compile(r"^(\w[\w ]*:)", re.MULTILINE)
_TERM = re.compile(r"^(  )(\S+(?: \S+)*)(?=  |$)", re.MULTILINE)


class Command(TyperCommand):
    """A command whose help has colours."""

    def get_help(self, ctx: Any) -> str:  # typer keeps the name of its context's class to itself
        return coloured(super().get_help(ctx))


class Group(TyperGroup):
    """A group of commands whose help has colours."""

    def get_help(self, ctx: Any) -> str:  # as above
        return coloured(super().get_help(ctx))


def coloured(page: str) -> str:
    """Set headings and the words to be typed apart, where the output is a terminal that may be coloured."""
    if not (os.environ.get("FORCE_COLOR") or (sys.stdout.isatty() and not os.environ.get("NO_COLOR"))):
        return page
    if os.environ.get("TERM") == "dumb":
        return page
    head, heading, rest = page.partition("\nOptions:" if "\nArguments:" not in page else "\nArguments:")
    rest = _TERM.sub("\\1\x1b[36m\\2\x1b[0m", heading + rest)
    return _HEADING.sub("\x1b[1m\\1\x1b[0m", head + rest)
