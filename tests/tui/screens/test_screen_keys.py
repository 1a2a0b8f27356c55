"""Keys of the single screens: the tree, the time axis, the log, the palette, the help, the editor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.runs import RunsScreen
from tests.store.journals import (
    NOON,
    SECOND,
    an_id,
    flow_created,
    flow_state,
    opened,
    task_created,
    task_state,
    write_journal,
)
from tests.tui.screens.driving import (
    NARROW,
    WIDE,
    cursor_line,
    drive,
    grid,
    listed_runs,
    press,
    screen_text,
    sentence,
    shown,
    until,
)
from tests.tui.screens.sample import LIVE, three_runs

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.mark.parametrize("key", ["c", "r", "X", "D", "p"])
def test_what_needs_the_daemon_says_so(home: Home, key: str) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, key)

        assert "daemon" in sentence(app)

    with three_runs(home):
        drive(home, scenario)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("y", "i"), LIVE),
        (("y", "p"), '{"day": "2026-05-28", "full": false}'),
        (("y", "c"), f"flowctl runs show {LIVE[:8]}"),
        (("j", "y", "t"), "ValueError: no such table: sales"),
        (("enter", "j", "y", "p"), "x=1"),
        (("3", "y", "l"), "/project/etl.py:7"),
    ],
    ids=str,
)
def test_yanking_copies_and_says_by_which_way(home: Home, keys: tuple[str, ...], text: str) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, *keys)

        assert "copied" in grid(app)[-2]
        assert text in app.clipboard

    with three_runs(home):
        drive(home, scenario, SSH_CONNECTION="here")


@SIZES
def test_rows_of_the_tree_fold_and_unfold(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter", "j", "j")
        assert "[2]" in screen_text(app)
        await press(app, pilot, "space")
        assert "▸ transform [3]" in screen_text(app)
        await press(app, pilot, "enter")
        assert "▾ transform [3]" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=size)


def test_the_time_axis_is_stretched_shrunk_and_counted_from_the_start(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter")
        head = grid(app)[3]
        await press(app, pilot, "plus")
        assert grid(app)[3] != head
        await press(app, pilot, "minus")
        assert grid(app)[3] == head
        await press(app, pilot, "at")
        assert "+0s" in grid(app)[3]

    with three_runs(home):
        drive(home, scenario)


@SIZES
def test_siblings_and_attempts_are_one_key_away(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter", "full_stop")
        assert "bold-ant" in grid(app)[1]
        await press(app, pilot, "comma", "j", "j", "j", "enter")
        assert "transform[0]" in grid(app)[1]
        await press(app, pilot, "full_stop")
        assert "transform[1]" in grid(app)[1]
        await press(app, pilot, "1", "j", "enter", "right_curly_bracket", "enter")
        assert "attempt 2" in screen_text(app)
        await press(app, pilot, "left_parenthesis")
        assert "attempt 1" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=size)


def test_the_log_follows_to_the_attempt_that_one_goes_to(home: Home) -> None:
    run, records = an_id(1), list[Record]()
    for attempt in (1, 2):
        at = NOON + attempt * 20 * SECOND
        records.append(task_state(1, "RUNNING", at=at, run_count=attempt))
        said = (f"try {attempt} line {number}" for number in range(30))
        records += [LogLine(at + SECOND, 0, 1, 20, "flowctl.task_runs", text) for text in said]
        end: dict[str, Any] = {"name": "AwaitingRetry", "due": at + 20 * SECOND} if attempt == 1 else {}
        records.append(task_state(1, "SCHEDULED" if end else "FAILED", at=at + 2 * SECOND, run_count=attempt, **end))
    start: list[Record] = [opened(run), flow_created(run), flow_state("RUNNING"), task_created(1)]
    write_journal(home, run, [*start, *records, flow_state("FAILED", at=NOON + 60 * SECOND)])

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter", "j", "enter")
        assert "try 2 line 29" in screen_text(app)
        await press(app, pilot, "left_parenthesis")
        assert "try 1 line 0" in screen_text(app)
        await press(app, pilot, "right_parenthesis")
        assert "try 2 line 29" in screen_text(app)

    drive(home, scenario)


@SIZES
def test_a_line_of_the_log_of_all_runs_opens_its_run_at_that_line(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "4", "slash", *"Traceback", "enter", "enter")
        await until(app, pilot, lambda: "still" in screen_text(app))
        assert "bold-ant" in grid(app)[1]
        assert "Traceback" in line_at_cursor(app)

    with three_runs(home):
        drive(home, scenario, size=size)


@SIZES
def test_a_log_is_searched_filtered_and_walked_by_problems(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "4", "slash", *"rows", "enter")
        assert "all rows are in" in line_at_cursor(app)
        await until(app, pilot, lambda: "1 line with 'rows'" in sentence(app))
        await press(app, pilot, "right_curly_bracket")
        assert "Traceback" in line_at_cursor(app)
        await press(app, pilot, "f", "f", "f", "f")
        assert "error+" in screen_text(app)
        assert "all rows are in" not in screen_text(app)
        await press(app, pilot, "exclamation_mark", "w")
        assert "wrap" in screen_text(app)
        await press(app, pilot, "F")
        assert "still" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=size)


def test_the_help_searches_what_is_typed_and_does_what_is_chosen(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "question_mark", *"reverse")
        assert "reverse the order" in screen_text(app)
        assert "main views" not in screen_text(app)
        await press(app, pilot, "enter")
        assert isinstance(app.screen, RunsScreen)
        assert app.screen.runs.is_reversed
        # What has no key is found as well; escape shows all keys again, then closes.
        await press(app, pilot, "question_mark", *"theme", "escape")
        assert "main views" in screen_text(app)
        await press(app, pilot, *"light", "enter")
        assert (app.ink.name, shown(app).SCOPE) == ("light", "runs")

    with three_runs(home):
        drive(home, scenario)


def test_the_help_has_sections_where_it_is_narrow_and_columns_to_go_along(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "question_mark", "tab")
        assert "how often it was started again" in screen_text(app)
        await press(app, pilot, "tab")
        assert "every state has its own shape" in screen_text(app)
        await press(app, pilot, "tab", "tab")
        assert "j k" in cursor_line(app)
        await press(app, pilot, "right", "up", "right", "end", "home", "right", "right", "enter")
        assert shown(app).is_typing

    with three_runs(home):
        drive(home, scenario)


def test_what_is_about_a_screen_is_closed_when_another_view_is_gone_to(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[Any]) -> None:
        await press(app, pilot, "5", "question_mark", "ctrl+p")
        app.go_to_mode("runs")
        await until(app, pilot, lambda: "[1 Runs]" in screen_text(app))
        await press(app, pilot, "5")
        assert "[5 System]" in screen_text(app)

    with three_runs(home):
        drive(home, scenario)


def test_the_palette_changes_the_theme_and_opens_runs_by_name(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "colon", *"light", "enter")
        assert app.ink.name == "light"
        await press(app, pilot, "colon", *"neat-cat", "enter")
        assert "neat-cat" in grid(app)[1]

    with three_runs(home):
        drive(home, scenario)


def test_what_arrives_of_a_key_is_shown_and_the_keys_that_leave_leave(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "5", "K", "X", "q")
        assert "X   q" in screen_text(app)
        await press(app, pilot, "ctrl+c")
        assert "once more to quit" in screen_text(app)
        await pilot.press("ctrl+q")
        assert app.is_over

    with three_runs(home):
        drive(home, scenario)


def test_a_frozen_screen_stands_still_and_goes_on_again(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "P")
        assert app.is_frozen
        # What is opened from it shows something all the same, and says why it stands still.
        await press(app, pilot, "j", "enter")
        await until(app, pilot, lambda: "no such table" in screen_text(app))
        assert "frozen (P)" in grid(app)[0]
        await press(app, pilot, "escape", "P")
        assert not app.is_frozen
        assert "frozen" not in grid(app)[0]

    with three_runs(home):
        drive(home, scenario)


def test_a_pane_takes_the_whole_screen_and_gives_it_back(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter", "tab", "z")
        assert app.screen.maximized is not None
        await press(app, pilot, "escape")
        assert app.screen.maximized is None
        assert shown(app).SCOPE == "run"

    with three_runs(home):
        drive(home, scenario)


def test_the_editor_is_opened_at_the_line_that_failed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setenv("VISUAL", "code --wait")

    def opened(command: list[str], **_options: object) -> None:
        called.append(command)

    monkeypatch.setattr("subprocess.Popen", opened)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j", "e")

    with three_runs(home):
        drive(home, scenario)

    assert called == [["code", "--wait", "--goto", "/project/etl.py:9"]]


def test_the_persons_own_keys_are_in_force(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "flowctl").mkdir()
    (tmp_path / "flowctl" / "keys.toml").write_text('[keys]\n"move.down" = "x"\n"no.such" = "y"\n')

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j")
        assert "brave-otter" in cursor_line(app)
        await press(app, pilot, "x")
        assert "bold-ant" in cursor_line(app)
        await press(app, pilot, "5")
        assert "no.such" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=WIDE)


def names(app: FlowctlApp) -> list[str]:
    return [row.run.name for row in listed_runs(app)]


def line_at_cursor(app: FlowctlApp) -> str:
    from flowctl.tui.widgets.log import LogPane

    line = app.screen.query_one(LogPane).line
    return "" if line is None else line.text
