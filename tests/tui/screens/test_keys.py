"""Every key on every screen, at both sizes: none is dead, none breaks anything, and each does what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.model.key_table import BINDINGS
from flowctl.tui.model.keys import Binding, bindings_of
from tests.tui.screens.driving import (
    NARROW,
    WIDE,
    cursor_line,
    drive,
    grid,
    listed_runs,
    press,
    screen_text,
    shown,
    strike,
    until,
)
from tests.tui.screens.sample import DONE, FAILED, LIVE, three_runs

#: Scope -> the keys that lead to its screen.
WAYS = {
    "runs": (),
    "run": ("enter",),
    "task": ("j", "enter", "right_curly_bracket", "enter"),
    "log": ("L",),
    "logs": ("4",),
    "flows": ("3",),
    "deploys": ("2",),
    "system": ("5",),
}

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")


def stays(binding: Binding, scope: str) -> bool:
    """Tell whether the screen is still there after a key: the other ones have tests of their own."""
    return (
        not binding.id.startswith(("view.", "move.history", "move.last_view", "move.back"))
        and not binding.id.endswith("_sibling")
        and not (binding.id == "move.open" and scope == "flows")
        and binding.id not in ("app.quit", "app.leave", "app.suspend", "app.copy_or_quit", "look.freeze")
    )


@SIZES
@pytest.mark.parametrize("scope", WAYS)
def test_no_key_breaks_a_screen(home: Home, scope: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.chdir(home.path if Path(home.path).exists() else Path(home.path).parent)
    keys = [key for each in bindings_of(BINDINGS, scope) if stays(each, scope) for key in each.keys]

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, *WAYS[scope])
        screen = shown(app)
        assert scope == screen.SCOPE
        for key in keys:
            await press(app, pilot, key)
            # Close what it opened, and answer what it asked with no.
            while app.screen is not screen or screen.is_typing:
                await press(app, pilot, "escape")
        assert app.is_running

    with three_runs(home):
        drive(home, scenario, size=size)


@pytest.mark.parametrize("scope", WAYS)
def test_the_footer_names_no_dead_key(home: Home, scope: str) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, *WAYS[scope])
        view = shown(app)

        named = [each for each in view.bindings if each.footer and view.can_run(each)]

        assert named
        assert all(callable(getattr(view, f"action_{each.action}")) for each in named)

    with three_runs(home):
        drive(home, scenario)


#: Keys, from the first row on -> the run that the cursor is on then.
MOVES = {
    ("j",): "bold-ant",
    ("down", "down"): "neat-cat",
    ("G",): "neat-cat",
    ("end", "k"): "bold-ant",
    ("G", "g"): "brave-otter",
    ("G", "home"): "brave-otter",
    ("ctrl+d",): "neat-cat",
    ("G", "ctrl+u"): "brave-otter",
    ("pagedown", "up"): "bold-ant",
    ("G", "pageup"): "brave-otter",
    ("right_curly_bracket",): "bold-ant",
    ("G", "left_curly_bracket"): "bold-ant",
}


@SIZES
def test_the_cursor_goes_where_a_key_says(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for keys, name in MOVES.items():
            await press(app, pilot, "g", *keys)

            assert name in cursor_line(app), keys

    with three_runs(home):
        drive(home, scenario, size=size)


@SIZES
def test_enter_opens_and_escape_goes_back(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter")
        assert shown(app).SCOPE == "run"
        await press(app, pilot, "j", "enter")
        assert shown(app).SCOPE == "task"
        await press(app, pilot, "h", "escape")
        assert shown(app).SCOPE == "runs"
        assert "brave-otter" in cursor_line(app)

    with three_runs(home):
        drive(home, scenario, size=size)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_q_quits_at_the_top(home: Home, key: str) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, key)

    with three_runs(home):
        app = drive(home, scenario)

    assert app.return_code == 0


def test_ctrl_c_quits_only_when_it_comes_twice(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "ctrl+c")
        assert "once more to quit" in screen_text(app)
        await press(app, pilot, "ctrl+c")

    with three_runs(home):
        app = drive(home, scenario)

    assert app.return_code == 0


@SIZES
def test_a_number_leads_to_a_main_view(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for key, scope in enumerate(["runs", "deploys", "flows", "logs", "system"], 1):
            await press(app, pilot, "5", str(key))

            assert scope == shown(app).SCOPE
            assert f"[{key} {scope.title()}]" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=size)


def test_the_history_leads_back_and_forward(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter", "4", "left_square_bracket")
        assert shown(app).SCOPE == "run"
        await press(app, pilot, "left_square_bracket")
        assert shown(app).SCOPE == "runs"
        await press(app, pilot, "right_square_bracket")
        assert shown(app).SCOPE == "run"
        await press(app, pilot, "grave_accent")
        assert shown(app).SCOPE == "runs"

    with three_runs(home):
        drive(home, scenario)


@SIZES
def test_a_query_filters_while_it_is_typed_and_escape_drops_it(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"state:failed".replace(":", "_"))
        await press(app, pilot, *["backspace"] * 7)
        await press(app, pilot, "colon", *"failed")
        await until_rows(app, pilot, ["bold-ant"])
        await press(app, pilot, "escape")
        await until_rows(app, pilot, ["brave-otter", "bold-ant", "neat-cat"])
        await press(app, pilot, "slash", *"neat", "enter")
        await until_rows(app, pilot, ["neat-cat"])
        await press(app, pilot, "escape")
        await until_rows(app, pilot, ["brave-otter", "bold-ant", "neat-cat"])

    with three_runs(home):
        drive(home, scenario, size=size)


def test_what_there_was_to_ask_for_is_offered_though_nothing_fits_what_is_typed_so_far(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"param", "full_stop", *"da")
        await until_rows(app, pilot, [])
        await press(app, pilot, "tab")
        assert "param.day=" in screen_text(app)

    with three_runs(home):
        drive(home, scenario)


def test_a_query_that_makes_no_sense_is_told_and_changes_nothing(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", "left_parenthesis", "a")

        assert names(app) == ["brave-otter", "bold-ant", "neat-cat"]
        assert any(")" in line or "bracket" in line for line in grid(app)[-3:-1])

    with three_runs(home):
        drive(home, scenario)


def test_no_run_matches_says_what_to_do(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"nothinglikeit", "enter")
        await until(app, pilot, lambda: "No run matches nothinglikeit" in screen_text(app))
        assert names(app) == []
        assert "esc shows all runs again" in screen_text(app)

    with three_runs(home):
        drive(home, scenario)


@SIZES
def test_marks_are_made_shown_and_cleared(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space")
        assert "2 marked" in screen_text(app)
        assert [target.run_id for target in shown(app).targets()] == [LIVE, FAILED]
        await press(app, pilot, "asterisk")
        assert "3 marked" in screen_text(app)
        await press(app, pilot, "escape")
        assert "marked" not in screen_text(app)
        assert [target.run_id for target in shown(app).targets()] == [DONE]

    with three_runs(home):
        drive(home, scenario, size=size)


def test_sorting_keeps_the_cursor_on_its_run(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j", "s", "s")
        assert "sort flow" in screen_text(app)
        assert names(app) == ["brave-otter", "neat-cat", "bold-ant"]
        assert "bold-ant" in cursor_line(app)
        await press(app, pilot, "S")
        assert names(app)[0] == "bold-ant"

    with three_runs(home):
        drive(home, scenario)


def names(app: FlowctlApp) -> list[str]:
    return [row.run.name for row in listed_runs(app)]


async def until_rows(app: FlowctlApp, pilot: Pilot[int], wanted: list[str]) -> None:
    await until(app, pilot, lambda: names(app) == wanted)


@pytest.mark.parametrize(
    ("opens", "typed"), [("question_mark", "/ kill"), ("colon", "▸ kill"), ("slash", "kill"), ("t", "[kill")]
)
def test_what_is_typed_at_once_is_for_what_the_key_before_it_opens(home: Home, opens: str, typed: str) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j", "j")
        # In one piece, as over a slow line: `i` would open a record, `k` and `l` would move.
        strike(app, opens, *"kill")
        await until(app, pilot, lambda: typed in screen_text(app))
        assert shown(app).SCOPE != "log"
        await press(app, pilot, "escape", *(["escape"] if opens == "question_mark" else []))
        assert shown(app).SCOPE == "runs"

    with three_runs(home):
        drive(home, scenario)
