"""Daemons for screens that ask one: one that grants everything, and a real one that the tests of a file share.

The command in a terminal stands here too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping

import pytest

from flowctl.store.home import Home
from flowctl.tui.actions import Actions, Answer
from tests.tui.screens.driving import NOW
from tests.tui.screens.sample import three_runs
from tests.tui.screens.terminal import Terminal
from tests.tui.screens.workplace import Workplace

#: What was asked of the daemon: the verb and its fields.
Sent = list[tuple[str, Mapping[str, object]]]
Opener = Callable[..., Terminal]


def nothing_against(*_: object) -> None:
    """Stand in for the reasons why something cannot be asked."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Take the place of the daemon: whatever is asked is written down, and granted."""
    found: Sent = []

    def send(_self: Actions, verb: str, fields: Mapping[str, object]) -> Answer:
        found.append((verb, dict(fields)))
        count = [{"at": NOW.isoformat()}] * 3 if fields.get("dry_run") else []
        return Answer(
            None, {"name": "new-otter", "due_at": NOW.isoformat(), "occurrences": count, "run_ids": ["a", "b"]}
        )

    monkeypatch.setattr(Actions, "send", send)
    monkeypatch.setattr(Actions, "why_not", nothing_against)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Workplace, None, None]:
    """A home with a daemon and real flows; at the end nothing of them is left."""
    workplace = Workplace(tmp_path_factory.mktemp("workplace"))
    workplace.start()
    yield workplace
    workplace.close()


@pytest.fixture
def open_terminal(home: Home) -> Iterator[Opener]:
    """Open the interface over three runs, as often as is asked for, each in a terminal of its own."""
    opened: list[Terminal] = []

    def make(*arguments: str, size: tuple[int, int] = (80, 24), **environment: str) -> Terminal:
        given = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "ESCDELAY": "20", **environment}
        command = [sys.executable, "-m", "flowctl", "tui", "--no-daemon", *arguments]
        terminal = Terminal(command, size=size, environment=given)
        opened.append(terminal)
        return terminal

    with three_runs(home):
        yield make
    for terminal in opened:
        terminal.close()
