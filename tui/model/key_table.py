"""Every key of the interface, once: bindings, footer, help, palette, `keys.toml` and docs are made of this table.

One verb has one key on every screen. Lower case is safe, asks, or can be undone; UPPER CASE changes more and confirms.
"""

from __future__ import annotations

from typing import Final

from flowctl.tui.model.keys import Binding, Risk

_APP: Final = frozenset({"app"})
_LISTS: Final = frozenset({"runs", "run", "task", "deploys", "flows", "file", "logs", "log", "system"})
_SORTED: Final = frozenset({"runs", "deploys", "flows", "file"})
_TREES: Final = frozenset({"run", "task"})
#: Where a run, or one of its tasks, is chosen.
_OF_RUNS: Final = frozenset({"runs", "run", "task"})
#: While one looks at the past of runs: these keys go before those of the screen.
_TRAVEL: Final = frozenset({"travel"})
_LOGS: Final = frozenset({"run", "task", "logs", "log"})


def _binding(
    id_: str,
    keys: str,
    title: str,
    scopes: frozenset[str],
    group: str,
    *,
    risk: Risk = Risk.NONE,
    needs_daemon: bool = False,
    footer: int = 0,
    brief: str = "",
    command: str = "",
) -> Binding:
    action = id_.replace(".", "_")
    return Binding(
        id_, tuple(keys.split()), title, scopes, group, action, needs_daemon, risk, footer, brief or title, command
    )


_MOVE: Final = (
    _binding("move.down", "j down", "next row", _LISTS, "Move"),
    _binding("move.up", "k up", "previous row", _LISTS, "Move"),
    _binding("move.first", "g home", "first row", _LISTS, "Move"),
    _binding("move.last", "G end", "last row", _LISTS, "Move"),
    _binding("move.half_down", "ctrl+d", "half a page down", _LISTS, "Move"),
    _binding("move.half_up", "ctrl+u", "half a page up", _LISTS, "Move"),
    _binding("move.page_down", "pagedown", "a page down", _LISTS, "Move"),
    _binding("move.page_up", "pageup", "a page up", _LISTS, "Move"),
    _binding("move.open", "enter l right", "open or unfold", _LISTS, "Move", footer=10, brief="open"),
    _binding("move.back", "escape h left", "back, fold or clear", _APP, "Move"),
    _binding("move.next_pane", "tab", "next pane", _APP, "Move"),
    _binding("move.previous_pane", "shift+tab", "previous pane", _APP, "Move"),
    _binding("move.next_sibling", "full_stop", "next run or task", frozenset({"run", "task"}), "Move"),
    _binding("move.previous_sibling", "comma", "previous run or task", frozenset({"run", "task"}), "Move"),
    _binding("move.previous_attempt", "left_parenthesis", "previous attempt", frozenset({"task"}), "Move"),
    _binding(
        "move.next_attempt",
        "right_parenthesis",
        "next attempt",
        frozenset({"task"}),
        "Move",
        footer=12,
        brief="attempt",
    ),
    _binding("move.history_back", "left_square_bracket", "back in history", _APP, "Move"),
    _binding("move.history_forward", "right_square_bracket", "forward in history", _APP, "Move"),
    _binding("move.last_view", "grave_accent", "last view", _APP, "Move"),
    _binding("move.previous_problem", "left_curly_bracket", "previous problem", _LISTS, "Move"),
    _binding("move.next_problem", "right_curly_bracket", "next problem", _LISTS, "Move", footer=80, brief="problem"),
    _binding("view.runs", "1", "Runs", _APP, "Move", command="flowctl runs"),
    _binding("view.deploys", "2", "Deploys", _APP, "Move"),
    _binding("view.flows", "3", "Flows", _APP, "Move"),
    _binding("view.logs", "4", "Logs", _APP, "Move"),
    _binding("view.system", "5", "System", _APP, "Move", command="flowctl daemon status"),
)
_FIND: Final = (
    _binding("find.search", "slash", "filter a list, search a text", _LISTS, "Find", footer=60, brief="filter"),
    _binding("find.next_match", "n", "next match", _LISTS, "Find"),
    _binding("find.previous_match", "N", "previous match", _LISTS, "Find"),
    _binding(
        "find.views", "f", "saved views", frozenset({"runs", "deploys", "flows"}), "Find", footer=62, brief="views"
    ),
    _binding("find.level", "f", "least level of the log", _LOGS, "Find", footer=62, brief="level"),
    _binding("find.problems", "exclamation_mark", "problems only", _LISTS, "Find"),
    _binding("find.sort", "s", "sort by…", _SORTED, "Find", footer=64, brief="sort"),
    _binding("find.reverse", "S", "reverse the order", _SORTED, "Find"),
)
_MARK: Final = (
    _binding("mark.toggle", "space", "mark and go down", frozenset({"runs", "deploys"}), "Mark"),
    _binding("mark.range", "v", "mark from the last mark to here", frozenset({"runs", "deploys"}), "Mark"),
    _binding("mark.all", "asterisk", "mark all that are listed", frozenset({"runs", "deploys"}), "Mark"),
    _binding("fold.toggle", "space", "fold or unfold", _TREES, "Mark", footer=14, brief="fold"),
    _binding("fold.all", "asterisk", "fold or unfold all", _TREES, "Mark"),
)
_ACT: Final = (
    _binding(
        "act.run",
        "t",
        "run… with a form",
        frozenset({"runs", "run", "deploys", "flows", "file"}),
        "Act",
        needs_daemon=True,
        footer=20,
        brief="run…",
        command="flowctl run {target}",
    ),
    _binding(
        "act.retry",
        "r",
        "again: now if it waits, else from the failure",
        _OF_RUNS,
        "Act",
        needs_daemon=True,
        risk=Risk.ASK,
        footer=22,
        brief="retry",
        command="flowctl runs retry {run}",
    ),
    _binding(
        "act.reload", "r", "reload this file", frozenset({"flows"}), "Act", needs_daemon=True, footer=22, brief="reload"
    ),
    _binding("act.reload_all", "R", "reload all files", frozenset({"flows"}), "Act", needs_daemon=True),
    _binding(
        "act.rerun",
        "R",
        "rerun as a new run…",
        frozenset({"runs", "run"}),
        "Act",
        needs_daemon=True,
        risk=Risk.CONFIRM,
        footer=23,
        brief="rerun…",
        command="flowctl runs rerun {run}",
    ),
    _binding(
        "act.cancel",
        "c",
        "cancel, gracefully",
        _OF_RUNS,
        "Act",
        needs_daemon=True,
        risk=Risk.ASK,
        footer=24,
        brief="cancel",
        command="flowctl runs cancel {run}",
    ),
    _binding(
        "act.kill",
        "X",
        "kill",
        frozenset({"runs", "run"}),
        "Act",
        needs_daemon=True,
        risk=Risk.CONFIRM,
        command="flowctl runs kill {run}",
    ),
    _binding(
        "act.pause",
        "p",
        "pause or resume",
        frozenset({"runs", "run", "task"}),
        "Act",
        needs_daemon=True,
        risk=Risk.UNDO,
        footer=26,
        brief="pause",
        command="flowctl runs pause {run}",
    ),
    _binding(
        "act.schedule_on_off",
        "p",
        "schedule on or off",
        frozenset({"deploys"}),
        "Act",
        needs_daemon=True,
        risk=Risk.UNDO,
        footer=26,
        brief="on/off",
    ),
    _binding(
        "act.skip",
        "K",
        "skip a task",
        frozenset({"run", "task"}),
        "Act",
        needs_daemon=True,
        risk=Risk.CONFIRM,
        footer=28,
        brief="skip",
    ),
    _binding(
        "act.backfill",
        "B",
        "backfill a schedule…",
        frozenset({"deploys"}),
        "Act",
        needs_daemon=True,
        risk=Risk.CONFIRM,
        footer=30,
        brief="backfill…",
    ),
    _binding(
        "act.edit",
        "e",
        "open in $EDITOR at the line",
        _LISTS - {"system", "logs", "log"},
        "Act",
        footer=32,
        brief="edit",
    ),
    _binding(
        "act.yank", "y", "yank… i id, p params, l line, t traceback, c command", _LISTS, "Act", footer=34, brief="yank"
    ),
    _binding("act.bell", "b", "bell when it ends", _OF_RUNS, "Act"),
    _binding(
        "act.delete",
        "D",
        "delete the record",
        frozenset({"runs", "run"}),
        "Act",
        needs_daemon=True,
        risk=Risk.CONFIRM,
        command="flowctl runs delete {run}",
    ),
    _binding("act.undo", "u", "undo", _APP, "Act"),
)
_LOOK: Final = (
    _binding("look.inspect", "i", "inspect as JSON", _LISTS, "Look", command="flowctl runs show {run} --json"),
    _binding(
        "look.log",
        "L",
        "the log on the whole screen",
        _OF_RUNS,
        "Look",
        footer=40,
        brief="log",
        command="flowctl runs logs {run}",
    ),
    _binding("look.zoom_pane", "z", "this pane on the whole screen", _APP, "Look"),
    _binding("look.graph", "o", "graph", frozenset({"run", "flows"}), "Look"),
    _binding("look.follow", "F", "follow the end", _LOGS, "Look", footer=42, brief="follow"),
    _binding("look.wrap", "w", "wrap lines", _LOGS, "Look", footer=44, brief="wrap"),
    _binding("look.times", "at", "times: of the clock, or since the start", _LISTS, "Look"),
    _binding("look.zoom_in", "plus", "stretch the time axis", _TREES, "Look"),
    _binding("look.zoom_out", "minus", "shrink the time axis", _TREES, "Look"),
    _binding("look.diff", "d", "diff with the serving version", frozenset({"flows"}), "Look", footer=46, brief="diff"),
    _binding("look.keys", "K", "show what arrives of a key", frozenset({"system"}), "Look", footer=46, brief="keys"),
    _binding("look.freeze", "P", "freeze the screen; data goes on", _APP, "Look"),
    _binding("look.travel", "T", "time travel", frozenset({"runs", "run"}), "Look", footer=48, brief="travel"),
    _binding("travel.earlier", "left", "one event back, while travelling", _TRAVEL, "Look", footer=10, brief="earlier"),
    _binding("travel.later", "right", "one event on, while travelling", _TRAVEL, "Look", footer=11, brief="later"),
    _binding("travel.far_earlier", "shift+left", "20 events back", _TRAVEL, "Look"),
    _binding("travel.far_later", "shift+right", "20 events on", _TRAVEL, "Look"),
)
_FORM: Final = frozenset({"form"})
_OF_FORMS: Final = (
    _binding("form.run", "enter", "do what the form says", _FORM, "Act", needs_daemon=True, footer=10, brief="run now"),
    _binding("form.when", "ctrl+t", "to the field that says when", _FORM, "Act", footer=15, brief="run at…"),
    _binding("form.last", "ctrl+r", "fill in the values of the last run", _FORM, "Act", footer=20, brief="last"),
    _binding("form.copy", "ctrl+y", "copy the equal command", _FORM, "Act", footer=30, brief="copy"),
    _binding("form.cancel", "escape", "cancel the form", _FORM, "Act", footer=40, brief="cancel"),
)
_HELP: Final = frozenset({"help"})
_OF_HELP: Final = (
    _binding("help.do", "enter", "do what the row says", _HELP, "Act", footer=10, brief="do it"),
    _binding("help.section", "tab", "the next section: keys, query, states, about", _HELP, "Look", footer=20),
    _binding("help.close", "escape", "clear the search, or close", _HELP, "Move", footer=30, brief="close"),
)
_OF_APP: Final = (
    _binding("app.help", "question_mark", "the keys that work here", _APP, "App", footer=98, brief="help"),
    _binding("app.palette", "colon ctrl+p", "command palette", _APP, "App", footer=96, brief="cmd"),
    _binding("app.leave", "q", "back; quit at the top", _APP, "App"),
    _binding("app.quit", "ctrl+q", "quit; runs go on", _APP, "App"),
    _binding("app.copy_or_quit", "ctrl+c", "copy what is selected; twice: quit", _APP, "App"),
    _binding("app.export", "ctrl+e", "export the screen", _APP, "App"),
    _binding("app.redraw", "ctrl+l", "redraw", _APP, "App"),
    _binding("app.reconnect", "ctrl+r", "start the daemon, or connect again", _APP, "App"),
    _binding("app.suspend", "ctrl+z", "to the shell and back by fg", _APP, "App"),
)
BINDINGS: Final = (*_MOVE, *_FIND, *_MARK, *_ACT, *_LOOK, *_OF_FORMS, *_OF_HELP, *_OF_APP)
