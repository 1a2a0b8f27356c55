"""The System screen: the daemon, the database, limits, versions, keys, and how fast this interface is just now."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from textual.containers import Container
from textual.events import Key
from textual.widget import Widget

from flowctl.tui.bridge import Question
from flowctl.tui.history import Place
from flowctl.tui.keymap import keys_file
from flowctl.tui.model import system as lines_of
from flowctl.tui.model.system import Pace, SystemFacts
from flowctl.tui.model.texts import Line
from flowctl.tui.screens.taking import Yank, as_json
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane

#: What the daemon says of itself changes without the store, so it is asked for again.
_AGAIN_S: Final = 2.0
_MEASURE_S: Final = 0.25
_MOST_LAGS: Final = 40
_MOST_KEYS: Final = 8
#: Not to be shown only: they leave the interface from anywhere.
_WAYS_OUT: Final = frozenset({"app.quit", "app.copy_or_quit"})


class SystemScreen(View):
    """What flowctl itself is doing."""

    SCOPE = "system"

    def __init__(self) -> None:
        super().__init__()
        self._facts: SystemFacts | None = None
        self._asked: Question[SystemFacts] | None = None
        self._asked_s = 0.0
        self._lags: deque[float] = deque(maxlen=_MOST_LAGS)
        self._measured_s: float | None = None
        self._cpu_from = (0.0, 0.0)
        #: When it was measured how much had been painted: the oldest of the latest is what a rate is taken from.
        self._painted: deque[tuple[float, int, int]] = deque(maxlen=_MOST_LAGS)
        #: Keys as they arrive, while they are being tested.
        self._keys: deque[str] | None = None

    def body(self) -> Iterable[Widget]:
        with Container(id="system"):
            yield TextPane("daemon and database", is_ruled=False, id="main")
            yield TextPane("limits and this interface", id="more")

    def on_mount(self) -> None:
        self._cpu_from = (time.monotonic(), _cpu_s())
        self.set_interval(_MEASURE_S, self._measure)

    @property
    def place(self) -> Place:
        return Place("system")

    def ask(self) -> None:
        self._lags.clear()
        self._measured_s = None
        self._asked = self.watch_store(lambda source: source.system(), self._take, is_slow=True)

    def _take(self, facts: SystemFacts) -> None:
        self._facts = facts
        self._show()

    def tick(self, tick: int) -> None:
        super().tick(tick)
        if self._asked is not None and time.monotonic() - self._asked_s > _AGAIN_S:
            self._asked_s = time.monotonic()
            self.bridge.again(self._asked)
        self._show()

    def _measure(self) -> None:
        """Note by how much the loop is late: that is what a key waits for."""
        now = time.monotonic()
        if self.flowctl.view is self and self._measured_s is not None:
            self._lags.append(max(now - self._measured_s - _MEASURE_S, 0.0))
        self._measured_s = now
        if (driver := self.flowctl.terminal) is not None:
            self._painted.append((now, driver.frames, driver.letters))

    def _show(self) -> None:
        facts, glyphs = self._facts, self.flowctl.ink.glyphs
        if facts is None:
            self.query_one("#main", TextPane).put([(), (("   reading…", "quiet"),)])
            return
        self.flowctl.tells_keymap = False
        keys = lines_of.titled("KEYS", self._key_lines())
        # What is wrong there was left out, and is looked for.
        is_first = bool(self.flowctl.keymap_problems)
        first = [
            *(keys if is_first else ()),
            *lines_of.titled("DAEMON", lines_of.daemon_lines(facts, glyphs)),
            *lines_of.titled("DATABASE", lines_of.database_lines(facts)),
        ]
        more = [
            *lines_of.titled("LIMITS", lines_of.limit_lines(facts.limits, glyphs)),
            *lines_of.titled("THIS INTERFACE", self._interface(facts)),
            *(() if is_first else keys),
        ]
        main, other = self.query_one("#main", TextPane), self.query_one("#more", TextPane)
        is_wide = other.display and self.size.width >= 120
        main.put(_folded(first[1:] if is_wide else [*first, *more], main.body_width or self.size.width))
        other.put(_folded(more[1:], other.body_width) if is_wide else [])

    def _interface(self, facts: SystemFacts) -> list[Line]:
        app, look = self.flowctl, self.flowctl.look
        since_s, cpu_s = self._cpu_from
        elapsed = time.monotonic() - since_s
        pace = Pace(
            key_s=app.key_pace.slow_s,
            reading_s=self.bridge.took_s,
            lag_s=max(self._lags, default=0.0),
            cpu=(_cpu_s() - cpu_s) / elapsed if elapsed > 1 else None,
            memory=_memory(),
            widgets=sum(1 for _ in self.walk_children()),
            every_s=self.bridge.every_s,
        )
        if len(self._painted) > 1:
            (from_s, frames, letters), (until_s, more_frames, more_letters) = self._painted[0], self._painted[-1]
            span_s = max(until_s - from_s, _MEASURE_S)
            pace = pace._replace(frames_s=(more_frames - frames) / span_s, letters_s=(more_letters - letters) / span_s)
        profile = "over SSH" if look.is_remote else "local"
        return [
            *lines_of.pace_lines(pace),
            lines_of.fact(
                "profile", f"{profile}, {look.fps} updates a second at most{', calm' if look.is_calm else ''}"
            ),
            lines_of.fact("theme", f"{app.ink.theme.name}, {app.ink.theme.title}"),
            lines_of.fact("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())),
        ]

    def _key_lines(self) -> list[Line]:
        problems = [f"{problem.place}: {problem.problem}" for problem in self.flowctl.keymap_problems]
        lines = [lines_of.fact("keys.toml", problem, "warning") for problem in problems]
        lines = lines or [lines_of.fact("keys.toml", _keys_words())]
        if self._keys is None:
            return [*lines, (("   K", "accent"), (" shows what arrives when you press a key", "quiet"))]
        said = "   ".join(self._keys) or "press any key; escape twice ends"
        return [*lines, lines_of.fact("arrives", said, "accent")]

    def action_look_keys(self) -> None:
        """Show what arrives of each key, until escape is pressed twice."""
        self._keys = deque(maxlen=_MOST_KEYS)
        pane = self.query_one("#main", TextPane)
        self._show()
        pane.move_last()

    def on_key(self, event: Key) -> None:
        leaves = any(event.key in each.keys for each in self.bindings if each.id in _WAYS_OUT)
        if self._keys is None or leaves:
            super().on_key(event)
            return
        event.stop()
        event.prevent_default()
        if event.key == "escape" and self._keys and self._keys[-1] == "escape":
            self._keys = None
        else:
            character = event.character
            is_shown = character is not None and character.isprintable() and character != event.key
            self._keys.append(f"{event.key} ({character})" if is_shown else event.key)
        self._show()

    def yanks(self) -> dict[str, Yank]:
        return {} if self._facts is None else {"l": Yank("all of it", as_json(self._facts))}

    def inspected(self) -> tuple[str, object] | None:
        return None if self._facts is None else ("system", self._facts)

    def crumbs(self) -> tuple[Line, Line]:
        return self.tabs("system"), ()


def _keys_words() -> str:
    file = keys_file()
    return f"{file}, nothing is wrong with it" if file.is_file() else f"none: {file} would change keys"


def _folded(lines: Sequence[Line], width: int) -> list[Line]:
    return [piece for line in lines for piece in lines_of.folded(line, width)]


def _cpu_s() -> float:
    return sum(os.times()[:2])


def _memory() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file but a question
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
