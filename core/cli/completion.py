"""What the shell is offered after a Tab: looks at the database as it is, writes nothing, and never fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import typer

from flowctl.store.text import safe_text

if TYPE_CHECKING:
    from flowctl.store.queries import Reader

Offer = tuple[str, str]

#: More than a screen of offers helps nobody.
_MOST: Final = 50
# The shells evaluate what they are offered, and typer reads markup in the words beside it.
_SAFE_VALUE: Final = re.compile(r"[\w.@%+,=-]+")
_UNSAFE_HELP: Final = re.compile(r"[\[\]\\\"'`$(){}<>|&;:!\n]")
_STATES: Final = (
    ("problem", "failed or crashed"),
    ("failed", "its body raised"),
    ("crashed", "its process ended under it"),
    ("completed", "all is well"),
    ("running", "at work now"),
    ("pending", "not started"),
    ("scheduled", "waits for its time"),
    ("cancelled", "somebody stopped it"),
    ("paused", "waits for a person"),
)
_LEVELS: Final = (
    ("DEBUG", "everything"),
    ("INFO", "what happens"),
    ("WARNING", "what looks wrong"),
    ("ERROR", "what went wrong"),
    ("CRITICAL", "the end"),
)


def states(incomplete: str) -> list[Offer]:
    """Offer states."""
    spelled = str.upper if incomplete.isupper() else str.lower
    return [(spelled(state), words) for state, words in _STATES if state.startswith(incomplete.lower())]


def levels(incomplete: str) -> list[Offer]:
    """Offer log levels."""
    # typer drops what does not begin as the word does, letter for letter.
    spelled = str.lower if incomplete.islower() else str.upper
    return [(spelled(level), words) for level, words in _LEVELS if level.startswith(incomplete.upper())]


def runs(incomplete: str) -> list[Offer]:
    """Offer the latest runs: by name, or by id once an id is begun."""

    def offers(reader: Reader) -> Iterator[Offer]:
        for run in reader.runs(limit=500 if incomplete else _MOST):
            words = f"{run.state_name} {run.flow_name} {run.created_at.astimezone():%d %b %H.%M}"
            if run.name.startswith(incomplete):
                yield run.name, words
            elif incomplete and run.id.startswith(incomplete):
                yield run.id, f"{run.name} {words}"

    return _offered(offers)


def flows(incomplete: str) -> list[Offer]:
    """Offer the names of flows that ran."""

    def offers(reader: Reader) -> Iterator[Offer]:
        for name in reader.flow_names():
            if name.startswith(incomplete):
                yield name, "flow"

    return _offered(offers)


def tasks(context: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the task runs of the run that the command line names."""

    def offers(reader: Reader) -> Iterator[Offer]:
        # Behind an option that still lacks its value, typer has left the words where they were.
        words = [word for word in context.args if not word.startswith("-")]
        run = reader.find_run(words[0] if words else context.params.get("run") or "-")
        for task in reader.task_runs(run.id):
            if task.name.startswith(incomplete):
                yield task.name, task.state_name

    return _offered(offers)


def deployments(incomplete: str) -> list[Offer]:
    """Offer deployments."""

    def offers(reader: Reader) -> Iterator[Offer]:
        from flowctl.store import plan_queries

        for row in reader.read_with(plan_queries.deployments):
            if row.name.startswith(incomplete):
                yield row.name, row.flow_name

    return _offered(offers)


def _offered(offers: Callable[[Reader], Iterator[Offer]]) -> list[Offer]:
    found: list[Offer] = []
    try:
        from flowctl.store.home import Home
        from flowctl.store.queries import Reader

        with Reader.open(Home.default()) as reader:
            for value, words in offers(reader):
                if _SAFE_VALUE.fullmatch(value):
                    found.append((value, _UNSAFE_HELP.sub(" ", safe_text(words, keep_newlines=False))))
                    if len(found) == _MOST:
                        break
    except Exception:  # noqa: BLE001 - a Tab key must never print a traceback
        pass
    return found
