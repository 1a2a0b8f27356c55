"""What terminals, shells and other programs do to the interface, which bears it: noise, stops, early ends, files."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from flowctl.core.daemon.processes import descendants, look_at_all
from flowctl.store.home import Home
from tests.tui.screens.byte_stream import strays
from tests.tui.screens.conftest import Opener
from tests.tui.screens.sample import three_runs
from tests.tui.screens.terminal import ROOT, Terminal, planted

SOON_S = 3.0
#: Takes as long to be imported as it is told to, while the first frame stands.
SLOW = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "flowctl.tui.app":
            time.sleep(0.5)
sys.meta_path.insert(0, Slow())
"""


NOISE = (
    b"\xff\xfe\xe9\xc3",  # no UTF-8
    b"\x1b[1114112u\x1b[99999999999999999999u",  # letters beyond all
    b"\x1b[55296u",  # half a letter
    b"\x1b[:;:u\x1b[::0~\x1b[1::A",
    b"\x1b[<0;0;0M\x1b[<0;-1;-7m\x1b[<255;99999;99999M\x1b[M\xff\xff\xff",  # mice in no place
    b"\x1b[48;0;0;0;0t\x1b[<0;5;5M\x1b[48;99999;99999;1;1t",  # sizes that nothing has
    b"\x1b[?2026;2$y\x1b[?1;2c\x1b]11;rgb:ff/ff/ff\x07\x1bP1+r\x1b\\\x1b[5;5R",  # replies to nothing
    b"\x1b[I\x1b[O" * 20,
    b"\x1b[201~",
    b"\x1b[38;5;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1",
    b"\x1b[25;9~\x1b[2;2;2;2x\x1b[<2;",  # keys that nobody has, and half a mouse
    b"\x1b[200~XDc2\x1b]0;" + b"2" * 40 + b"\x07\x1b2\x1b[201~",  # a paste that looks like keys
)


def test_noise_on_the_line_changes_nothing(home: Home, open_terminal: Opener) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    before = terminal.settings()
    for noise in NOISE:
        for at in range(0, len(noise), 3):
            terminal.press(noise[at : at + 3])
            terminal.read_for(0.002)
        terminal.read_for(0.05)
    # Nothing of it was taken for a key that goes elsewhere, and the interface answers.
    assert "[1 Runs]" in terminal.screen.text()
    terminal.press("\x1b")
    terminal.read_for(0.2)
    terminal.press("5")
    terminal.shows("[5 System]", within_s=10)

    assert terminal.settings() == before
    # Nobody who wants to leave waits for the end of a paste that never comes.
    terminal.press("\x1b[200~[red]\x1b[31mx\x00")
    terminal.read_for(0.1)
    terminal.press("\x11")
    assert terminal.wait(within_s=SOON_S) == 0, terminal.output[-500:]
    assert strays(terminal.output) == []
    assert list(Path(home.path).glob("tui-crash-*")) == []


def test_stopped_from_outside_and_going_on_it_is_as_before_and_ends_as_ever(open_terminal: Opener) -> None:
    terminal = open_terminal()
    before = terminal.before
    terminal.shows("neat-cat")
    for _ in range(3):
        os.kill(terminal.pid, signal.SIGSTOP)
        # What has the terminal meanwhile sets it for itself.
        terminal.set(before)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.until(lambda: terminal.settings() != before)
    # One reads, not two: each key counts once.
    terminal.press("j")
    terminal.until(lambda: "▸" in row_of(terminal, "bold-ant"))
    terminal.press("\x11")

    assert terminal.wait(within_s=SOON_S) == 0
    assert terminal.settings() == before
    assert terminal.is_restored


def row_of(terminal: Terminal, name: str) -> str:
    """Give the line with a name."""
    return next((line for line in terminal.screen.text().splitlines() if name in line), "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_while_it_is_there_ends_it_and_all_is_as_it_was(open_terminal: Opener, number: signal.Signals) -> None:
    terminal = open_terminal()
    before = terminal.before
    terminal.shows("[1 Runs]")
    terminal.until(lambda: "\x1b[?2004h" in terminal.output)
    os.kill(terminal.pid, number)

    assert terminal.wait(within_s=SOON_S) == 128 + number
    assert terminal.settings() == before
    assert terminal.is_restored
    assert "Traceback" not in terminal.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_only_the_first_frame_is_there_ends_it_and_all_is_as_it_was(
    open_terminal: Opener, tmp_path: Path, number: signal.Signals
) -> None:
    terminal = open_terminal(**planted(tmp_path, SLOW))
    before = terminal.before
    terminal.until(lambda: "\x1b[?1049h" in terminal.output)
    if number == signal.SIGINT:
        terminal.press("\x03")
    else:
        os.kill(terminal.pid, number)

    assert terminal.wait(within_s=SOON_S) == 128 + number
    assert terminal.settings() == before
    assert not terminal.screen.is_alternate
    assert terminal.screen.has_cursor
    assert "Traceback" not in terminal.output


def test_a_defect_before_there_is_an_interface_is_told_on_the_terminal_as_it_was(
    open_terminal: Opener, tmp_path: Path
) -> None:
    broken = SLOW.replace("time.sleep(0.5)", "raise RuntimeError('planted')")
    terminal = open_terminal(**planted(tmp_path, broken))
    before = terminal.before

    assert terminal.wait() == 1
    assert terminal.settings() == before
    assert "RuntimeError: planted" in terminal.output[terminal.output.rindex("\x1b[?1049l") :]


def test_what_is_typed_at_the_first_frame_is_not_echoed_and_is_done_by_the_interface(
    open_terminal: Opener, tmp_path: Path
) -> None:
    terminal = open_terminal(**planted(tmp_path, SLOW))
    before = terminal.before
    terminal.until(lambda: "\x1b[?1049h" in terminal.output)
    # Two lines down, open it; enter, letters and a key that a line editor would take for itself.
    terminal.press("j")
    terminal.press("\x7f\x17")
    terminal.press("j\r")
    terminal.shows("Runs › etl_daily › neat-cat")

    seen = terminal.output[: terminal.output.index("\x1b[?2004h")]
    assert "^W" not in seen
    assert "j" not in seen.replace("jobs", "")
    terminal.press("\x11")
    assert terminal.wait(within_s=SOON_S) == 0
    assert terminal.settings() == before


def test_a_line_that_is_typed_in_one_go_is_typed_into_the_line_that_its_first_key_opens(open_terminal: Opener) -> None:
    terminal = open_terminal()
    # Before anything is listed; alone, each letter would do something.
    terminal.until(lambda: "\x1b[?1049h" in terminal.output)
    terminal.press("/bold")
    terminal.until(lambda: "neat-cat" not in terminal.screen.text() and " bold\n" in terminal.screen.text())
    # And while it is there.
    terminal.press("\x1b")
    terminal.shows("neat-cat")
    terminal.press("/\x1b[200~neat\nX\x1b[201~-cat\r")
    terminal.until(lambda: "bold-ant" not in terminal.screen.text() and "neat-cat" in terminal.screen.text())
    terminal.press("\x11")

    assert terminal.wait(within_s=SOON_S) == 0
    assert strays(terminal.output) == []


def test_standard_error_in_a_file_leaves_the_interface_in_the_terminal(home: Home, tmp_path: Path) -> None:
    log = tmp_path / "errors"
    command = f"exec {sys.executable} -m flowctl tui --no-daemon 2>{log}"
    with three_runs(home):
        given = {**os.environ, "TERM": "xterm-256color"}
        terminal = Terminal(["sh", "-c", command], size=(80, 24), environment=given, folder=ROOT)
        terminal.until(lambda: "neat-cat" in terminal.screen.text() and "\x1b[?2004h" in terminal.output)
        terminal.press("5")
        terminal.shows("[5 System]")
        terminal.press("\x11")
        assert terminal.wait(within_s=SOON_S) == 0
        terminal.close()

    assert log.read_text() == ""


def test_a_held_key_is_not_made_up_for_after_it_is_let_go(open_terminal: Opener) -> None:
    terminal = open_terminal()
    terminal.shows("neat-cat")
    terminal.press("j" * 500)
    began = time.monotonic()
    terminal.until(lambda: "▸" in row_of(terminal, "neat-cat"))
    terminal.press("k")
    terminal.until(lambda: "▸" in row_of(terminal, "bold-ant"))

    assert time.monotonic() - began < SOON_S


def test_ctrl_c_in_an_editor_ends_the_editor_alone(open_terminal: Opener) -> None:
    terminal = open_terminal(VISUAL="", EDITOR="sh -c 'echo opened-$((6*7)); exec sleep 60'")
    terminal.shows("neat-cat")
    terminal.press("e")
    terminal.until(lambda: "opened-42" in terminal.output and not terminal.screen.is_alternate)
    terminal.press("\x03")
    terminal.until(lambda: terminal.screen.is_alternate)
    terminal.press("5")
    terminal.shows("[5 System]")
    terminal.press("\x11")

    assert terminal.wait(within_s=SOON_S) == 0
    assert terminal.settings() == terminal.before


def test_an_editor_that_is_not_there_is_named_and_the_interface_goes_on(open_terminal: Opener) -> None:
    terminal = open_terminal(VISUAL="", EDITOR="no-such-editor")
    terminal.shows("neat-cat")
    terminal.press("e")
    terminal.shows("no-such-editor: No such file or directory")
    terminal.press("5")
    terminal.shows("[5 System]")
    terminal.press("\x11")

    assert terminal.wait(within_s=SOON_S) == 0
    assert terminal.settings() == terminal.before


def test_an_editor_ends_with_the_interface_that_opened_it(open_terminal: Opener) -> None:
    # It does not want to, and is not alone.
    editor = "sh -c 'trap : TERM; echo opened-$((6*7)); while :; do sleep 61; done'"
    terminal = open_terminal(VISUAL="", EDITOR=editor)
    terminal.shows("neat-cat")
    terminal.press("e")
    terminal.until(lambda: "opened-42" in terminal.output and not terminal.screen.is_alternate)
    terminal.until(lambda: len(descendants(look_at_all(), terminal.pid)) > 2)
    family = descendants(look_at_all(), terminal.pid)
    os.kill(terminal.pid, signal.SIGTERM)

    assert terminal.wait(within_s=SOON_S) == 128 + signal.SIGTERM
    assert terminal.settings() == terminal.before
    assert terminal.is_restored
    assert not family & look_at_all().keys()
