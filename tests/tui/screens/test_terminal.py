"""The command in a real terminal: it starts, is typed at, resized and killed; the terminal is as it was before."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.tui.skeleton import frame
from tests.conftest import Command
from tests.store.journals import NOON, SECOND, a_run, an_id, write_journal
from tests.tui.screens.byte_stream import strays
from tests.tui.screens.conftest import Opener
from tests.tui.screens.sample import three_runs
from tests.tui.screens.terminal import Terminal


def test_it_starts_is_typed_at_and_leaves_the_terminal_as_it_was(open_terminal: Opener) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    assert terminal.screen.is_alternate

    terminal.press("j\r")
    terminal.shows("Runs › report_pdf › bold-ant")
    terminal.press("?")
    terminal.shows("keys for run")
    terminal.press("?h")
    terminal.shows("[1 Runs]")
    terminal.press("q")

    assert terminal.wait() == 0
    assert terminal.is_restored
    assert strays(terminal.output) == []


def test_ctrl_c_twice_leaves(open_terminal: Opener) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    terminal.press("\x03")
    terminal.shows("once more to quit")
    terminal.press("\x03")

    assert terminal.wait() == 0
    assert terminal.is_restored


def test_ctrl_z_gives_the_shell_its_terminal_and_fg_brings_the_screen_back(home: Home) -> None:
    with three_runs(home):
        given = {**os.environ, "TERM": "xterm-256color", "PS1": "prompt$ ", "HISTFILE": ""}
        shell = Terminal(["bash", "--norc", "--noprofile", "-i"], size=(80, 24), environment=given)
        shell.shows("prompt$")
        shell.press(f"{sys.executable} -m flowctl tui --no-daemon\r")
        shell.shows("neat-cat")
        shell.press("\x1a")
        shell.until(lambda: "Stopped" in shell.output and not shell.screen.is_alternate)
        shell.press("echo typed-$((6*7))\r")
        shell.until(lambda: "typed-42" in shell.output)
        seen = len(shell.output)
        shell.press("fg\r")
        shell.until(lambda: shell.screen.is_alternate and "neat-cat" in shell.output[seen:])
        left = len(shell.output)
        shell.press("q")
        # While it ends it throws away what is typed.
        shell.until(lambda: not shell.screen.is_alternate and "prompt$" in shell.output[left:])
        shell.press("exit\r")

        assert shell.wait() == 0
        assert shell.is_restored
        shell.close()


def test_after_a_kill_the_next_one_opens_as_ever(open_terminal: Opener) -> None:
    first = open_terminal()
    first.shows("neat-cat")
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL

    open_terminal().shows("neat-cat")


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "linux"}, {"TERM": "xterm-16color", "COLORTERM": ""}, {"LANG": "C", "LC_ALL": "C"}],
    ids=str,
)
def test_it_works_in_lesser_terminals(open_terminal: Opener, environment: dict[str, str]) -> None:
    terminal = open_terminal(**environment)
    terminal.shows("neat-cat")
    terminal.press("\r")
    terminal.shows("brave-otter")
    terminal.press("\x11")

    assert terminal.wait() == 0
    assert terminal.is_restored
    assert strays(terminal.output) == []


def test_a_terminal_without_a_cursor_is_refused_with_what_works(open_terminal: Opener) -> None:
    terminal = open_terminal(TERM="dumb")

    assert terminal.wait() == 2
    assert "flowctl runs" in terminal.output
    assert "\x1b[?1049h" not in terminal.output


def test_a_terminal_that_was_small_for_a_moment_is_filled_anew(open_terminal: Opener) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    terminal.press("5")
    terminal.shows("DATABASE")
    terminal.press("P")
    terminal.shows("frozen (P)")
    terminal.resize(80, 24)  # what stood there is lost, and all that it hears is that it is as large as before

    terminal.shows("[5 System]", within_s=20)
    terminal.shows("DATABASE", within_s=20)


def test_a_resized_terminal_is_filled_anew_whatever_size_the_environment_names(open_terminal: Opener) -> None:
    terminal = open_terminal(COLUMNS="80", LINES="24")
    terminal.shows("neat-cat")
    terminal.resize(140, 40)
    terminal.shows("╭─ needs you")
    terminal.resize(40, 8)
    terminal.until(lambda: "brave" in terminal.screen.text() and "╭" not in terminal.screen.text())
    terminal.press("q")

    assert terminal.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(open_terminal: Opener, number: signal.Signals) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    os.kill(terminal.pid, number)

    assert terminal.wait() == 128 + number
    assert terminal.is_restored


def test_a_run_appears_while_one_looks(home: Home, open_terminal: Opener) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    write_journal(home, an_id(9), a_run(an_id(9), at=NOON + 50 * SECOND, name="new-comer"))

    terminal.shows("new-comer")


def test_a_defect_restores_the_terminal_and_leaves_a_report(home: Home, open_terminal: Opener, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import flowctl.tui.screens.runs as runs\n"
        "def broken(screen): raise RuntimeError('planted')\n"
        "runs.RunsScreen.action_move_down = broken\n"
    )
    terminal = open_terminal(PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    terminal.shows("neat-cat")
    terminal.press("j")

    assert terminal.wait() == 1
    assert terminal.is_restored
    said = terminal.output[terminal.output.rfind("\x1b[?1049l") :]
    assert "RuntimeError: planted" in said
    assert "Your runs go on" in said
    assert len(list(Path(home.path).glob("tui-crash-*.txt"))) == 1


def test_a_run_can_be_opened_at_once(open_terminal: Opener) -> None:
    terminal = open_terminal("bold-ant")

    terminal.shows("Runs › report_pdf › bold-ant")


@pytest.mark.parametrize(
    ("arguments", "said"), [(("no-such-run",), "no-such-run"), (("--theme", "mauve"), "There are: safe")]
)
def test_what_cannot_be_opened_is_said_on_the_terminal_as_it_was(
    open_terminal: Opener, arguments: tuple[str, ...], said: str
) -> None:
    terminal = open_terminal(*arguments)

    assert terminal.wait() in (2, 5)
    assert not terminal.screen.is_alternate
    assert said in terminal.output[terminal.output.rfind("\x1b[?1049l") + 1 :]


def test_with_no_color_not_one_colour_is_written_and_every_state_has_its_sign(open_terminal: Opener) -> None:
    terminal = open_terminal(NO_COLOR="1")
    for text in ("running      etl_daily", "✗ failed", "✓ completed"):
        terminal.shows(text)
    for key, text in zip("2345", ("No deployments", "[3 Flows]", "[4 Logs]", "DAEMON"), strict=True):
        terminal.press(key)
        terminal.shows(text)
    terminal.press("1/")
    terminal.press("\x11")
    terminal.wait()

    written: list[str] = re.findall(r"\x1b\[([\d;:]*)m", terminal.output)
    assert {code for each in written for code in re.split("[;:]", each)} <= {"", "0", "1", "2", "3", "4", "7"}


def test_the_first_frame_comes_before_the_imports_and_shows_the_last_list(open_terminal: Opener) -> None:
    first = open_terminal()
    first.shows("neat-cat")
    first.press("q")
    first.wait()
    second = open_terminal()

    # The frame names the runs before Textual has asked the terminal for anything.
    second.until(lambda: "neat-cat" in second.output)
    assert "\x1b[?1003h" not in second.output[: second.output.index("neat-cat")]


def test_with_ascii_no_other_byte_is_written_from_the_first_frame_on(open_terminal: Opener) -> None:
    first = open_terminal()
    first.shows("neat-cat")
    first.press("q")
    first.wait()
    second = open_terminal("--ascii")
    second.shows("neat-cat")
    second.press("q")
    second.wait()

    assert not first.output.isascii()
    assert second.output.isascii()


def test_without_a_terminal_it_refuses_and_names_what_works(flowctl_command: Command) -> None:
    outcome = flowctl_command("tui")

    assert outcome.returncode == 2
    assert "flowctl runs" in outcome.stderr
    assert outcome.stdout == ""


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1)])
def test_the_first_frame_fits_its_terminal(size: tuple[int, int]) -> None:
    lines = frame(*size, ["x" * 300] * 100).split("\r\n")

    plain = [line.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "") for line in lines]
    assert len(lines) <= size[1]
    assert all(len(line) <= size[0] for line in plain)
