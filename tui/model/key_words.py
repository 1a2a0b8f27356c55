"""How the help names keys where there is little room, by the ids of the table of keys."""

from __future__ import annotations

from typing import Final

#: What the help says in one row -> its words, and the same where there is little room.
TOGETHER: Final[dict[tuple[str, ...], tuple[str, str]]] = {
    ("move.down", "move.up"): ("next, previous row", "row"),
    ("move.first", "move.last"): ("first, last row", "first, last"),
    ("move.half_down", "move.half_up"): ("half a page down, up", "half a page"),
    ("move.page_down", "move.page_up"): ("a page down, up", "page"),
    ("move.next_pane", "move.previous_pane"): ("next, previous pane", "next pane"),
    ("move.previous_sibling", "move.next_sibling"): ("previous, next run or task", "item"),
    ("move.previous_attempt", "move.next_attempt"): ("previous, next attempt", "attempt"),
    ("move.history_back", "move.history_forward"): ("history back, forward", "history"),
    ("move.previous_problem", "move.next_problem"): ("previous, next problem", "problem"),
    ("view.runs", "view.deploys", "view.flows", "view.logs", "view.system"): ("main views", "main views"),
    ("find.next_match", "find.previous_match"): ("next, previous match", "match"),
    ("find.sort", "find.reverse"): ("sort by…, reverse", "sort, reverse"),
    ("look.follow", "look.wrap"): ("follow the end, wrap lines", "follow, wrap"),
    ("look.zoom_in", "look.zoom_out"): ("stretch, shrink the time axis", "time axis"),
    ("app.help", "app.palette"): ("help, commands", "help, commands"),
    ("app.leave", "app.quit"): ("back; quit, runs go on", "back, quit"),
    ("app.copy_or_quit", "app.suspend"): ("copy, to the shell", "copy, shell"),
    ("app.export", "app.redraw"): ("export, redraw the screen", "export, redraw"),
}

#: What a title is cut down to.
SHORT: Final = {
    "move.open": "open, unfold",
    "move.back": "back, fold",
    "find.search": "filter, search",
    "find.level": "least level",
    "mark.toggle": "mark, go down",
    "mark.range": "range",
    "mark.all": "all listed",
    "fold.toggle": "fold, unfold",
    "fold.all": "fold all",
    "act.run": "run… (form)",
    "act.retry": "retry now, from failure",
    "act.rerun": "rerun as new run…",
    "act.schedule_on_off": "schedule on, off",
    "act.backfill": "backfill…",
    "act.edit": "open in $EDITOR",
    "act.yank": "yank… (i p l t c)",
    "look.inspect": "inspect JSON",
    "look.log": "full log",
    "look.zoom_pane": "zoom pane",
    "look.times": "clock or age",
    "look.diff": "diff",
    "look.keys": "test keys",
    "look.freeze": "freeze screen",
    "app.reconnect": "start daemon",
}
