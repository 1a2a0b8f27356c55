"""The interface while nothing happens: it wakes for its clock alone, writes only that, and hears keys all the same."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.tui.screens.terminal import Terminal

#: In a second: for the clock, to write it, and now and then to look at the store. To look for keys took ten more.
WAKES = 8


@pytest.fixture
def terminal(home: Home) -> Iterator[Terminal]:
    home.ensure()
    given = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    terminal = Terminal([sys.executable, "-m", "flowctl", "tui", "--no-daemon"], size=(80, 24), environment=given)
    terminal.shows("No runs yet.")
    yield terminal
    terminal.close()


def pass_seconds(terminal: Terminal, count: int) -> None:
    """Wait until the clock to the right of the first line has gone on so often."""
    for _ in range(count):
        before = clock_of(terminal)
        terminal.until(partial(has_gone_on, terminal, before))


def has_gone_on(terminal: Terminal, before: str) -> bool:
    clock = clock_of(terminal)
    return clock != before and re.fullmatch(r"\d\d:\d\d:\d\d", clock) is not None


def clock_of(terminal: Terminal) -> str:
    return "".join(terminal.screen.rows[0]).rstrip()[-8:]


def wakes_of(terminal: Terminal) -> int:
    """Count how often its threads have waited for something so far."""
    texts = [(thread / "status").read_text() for thread in Path(f"/proc/{terminal.pid}/task").iterdir()]
    return sum(int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for text in texts)


def test_it_wakes_for_the_clock_alone_writes_nothing_but_that_and_hears_keys_all_the_same(terminal: Terminal) -> None:
    # What was typed or sent last may go on for a second.
    pass_seconds(terminal, 2)
    written, woken = len(terminal.output), wakes_of(terminal)
    pass_seconds(terminal, 2)
    if sys.platform == "linux":  # elsewhere a process does not tell
        assert wakes_of(terminal) - woken <= 2 * WAKES
    # Behind each writing the cursor goes back to its place.
    assert re.findall(r"\x1b\[(\d+);(\d+)H", terminal.output[written:]) == [("1", "72"), ("1", "1")] * 2

    terminal.press("5")
    terminal.shows("[5 System]")
    terminal.resize(100, 30)
    terminal.shows("[5 System]")
    pass_seconds(terminal, 1)
    assert "".join(terminal.screen.rows[0]).count(":") == 2
    assert terminal.screen.rows[0][98].isdigit()
    terminal.press("\x11")

    assert terminal.wait() == 0
    assert terminal.is_restored
