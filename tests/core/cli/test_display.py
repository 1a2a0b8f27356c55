"""Which display a run gets, and that none of them can harm it."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, cast

import pytest

from flowctl.core.authoring.states import State
from flowctl.core.cli.display import DisplayOptions, exit_of, show_and_wait
from flowctl.core.cli.display_live import Live
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_plain import Plain
from flowctl.core.cli.display_region import Region
from flowctl.core.cli.display_streams import is_ascii, is_live, wants_colour
from flowctl.core.cli.exits import Exit
from flowctl.core.engine.launch import Ended
from flowctl.store.journal import Record
from flowctl.store.states import StateType
from tests.core.cli.screen import FakeTerminal
from tests.core.cli.streams import RUN_ID, a_busy_run

Observers = Sequence[Callable[[Record], None]]


def a_start(state_type: StateType = StateType.COMPLETED, waits_for: threading.Event | None = None) -> Any:
    """Play a run into the observers; wait in its middle if asked to."""

    def start(observers: Observers) -> Ended:
        records = list(a_busy_run(5, ends="COMPLETED" if state_type is StateType.COMPLETED else "FAILED"))
        for place, record in enumerate(records):
            if place == len(records) // 2 and waits_for is not None:
                assert waits_for.wait(20)
            for observer in observers:
                observer(record)
        return Ended(RUN_ID, "brave-otter", State(state_type))

    return start


@pytest.mark.parametrize(
    ("state_type", "code"),
    [
        (StateType.COMPLETED, Exit.OK),
        (StateType.FAILED, Exit.FAILED),
        (StateType.CRASHED, Exit.CRASHED),
        (StateType.CANCELLED, Exit.CANCELLED),
        (StateType.PAUSED, Exit.FAILED),
        (StateType.PENDING, Exit.FAILED),
    ],
)
def test_the_last_state_decides_the_exit_code(state_type: StateType, code: Exit) -> None:
    assert exit_of(state_type) is code


def test_a_pipe_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    assert show_and_wait(a_start(), options=DisplayOptions()) is Exit.OK

    assert "etl  brave-otter  completed in" in out.getvalue()


def test_what_start_raises_is_raised_and_the_display_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    def start(observers: Observers) -> Ended:
        raise LookupError("no home")

    with pytest.raises(LookupError):
        show_and_wait(start, options=DisplayOptions())

    assert out.getvalue() == ""
    assert not [thread for thread in threading.enumerate() if thread.name == "flowctl display"]


def test_a_live_display_that_fails_is_replaced_by_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal()
    failed = threading.Event()

    def fail(*_: object) -> None:
        failed.set()
        raise RuntimeError("a bug in drawing")

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(Live, "_draw", fail)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)

    code = show_and_wait(a_start(waits_for=failed), options=DisplayOptions())

    assert code is Exit.OK
    assert "The live display failed (RuntimeError: a bug in drawing); plain lines follow." in terminal.shown
    assert any("aggregate" in line for line in terminal.shown)
    assert any("etl  brave-otter  completed" in line for line in terminal.shown)


def test_a_plain_display_that_fails_is_dropped_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug in writing")

    monkeypatch.setattr(Plain, "observe", fail)
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    assert show_and_wait(a_start(StateType.FAILED), options=DisplayOptions()) is Exit.FAILED


def test_a_model_that_fails_does_not_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a bug in counting")

    monkeypatch.setattr(RunModel, "apply", fail)
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    assert show_and_wait(a_start(), options=DisplayOptions()) is Exit.OK


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "GITHUB_ACTIONS": "true"}, False),
        ({"TERM": "xterm", "GITLAB_CI": "true"}, False),
    ],
)
def test_live_is_for_terminals_that_can_be_redrawn(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert is_live(cast("IO[str]", FakeTerminal())) is expected
    assert is_live(io.StringIO()) is False


def test_colours_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = cast("IO[str]", FakeTerminal())

    assert (wants_colour(terminal), wants_colour(io.StringIO())) == (True, False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert wants_colour(io.StringIO()) is True
    monkeypatch.setenv("NO_COLOR", "1")
    assert (wants_colour(terminal), wants_colour(io.StringIO())) == (False, False)


def test_glyphs_are_ascii_where_the_stream_or_the_user_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")

    assert (is_ascii(cast("IO[str]", FakeTerminal())), is_ascii(latin)) == (False, True)
    monkeypatch.setenv("FLOWCTL_ASCII", "1")
    assert is_ascii(cast("IO[str]", FakeTerminal())) is True


def test_columns_make_the_display_narrower_but_never_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    region = Region(cast("IO[str]", FakeTerminal()))

    monkeypatch.setenv("COLUMNS", "50")
    assert region.size()[0] == 50
    monkeypatch.setenv("COLUMNS", "500")
    assert region.size()[0] == 80
