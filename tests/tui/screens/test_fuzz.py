"""Random keys and sizes over a daemon at work in a real terminal: nothing breaks, nothing strange is written to it.

`FLOWCTL_FUZZ_KEYS=10000 pytest -s --timeout 0 tests/tui/screens/test_fuzz.py` goes on for long; with the seed that it
names, `FLOWCTL_TEST_SEED=…` presses the same keys again.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from flowctl.store.home import Home
from tests.tui.screens.byte_stream import strays
from tests.tui.screens.random_keys import SIZES, noise_and_keys
from tests.tui.screens.terminal import Screen, Terminal, planted
from tests.tui.screens.unrest import Unrest, asked_to_be_deleted
from tests.tui.screens.workplace import Workplace

#: Set when this module is imported: the fixture of the home takes away what is named FLOWCTL_ from the environment.
KEYS: Final = int(os.environ.get("FLOWCTL_FUZZ_KEYS", "200"))
IS_LONG: Final = "FLOWCTL_FUZZ_KEYS" in os.environ
#: The short round that goes with all other tests presses the same keys each time; a long one is another each time.
SEED: Final = int(os.environ.get("FLOWCTL_TEST_SEED") or 0) or (
    random.SystemRandom().randrange(1, 1 << 32) if IS_LONG else 7
)
#: Keys are pressed so many at a time, as a hand on a keyboard that repeats does.
BURST: Final = 20
#: After so many keys the interface is left, and opened again otherwise.
SESSION: Final = 1000
#: Left, it ends in a third of a second on a machine that does nothing else.
LEAVES_S: Final = 5.0
#: After so long nothing that was begun, a paste or a sequence, is waited for any more.
SILENCE_S: Final = 1.2
EDITORS: Final = ("", "true", "sh -c 'printf \"edited \"; sleep 0.1'", "no-such-editor", "false")
#: Says where it hangs when it is asked to, and which runs it has deleted.
WITNESS: Final = """
import faulthandler, signal, sys
faulthandler.register(signal.SIGUSR1, open({stacks!r}, "a"))
class Watching:
    def find_spec(self, name, path=None, target=None):
        if name == "flowctl.tui.app":
            import flowctl.tui.actions as actions
            ask = actions.Actions.ask
            def told(self, verb, targets, **fields):
                if verb == "delete":
                    with open({deleted!r}, "a") as file:
                        file.write("".join(each.run_id + "\\n" for each in targets))
                return ask(self, verb, targets, **fields)
            actions.Actions.ask = told
sys.meta_path.insert(0, Watching())
"""


class Fuzzed:
    """An interface that keys are pressed at by chance."""

    def __init__(self, place: Workplace, chance: random.Random, folder: Path) -> None:
        self._chance = chance
        self._place = place
        self._stacks = folder / "stacks"
        self.deleted = folder / "deleted"
        witness = WITNESS.format(stacks=str(self._stacks), deleted=str(self.deleted))
        self._environment = {**os.environ, **planted(folder, witness), "TERM": "xterm-256color", "ESCDELAY": "20"}
        self._folder = folder
        self.outputs: list[str] = []

    def session(self, keys: int) -> int:
        """Open it, press so many keys at most, look at it, and leave it; return how many were pressed."""
        chance, pressed = self._chance, 0
        environment = {**self._environment, "EDITOR": chance.choice(EDITORS), "VISUAL": "", "COLORTERM": "truecolor"}
        options = chance.choice([[], [], ["--no-daemon"], ["--ascii"], ["--theme", "light"], ["--no-mouse"]])
        command = [sys.executable, "-m", "flowctl", "tui", *options]
        terminal = Terminal(command, size=(80, 24), environment=environment, folder=self._folder, echoes=False)
        try:
            self._soon(terminal, lambda: "\x1b[?2004h" in terminal.output, within_s=30)
            while pressed < keys and not terminal.has_ended:
                self._press_some(terminal)
                pressed += BURST
            if not terminal.has_ended:
                self._look_at(terminal)
            self._leave(terminal)
        finally:
            terminal.close()
        self.outputs.append(terminal.output)
        return pressed

    def _press_some(self, terminal: Terminal) -> None:
        chance = self._chance
        for _ in range(BURST):
            for piece in noise_and_keys(chance):
                terminal.press_if_alive(piece)
                if chance.random() < 0.1:
                    terminal.read_for(chance.uniform(0, 0.1))
        doing = chance.random()
        if doing < 0.3:
            terminal.resize(*chance.choice(SIZES))
        elif doing < 0.33:
            for _ in range(20):
                terminal.resize(*chance.choice(SIZES))
        elif doing < 0.36:
            os.kill(terminal.pid, chance.choice([signal.SIGTSTP, signal.SIGSTOP, signal.SIGCONT]))
        terminal.read_for(0.05)
        terminal.go_on()

    def _look_at(self, terminal: Terminal) -> None:
        """See that it answers, and that what it shows is what it would draw anew."""
        self._quiet(terminal)
        terminal.resize(80, 24)
        for _ in range(8):
            terminal.press_if_alive("\x1b")
            self._quiet(terminal, 0.1)
        terminal.press_if_alive("5")
        self._quiet(terminal, 0.1)
        terminal.press_if_alive("\x1b")  # it comes back as it was left, which may have been on the whole screen
        self._soon(terminal, lambda: "[5 System]" in terminal.screen.text())
        for _ in range(2):  # else keys are shown there
            terminal.press_if_alive("\x1b")
            self._quiet(terminal, 0.1)
        for _ in range(10):
            terminal.press_if_alive("P")
            self._quiet(terminal, 0.5)
            if "frozen: P" in terminal.screen.text() and self._is_as_drawn_anew(terminal):
                return
        pytest.fail(f"it cannot be frozen:\n{terminal.screen.text()}")

    def _is_as_drawn_anew(self, terminal: Terminal) -> bool:
        """Have it drawn anew, and compare; tell whether the clock stood still meanwhile."""
        screen, place = terminal.screen, len(terminal.output)
        rows, looks = [list(row) for row in screen.rows], [list(row) for row in screen.looks]

        def is_whole() -> bool:
            fresh = Screen(80, 24)
            fresh.feed(terminal.output[place:])
            return (fresh.rows, fresh.looks) == (screen.rows, screen.looks)

        terminal.press_if_alive("\x0c")
        self._soon(terminal, is_whole)
        if rows[0] != screen.rows[0]:
            return False
        assert "\n".join(map("".join, rows)) == "\n".join(map("".join, screen.rows))
        assert looks == screen.looks
        return True

    def _leave(self, terminal: Terminal) -> None:
        """See that one key leaves it, and that the terminal is as it was."""
        if not terminal.has_ended:
            self._quiet(terminal)
            terminal.press_if_alive("\x11")
        self._soon(terminal, lambda: terminal.has_ended, within_s=LEAVES_S)
        code = terminal.wait()
        assert code == 0, f"{code}: {self._reports() or terminal.output[-2000:]}"
        assert terminal.is_restored
        assert terminal.settings() == terminal.before

    def _quiet(self, terminal: Terminal, seconds: float = SILENCE_S) -> None:
        """Press nothing for a while."""
        terminal.read_for(seconds)
        terminal.go_on()

    def _soon(self, terminal: Terminal, is_so: Callable[[], bool], *, within_s: float = 10.0) -> None:
        try:
            terminal.until(lambda: self._goes_on(terminal) and is_so(), within_s=within_s)
        except AssertionError as error:
            if not terminal.has_ended:
                os.kill(terminal.pid, signal.SIGUSR1)
                terminal.read_for(1.0)
            stacks = self._stacks.read_text() if self._stacks.exists() else ""
            pytest.fail(f"{error}\n{self._reports()}\n{terminal.output[-1000:]!r}\n{stacks}")

    def _goes_on(self, terminal: Terminal) -> bool:
        terminal.go_on()
        return True

    def _reports(self) -> str:
        return "".join(path.read_text()[-3000:] for path in Path(self._place.home.path).glob("tui-crash-*"))


def test_random_keys_and_sizes_break_nothing(home: Home, tmp_path: Path) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    chance = random.Random(SEED)
    place = Workplace(tmp_path)
    assert place.home.path == home.path
    place.start()
    fuzzed, pressed = Fuzzed(place, chance, tmp_path), 0
    try:
        with Unrest(place, SEED) as unrest:
            while pressed < KEYS:
                pressed += fuzzed.session(min(KEYS - pressed, SESSION))
        sys.stdout.write(f"{pressed} keys, {len(fuzzed.outputs)} sessions, {unrest.counts}\n")
        assert unrest.problem is None
        unrest.settle()
        lost = set(unrest.promised) - set(place.states()) - asked_to_be_deleted(fuzzed.deleted)
        assert not lost
        place.command("db", "check")
    finally:
        place.close()
    assert [stray for output in fuzzed.outputs for stray in strays(output)] == []
    assert list(Path(home.path).glob("tui-crash-*")) == []
