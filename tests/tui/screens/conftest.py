"""A daemon that grants everything, for screens that ask one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from flowctl.tui.actions import Actions, Answer
from tests.tui.screens.driving import NOW

#: What was asked of the daemon: the verb and its fields.
Sent = list[tuple[str, Mapping[str, object]]]


def nothing_against(*_: object) -> None:
    """Stand in for the reasons why something cannot be asked."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Take the place of the daemon: whatever is asked is written down, and granted."""
    found: Sent = []

    def send(_self: Actions, verb: str, fields: Mapping[str, object]) -> Answer:
        found.append((verb, dict(fields)))
        count = [{"at": NOW.isoformat()}] * 3 if fields.get("dry_run") else []
        return Answer(
            None, {"name": "new-otter", "due_at": NOW.isoformat(), "occurrences": count, "run_ids": ["a", "b"]}
        )

    monkeypatch.setattr(Actions, "send", send)
    monkeypatch.setattr(Actions, "why_not", nothing_against)
    return found
