"""Saved views: a query under a name, as text of `views.json`; the file itself is for `tui.data.saved_views`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from flowctl.store.query_language import QueryError, parse
from flowctl.store.text import safe_text
from flowctl.tui.model.runs_list import SORTS

_MOST: Final = 200
_LONGEST_NAME: Final = 60


class View(NamedTuple):
    """What is listed, and in which order."""

    name: str
    query: str
    sort: str = "age"
    is_reversed: bool = False
    is_built_in: bool = False


BUILT_IN: Final = (
    View("active and recent", "state:active or age<1d", is_built_in=True),
    View("all", "", is_built_in=True),
    View("problems", "state:problem", is_built_in=True),
    View("problems of today", "state:problem age<1d", is_built_in=True),
    View("slower than usual", "took>1.5x age<7d", is_built_in=True),
    View("waiting", "state:queued,scheduled,retrying,paused", is_built_in=True),
    View("by schedules", "by:schedule", is_built_in=True),
)


def read_views(text: str) -> tuple[tuple[View, ...], list[str]]:
    """Read saved views; return them and, in a sentence each, what was left out and why."""
    try:
        document: object = json.loads(text) if text.strip() else []
    except ValueError as error:
        return (), [f"views.json is no JSON: {error}. It is left as it is; the built-in views are there."]
    # Of JSON: keys are text, each entry is looked at.
    entries = cast("dict[str, object]", document).get("views") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        return (), ["views.json holds no list of views. It is left as it is; the built-in views are there."]
    views: dict[str, View] = {}
    problems: list[str] = []
    for number, entry in enumerate(cast("list[object]", entries)[:_MOST], 1):
        view = _view(entry)
        if isinstance(view, View):
            views[view.name] = view
        else:
            problems.append(f"View {number} of views.json is left out: {view}")
    return tuple(views.values()), problems


def write_views(views: Sequence[View]) -> str:
    """Write saved views as JSON; those that are built in are not among them."""
    entries = [
        {"name": view.name, "query": view.query, "sort": view.sort, "reversed": view.is_reversed}
        for view in views
        if not view.is_built_in
    ]
    return json.dumps({"version": 1, "views": entries}, ensure_ascii=False, indent=2) + "\n"


def with_view(views: Sequence[View], view: View) -> tuple[View, ...]:
    """Add a view, or put it in the place of the one that has its name; raise `QueryError` for a query that is none."""
    parse(view.query)
    kept = [view if each.name == view.name else each for each in views]
    return tuple(kept) if any(each.name == view.name for each in views) else (*kept, view)


def without_view(views: Sequence[View], name: str) -> tuple[View, ...]:
    """Take a view away."""
    return tuple(view for view in views if view.name != name)


def _view(entry: object) -> View | str:
    if not isinstance(entry, dict):
        return "it is no object."
    fields = cast("dict[str, object]", entry)  # keys of JSON are text
    name, query, sort = fields.get("name"), fields.get("query"), fields.get("sort", "age")
    if not isinstance(name, str) or not name.strip() or not isinstance(query, str):
        return "it lacks a name or a query."
    name = safe_text(name.strip(), keep_newlines=False)[:_LONGEST_NAME]
    try:
        parse(query)
    except QueryError as error:
        return f"{name}: {error}"
    return View(name, query, sort if isinstance(sort, str) and sort in SORTS else "age", fields.get("reversed") is True)
