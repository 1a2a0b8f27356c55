"""What `flowctl doctor` looks at around flowctl: time zones and clock, limits of the system, the terminal."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from flowctl.core.cli.checkups import Checkup, Verdict
from flowctl.core.cli.display_streams import is_ascii, is_live
from flowctl.store.home import Home

_ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Tokyo")
#: This flowctl is of that year: a clock before it is wrong.
_THIS_YEAR: Final = 2026
_FEW_FILES: Final = 1_024
_FEW_PROCESSES: Final = 512
_SMALL: Final = (80, 24)


def check_zones(_home: Home) -> Iterable[Checkup]:
    """Data of the time zones, and the clock."""
    from importlib.metadata import PackageNotFoundError, version
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    missing: list[str] = []
    for name in _ZONES:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError):
            missing.append(name)
    try:
        package = f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        package = "the system's"
    local = time.strftime("%Z %z")
    if missing:
        remedy = "`pip install tzdata` into this environment, or the system's package tzdata."
        yield Checkup("time zones", Verdict.FAIL, f"there are no data for {', '.join(missing)}", remedy)
    else:
        text = f"{len(available_timezones())} zones ({package}); here it is {local}"
        yield Checkup("time zones", Verdict.OK, text)
    now = datetime.now(UTC)
    if now.year < _THIS_YEAR:
        text = f"it says {now:%Y-%m-%d %H:%M} UTC, which cannot be"
        yield Checkup("clock", Verdict.FAIL, text, "Set it, or have it set: `sudo timedatectl set-ntp true`.")


def check_limits(_home: Home) -> Iterable[Checkup]:
    """How many files and processes the system allows."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    text = f"{_limit(files)} open files, {_limit(processes)} processes"
    if 0 <= files < _FEW_FILES:
        yield Checkup("limits", Verdict.WARN, text, "Raise it: `ulimit -n 8192`.")
    elif 0 <= processes < _FEW_PROCESSES:
        yield Checkup("limits", Verdict.WARN, text, "Raise it: `ulimit -u 4096`.")
    else:
        yield Checkup("limits", Verdict.OK, text)


def check_terminal(_home: Home) -> Iterable[Checkup]:
    """What the terminal can show."""
    if not sys.stdout.isatty():
        yield Checkup("terminal", Verdict.OK, "the output is no terminal: plain lines")
        return
    columns, lines = shutil.get_terminal_size()
    term = os.environ.get("TERM", "")
    colours = "no colours (NO_COLOR)" if os.environ.get("NO_COLOR") else os.environ.get("COLORTERM") or "256 colours"
    text = f"{term or 'TERM is not set'}, {columns} x {lines}, {colours}, {sys.stdout.encoding}"
    if not is_live(sys.stdout):
        yield Checkup("terminal", Verdict.WARN, text, "Set TERM (`export TERM=xterm-256color`) for the live display.")
    elif is_ascii(sys.stdout):
        yield Checkup("terminal", Verdict.WARN, text, "Use a locale with UTF-8 (`export LANG=C.UTF-8`) for its signs.")
    elif columns < _SMALL[0] or lines < _SMALL[1]:
        yield Checkup("terminal", Verdict.WARN, text, f"{_SMALL[0]} columns and {_SMALL[1]} lines show more.")
    else:
        yield Checkup("terminal", Verdict.OK, text)


def _limit(value: int) -> str:
    return "any number of" if value in (resource.RLIM_INFINITY, -1) else f"{value:,}"
