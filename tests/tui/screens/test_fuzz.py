"""Random keys and sizes over live data in a real terminal: nothing breaks, and nothing strange is written to it.

`FLOWCTL_FUZZ_KEYS=10000 pytest -s --timeout 0 tests/tui/screens/test_fuzz.py` goes on for long; with the seed that it
names, `FLOWCTL_TEST_SEED=…` presses the same keys again.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from flowctl.store.home import Home
from flowctl.store.journal import LogLine
from tests.store.journals import NOON, SECOND, a_run, an_id, encoded, write_journal
from tests.tui.screens.byte_stream import strays
from tests.tui.screens.sample import LIVE, three_runs
from tests.tui.screens.terminal import Terminal

#: Set when this module is imported: the fixture of the home takes away what is named FLOWCTL_ from the environment.
KEYS = int(os.environ.get("FLOWCTL_FUZZ_KEYS", "300"))
#: The short round that goes with all other tests presses the same keys each time; a long one is another each time.
SEED = int(os.environ.get("FLOWCTL_TEST_SEED") or 0) or (
    random.SystemRandom().randrange(1, 1 << 32) if "FLOWCTL_FUZZ_KEYS" in os.environ else 7
)
#: What goes in: all that can be typed but what leaves or stops it, and the sequences of keys without a letter.
TYPED: list[str | bytes] = [chr(code) for code in range(32, 127) if chr(code) != "q"]
NAMED: list[str | bytes] = [
    "\r",
    "\t",
    "\x1b",
    "\x7f",
    "\x04",
    "\x15",
    "\x10",
    "\x0c",
    *(f"\x1b[{final}" for final in "ABCDHFZ"),
    "\x1b[5~",
    "\x1b[6~",
    "\x1b[<64;10;10M",
    "\x1b[<0;5;7M\x1b[<0;5;7m",
    "\x1b[200~[red]x\x1b[201~",
    "é",
    "日",
]
#: What no hand types, but comes all the same: mice, focus, hostile pastes, sequences without sense or end, no UTF-8.
NOISE: list[str | bytes] = [
    b"\x1b[<35;30;9M", b"\x1b[<65;20;12M", b"\x1b[<0;70;22M\x1b[<0;70;22m", b"\x1b[<0;12;2M\x1b[<32;40;9M\x1b[<0;40;9m",
    b"\x1b[<2;5;6M\x1b[<2;5;6m", b"\x1b[<0;9999;9999M", b"\x1b[O\x1b[I",
    b"\x1b[200~\x1b[31m\x1b]0;x\x07\x00\xe2\x80\xae\n\n" + b"a" * 3000 + b"\x1b[201~", b"\x1b[200~half", b"\x1b[201~",
    b"\x1b[", b"\x1b[<0;", b"\x1bO", b"\x1bP", b"\x1b]52;c;", b"\xff\xc3", b"\x00", b"\x1b[1114112u",
    b"\x1b[97;5u", b"\x1b[:;:u",
]  # fmt: skip
SIZES = [(80, 24), (40, 8), (140, 40), (60, 16), (59, 15), (39, 7), (300, 80), (3, 2), (1, 1), (200, 60)]
#: Keys are pressed so many at a time, as a hand on a keyboard that repeats does.
BURST = 20
#: Left, it ends in a third of a second on a machine that does nothing else.
LEAVES_S = 5.0


def keep_writing(home: Home, is_over: threading.Event) -> None:
    """Let the run under way log, and others begin and end."""
    count = 0
    while not is_over.wait(0.05):
        count += 1
        record = LogLine(NOON + 30 * SECOND + count, 0, None, 20 + count % 3 * 10, "x", f"line {count} [b]\x1b[31m")
        with Path(home.journal(LIVE, 1)).open("ab") as file:
            file.write(encoded([record], first_sequence=1000 + count))
        if count % 20 == 0:
            write_journal(home, an_id(100 + count), a_run(an_id(100 + count), at=NOON + count, name=f"fuzz-{count}"))


def test_random_keys_and_sizes_break_nothing(home: Home, tmp_path: Path) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    chance, is_over = random.Random(SEED), threading.Event()
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "ESCDELAY": "20"}
    for name in ("EDITOR", "VISUAL"):
        environment.pop(name, None)
    command, pressed, outputs = [sys.executable, "-m", "flowctl", "tui", "--no-daemon"], 0, list[str]()
    with three_runs(home):
        writer = threading.Thread(target=keep_writing, args=(home, is_over))
        writer.start()
        try:
            while pressed < KEYS:
                terminal = Terminal(command, size=(80, 24), environment=environment, folder=tmp_path)
                # What is typed before it listens, or while it is stopped, is not its output.
                terminal.silence()
                terminal.until(lambda: "\x1b[?2004h" in terminal.output and "daemon" in terminal.screen.text())  # noqa: B023
                while pressed < KEYS and not terminal.has_ended:
                    for _ in range(BURST):
                        terminal.press_if_alive(chance.choice(chance.choices((TYPED, NAMED, NOISE), (65, 30, 5))[0]))
                    pressed += BURST
                    if chance.random() < 0.3:
                        terminal.resize(*chance.choice(SIZES))
                    terminal.read_for(0.05)
                    terminal.go_on()
                # Alive, it answers; the palette may have been told to quit or to suspend.
                terminal.resize(80, 24)
                terminal.press_if_alive("\x1b[201~")  # else all is taken for a part of what is pasted
                for _ in range(20):
                    # More than once: an escape before it may have made another key of it.
                    if not terminal.has_ended:
                        terminal.press_if_alive("\x11")
                        terminal.read_for(0.1)
                        terminal.go_on()
                code = terminal.wait(within_s=LEAVES_S)
                reports = "".join(path.read_text()[-3000:] for path in Path(home.path).glob("tui-crash-*"))
                assert code == 0, f"{code}: {reports or terminal.output[-2000:]}"
                outputs.append(terminal.output)
                terminal.close()
        finally:
            is_over.set()
            writer.join()
    assert [stray for output in outputs for stray in strays(output)] == []
    assert list(Path(home.path).glob("tui-crash-*")) == []
