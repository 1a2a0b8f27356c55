"""The System screen: the daemon, the database, versions, and how fast this interface is just now."""

from __future__ import annotations

import os
from collections.abc import Iterable

from textual.widget import Widget

from flowctl.core.cli.wording import size
from flowctl.tui.history import Place
from flowctl.tui.model.snapshots import SystemFacts
from flowctl.tui.model.texts import Line, fit, grouped
from flowctl.tui.screens.taking import Yank, as_json
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane

_NAME = 14


class SystemScreen(View):
    """What flowctl itself is doing."""

    SCOPE = "system"

    def __init__(self) -> None:
        super().__init__()
        self._facts: SystemFacts | None = None

    def body(self) -> Iterable[Widget]:
        yield TextPane("system", is_ruled=False, is_bare=True, id="main")

    @property
    def place(self) -> Place:
        return Place("system")

    def ask(self) -> None:
        self.watch_store(lambda source: source.system(), self._take, is_slow=True)

    def _take(self, facts: SystemFacts) -> None:
        self._facts = facts
        self._show()

    def tick(self, tick: int) -> None:
        super().tick(tick)
        self._show()

    def _show(self) -> None:
        if self._facts is not None:
            lines = [*_daemon(self._facts), (), *_database(self._facts), (), *self._interface()]
            self.query_one("#main", TextPane).put(lines)

    def _interface(self) -> list[Line]:
        app, look = self.flowctl, self.flowctl.look
        lines = [
            (("   INTERFACE", "title"),),
            _fact("theme", f"{app.ink.theme.name}, {app.ink.theme.title}"),
            _fact(
                "reading",
                f"{self.bridge.took_s * 1000:.1f} ms the last round, at most {1 / self.bridge.every_s:.0f} a second",
            ),
            _fact("widgets", str(sum(1 for _ in self.walk_children()))),
        ]
        if (memory := _memory()) is not None:
            lines.append(_fact("memory", size(memory)))
        if look.is_remote:
            lines.append(_fact("ssh", "over SSH: fewer updates, fewer bytes"))
        problems = [f"{problem.place}: {problem.problem}" for problem in app.keymap_problems]
        return [*lines, *(_fact("keys.toml", problem, "warning") for problem in problems)]

    def yanks(self) -> dict[str, Yank]:
        return {} if self._facts is None else {"l": Yank("all of it", as_json(self._facts))}

    def inspected(self) -> tuple[str, object] | None:
        return None if self._facts is None else ("system", self._facts)

    def crumbs(self) -> tuple[Line, Line]:
        return self.tabs("system"), ()


def _fact(name: str, value: str, style: str = "") -> Line:
    return ((f"   {fit(name, _NAME)}", "quiet"), (value, style))


def _daemon(facts: SystemFacts) -> list[Line]:
    lines: list[Line] = [(), (("   DAEMON", "title"),)]
    if facts.daemon_pid is None:
        lines += [
            _fact("state", "not running: runs are read from their journals", "warning"),
            ((f"   {fit('', _NAME)}", ""), ("ctrl+r", "accent"), (" starts it; cancel, pause and retry need it", "")),
        ]
        return lines
    lines.append(_fact("state", f"running, process {facts.daemon_pid}", "completed"))
    if facts.daemon_version is not None:
        lines.append(_fact("version", facts.daemon_version))
    if facts.daemon_since is not None and facts.newest is not None:
        lines.append(_fact("since", f"{facts.daemon_since.astimezone():%Y-%m-%d %H:%M:%S}"))
    return lines


def _database(facts: SystemFacts) -> list[Line]:
    lines: list[Line] = [
        (("   DATABASE", "title"),),
        _fact("file", facts.database),
        _fact("size", f"{size(facts.database_bytes)}, and {size(facts.log_bytes)} not yet merged"),
    ]
    if facts.free_bytes:
        lines.append(_fact("unused", size(facts.free_bytes)))
    lines.append(_fact("schema", str(facts.schema)))
    lines += [_fact(name.replace("_", " ") + "s", grouped(count)) for name, count in facts.rows.items()]
    lines.append(_fact("active", f"{facts.active_runs} journals are being read"))
    for run_id, problem in list(facts.unreadable.items())[:5]:
        lines.append(_fact("unreadable", f"{run_id[:8]}: {problem}", "warning"))
    lines.append(_fact("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())))
    return lines


def _memory() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file but a question
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
