"""The live display on a terminal: frames in place, prints above, and an end that leaves the terminal clean."""

from __future__ import annotations

import builtins
import sys
from typing import IO, cast

import pytest

from flowctl.core.cli.display_live import Live
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_region import Region
from flowctl.core.cli.display_summary import summary_lines
from flowctl.core.cli.display_words import Glyphs
from tests.core.cli.screen import FakeTerminal
from tests.core.cli.streams import START, Stage, a_busy_run

ASCII = Glyphs(is_ascii=True)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> FakeTerminal:
    terminal = FakeTerminal()
    monkeypatch.setattr(Region, "size", lambda _: (terminal.columns, terminal.rows))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    return terminal


def stand(terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it the terminal of this process; in the test's body, since pytest sets the streams anew before it."""
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)


def a_region(terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch) -> Region:
    stand(terminal, monkeypatch)
    region = Region(cast("IO[str]", terminal))
    region.open()
    return region


def test_a_run_is_drawn_in_place_and_ends_with_the_summary(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = RunModel()
    stand(terminal, monkeypatch)
    live = Live(model, cast("IO[str]", terminal), ASCII)
    live.region.open()
    now = START / 1e6

    for record in a_busy_run(40, ends="FAILED"):
        model.apply(record)
        now = max(now, record.at / 1e6)
        live.refresh(now)
        assert len(terminal.shown) <= 24
        assert terminal.is_cursor_shown
    live.end(now, summary_lines(model, ASCII, now))

    assert terminal.shown[0].startswith(" + list_files")
    assert terminal.shown[1].startswith(" x parse_module  ############ 40/40  3x")
    assert " x etl  brave-otter  failed in 6.3s" in terminal.shown
    assert "   ValueError: bad row 12" in terminal.shown
    assert terminal.shown[-2:] == ["   look back flowctl runs show -", ""]
    assert getattr(sys.stdout, "region", None) is None


def test_the_last_lines_of_the_log_stay_when_the_run_has_ended(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, model = Stage(), RunModel()
    stand(terminal, monkeypatch)
    live = Live(model, cast("IO[str]", terminal), ASCII)
    live.region.open()
    chatter = [stage.log(f"line {number}") for number in range(30)]

    for record in [*stage.opening, stage.flow("RUNNING"), *chatter, stage.log("a\nb"), stage.flow("COMPLETED")]:
        model.apply(record)
    live.end(START / 1e6, summary_lines(model, ASCII, START / 1e6))

    place = terminal.shown.index(" --- log, 20 earlier lines: flowctl runs logs -")
    assert [line[10:] for line in terminal.shown[place + 1 : place + 13]] == [
        *(f"INFO  line {number}" for number in range(20, 30)),
        "INFO  a",
        "      b",
    ]


@pytest.mark.parametrize(("columns", "rows"), [(140, 40), (80, 24), (40, 10), (20, 5)])
def test_frames_fit_terminals_of_all_sizes(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch, columns: int, rows: int
) -> None:
    terminal.columns, terminal.rows = columns, rows
    model = RunModel()
    stand(terminal, monkeypatch)
    live = Live(model, cast("IO[str]", terminal), ASCII)
    live.region.open()

    for record in a_busy_run(120, ends=None):
        model.apply(record)
        live.refresh(record.at / 1e6)
        assert len(terminal.lines) <= rows

    live.region.close()
    assert terminal.shown == [""]


def test_what_is_printed_appears_above_the_frame(terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    region = a_region(terminal, monkeypatch)
    region.draw(["frame 1", "frame 2"], [7, 7])

    print("first")
    print("second\nthird")
    region.draw(["frame 3"], [7])

    assert terminal.shown == ["first", "second", "third", "frame 3", ""]
    region.finish(["end"])
    assert terminal.shown == ["first", "second", "third", "end", ""]


def test_a_line_printed_while_nothing_moves_is_shown_at_once(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = a_region(terminal, monkeypatch)
    region.draw(["frame"], [5])
    monkeypatch.setattr("flowctl.core.cli.display_region._AT_ONCE_S", -1.0)

    print("last words")

    assert terminal.shown == ["last words", "frame", ""]
    region.close()


def test_an_unfinished_line_stands_above_the_frame_and_is_finished_there(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = a_region(terminal, monkeypatch)

    print("loading", end="")
    region.draw(["frame"], [5])
    before = terminal.shown
    print(" done")
    region.draw(["frame"], [5])

    assert before == ["loading", "frame", ""]
    assert terminal.shown == ["loading done", "frame", ""]
    region.close()


def test_printed_colours_stay_and_printed_cursor_movements_do_not(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = a_region(terminal, monkeypatch)

    print("\x1b[31mred\x1b[0m\x1b[2Jnot cleared\x1b]0;title\x07\x1b[5A\x9b2J")
    print("10%\r50%\r100%")
    region.draw(["frame"], [5])

    assert terminal.shown == ["rednot cleared2J", "100%", "frame", ""]
    assert "\x1b[31mred" in terminal.written
    region.close()


def test_a_terminal_that_became_narrower_is_cleared_of_the_folded_lines(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = a_region(terminal, monkeypatch)
    region.draw(["x" * 79, "y" * 79], [79, 79])
    terminal.written = ""

    terminal.columns = 40
    terminal.lines = ["x" * 40, "x" * 39, "y" * 40, "y" * 39, ""]  # as terminals fold them
    terminal.row = 4
    region.draw(["narrow"], [6])

    assert terminal.shown == ["narrow", ""]
    region.close()


def test_a_question_gets_the_terminal_for_itself(terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def ask(prompt: str = "") -> str:
        sys.stdout.write(prompt)
        seen.append(terminal.shown)
        region.draw(["never while asked"], [17])
        return "Anna"

    monkeypatch.setattr(builtins, "input", ask)
    region = a_region(terminal, monkeypatch)
    region.draw(["frame"], [5])

    answer = input("name? ")

    assert answer == "Anna"
    assert seen == [["name?"]]
    assert "never while asked" not in terminal.written
    region.close()
    assert input is ask


def test_a_terminal_that_is_gone_does_not_make_print_fail(
    terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = a_region(terminal, monkeypatch)
    monkeypatch.setattr("flowctl.core.cli.display_region._AT_ONCE_S", -1.0)

    def gone(text: str) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(terminal, "write", gone)

    print("into the void")

    monkeypatch.undo()
    region.close()
