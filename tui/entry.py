"""Opening the interface and closing it again, whatever ends it: the terminal is as it was, and runs go on."""

from __future__ import annotations

import gc
import os
import sys
import time
import traceback
from typing import Final, NamedTuple

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.store.home import Home
from flowctl.store.text import safe_text
from flowctl.tui.model.themes import FPS, THEMES, choose_look, read_fps
from flowctl.tui.skeleton import remember

#: Looking through all objects stops every thread: a third of a second where a run of 20,000 tasks is open, and by the
#: usual thresholds ten times while it is read. Rows hold no cycles; screens that were left do, and are few.
_GARBAGE: Final = (10_000, 5, 20)


class Options(NamedTuple):
    """What the command line asks for."""

    run: str | None = None
    theme: str | None = None
    no_daemon: bool = False
    is_read_only: bool = False
    has_mouse: bool = True
    is_ascii: bool = False


def open_interface(options: Options) -> int:
    """Show the interface until it is left; return the exit code."""
    _check_looks(options)
    home = Home.default()
    home.ensure()
    run_id = None
    if options.run is not None:
        run_id = _find(home, options.run)
    if options.is_ascii:
        os.environ["FLOWCTL_ASCII"] = "1"
    look = choose_look(os.environ, encoding=sys.stdout.encoding or "", theme=options.theme)
    gc.disable()  # nothing of the import is garbage
    from flowctl.tui.app import FlowctlApp

    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    gc.enable()
    app = FlowctlApp(
        home,
        look,
        opens_run=run_id,
        asks_daemon=not options.no_daemon,
        is_read_only=options.is_read_only,
        starts_daemon=True,
    )
    code = app.run(mouse=options.has_mouse)
    if app.crash is not None:
        return _confess(home, app.crash)
    remember(home, app.last_frame)
    for sentence in app.parting:
        sys.stderr.write(f"{safe_text(sentence, keep_newlines=False)}\n")
    return code if code is not None else Exit.OK


def _check_looks(options: Options) -> None:
    """Refuse what is no theme and no number, rather than look other than somebody wanted."""
    for name, source in ((options.theme, ""), (os.environ.get("FLOWCTL_THEME"), " (FLOWCTL_THEME)")):
        if name and name not in THEMES:
            raise CommandError(f"There is no theme {name!r}{source}. There are: {', '.join(THEMES)}.")
    fps = os.environ.get("FLOWCTL_FPS", "").strip()
    if fps and read_fps(os.environ) is None:
        raise CommandError(f"FLOWCTL_FPS is {fps!r}; it is a whole number from 1 to {FPS[-1]}.")


def _find(home: Home, spec: str) -> str:
    from flowctl.core.cli.looking_back import open_reader

    with open_reader(home) as reader:
        return reader.find_run(spec).id


def _confess(home: Home, error: Exception) -> int:
    """Say that the interface broke, and keep what is needed to mend it."""
    path = f"{home.path}/tui-crash-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    report = "".join(traceback.format_exception(error))
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w", errors="replace") as file:
            file.write(report)
        place = f"The report is in {path}."
    except OSError as problem:
        place = f"The report could not be saved ({problem.strerror}):\n{report}"
    sys.stderr.write(
        f"Error: the interface broke ({safe_text(f'{type(error).__name__}: {error}', keep_newlines=False):.300}). "
        f"Your runs go on. {place}\n"
    )
    return Exit.FAILED
