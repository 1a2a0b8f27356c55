"""Which displays a run gets: by what the command line asks for, and by what the streams can take."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Protocol

from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_options import DisplayOptions
from flowctl.core.cli.display_printed import Printed
from flowctl.core.cli.display_streams import is_github, is_gitlab, is_live, wants_colour
from flowctl.core.cli.display_words import Glyphs, Line

if TYPE_CHECKING:
    from flowctl.core.cli.display_groups import Run
    from flowctl.store.journal import Record


class Display(Protocol):
    """One way of showing a run."""

    #: Seconds until the next `refresh`.
    wait_s: float

    @property
    def observe(self) -> Callable[[Record, Run | None], None] | None: ...

    def refresh(self, now: float) -> None: ...

    def end(self, now: float, summary: list[Line]) -> None: ...


def chosen(options: DisplayOptions, model: RunModel, glyphs: Glyphs, machine: IO[str] | None) -> list[Display]:
    """Choose the displays; a live one has its place on the terminal at once."""
    displays: list[Display] = []
    if options.with_events and machine is not None:
        from flowctl.core.cli.display_json import Events

        displays.append(Events(model, machine))
    stream = human_stream(options)
    if stream is None:
        return displays
    if is_live(stream) and not options.is_quiet and not options.is_linear:
        from flowctl.core.cli.display_live import Live

        live = Live(model, stream, glyphs)
        live.region.open()
        return [*displays, live]
    return [*displays, plain_display(options, model, glyphs, stream)]


def plain_display(options: DisplayOptions, model: RunModel, glyphs: Glyphs, stream: IO[str]) -> Display:
    """Choose among the displays that write line after line."""
    from flowctl.core.cli.display_plain import Paint, Plain, bare

    paint: Paint = bare
    kind = Plain
    if wants_colour(stream):
        from flowctl.core.cli.display_paint import painter

        paint = painter(stream)
    if options.is_linear:
        from flowctl.core.cli.display_linear import Linear

        kind = Linear
    elif is_github() or is_gitlab():
        from flowctl.core.cli.display_ci import GitHub, GitLab

        kind = GitHub if is_github() else GitLab
    return kind(model, stream, glyphs, is_quiet=options.is_quiet, paint=paint)


def human_stream(options: DisplayOptions) -> IO[str] | None:
    """Give the stream for people: standard output, unless machines read that."""
    stream = sys.stderr if options.for_machines else sys.stdout
    return stream.stream if isinstance(stream, Printed) else stream
