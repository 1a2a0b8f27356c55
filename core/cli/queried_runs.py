"""Runs that fit a query of the query language, for commands."""

from __future__ import annotations

from datetime import UTC, datetime

from flowctl.core.cli.faults import CommandError
from flowctl.store.home import Home
from flowctl.store.query_language import And, Node, Query, QueryError, Term, Value, parse
from flowctl.store.records import FlowRunRow
from flowctl.store.searching import Searcher


def read_query(text: str) -> Query:
    """Understand what `--query` says; an error points at the place."""
    try:
        return parse(text)
    except QueryError as error:
        # Positions are of the text as it was typed, so tabs and the like become one character each.
        shown = "".join(letter if letter.isprintable() else " " for letter in text)
        pointer = " " * error.start + "^" * (min(error.end, max(len(text), error.start + 1)) - error.start)
        raise CommandError(f"--query: {error}\n  {shown}\n  {pointer}") from None


def narrowed(query: Query, *, states: list[str], flow: str | None, since: datetime | None) -> Query:
    """Join a query with what the other options ask for."""
    parts: list[Node] = [query.root]
    if states:
        parts.append(Term("state", "", ":", tuple(map(_value, states))))
    if flow is not None:
        parts.append(Term("flow", "", ":", (_value(flow),)))
    if since is not None:
        parts.append(Term("created", "", ">=", (_value(since.astimezone(UTC).isoformat()),)))
    return query._replace(root=And(tuple(parts)))


def queried_runs(home: Home, query: Query, *, now: datetime, limit: int) -> list[FlowRunRow]:
    """List the latest runs that fit, newest first; the database has been brought up to date before."""
    with Searcher.open(home) as searcher:
        keys = searcher.search(query, now=now, typical=searcher.typical_durations(), limit=limit)
        return [found.run for found in searcher.found_runs(keys)]


def _value(text: str) -> Value:
    # In quotes: a flow may be called by signs that mean something.
    return Value(text, True, 0, 0)
