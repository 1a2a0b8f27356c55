"""The form for a backfill: a span of the past, and of which schedule; what it would plan, in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from flowctl.tui.model.form import Filled, FormPlan
from flowctl.tui.model.form_fields import Field
from flowctl.tui.model.form_times import TimeField
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.texts import counted

_MOST_NAMED: Final = 3


def backfill_plan(listed: ListedDeployment) -> FormPlan:
    """Make the form; a schedule is asked for where there are several."""
    text = {"type": "string"}
    start = TimeField(
        name="from", schema=text, root={}, said="7d (ago), yesterday, 2026-11-01", is_past=True, is_required=True
    )
    end = TimeField(name="to", schema=text, root={}, said="now without", is_past=True)
    slugs = [each.slug for each in listed.row.schedules]
    which = Field(name="schedule", schema={"enum": slugs}, root={}, said="all without")

    def fields_from(filled: Filled) -> dict[str, object]:
        found = filled.parameters
        fields: dict[str, object] = {
            "deployment": listed.key,
            "version": listed.row.version,
            "start": found.get("from"),
            "end": found.get("to", "9999-01-01T00:00:00+00:00"),
        }
        return fields if found.get("schedule") is None else {**fields, "slug": found["schedule"]}

    def command(filled: Filled, _fields: Mapping[str, Field]) -> str:
        words = ["flowctl", "deployment", "backfill", listed.name]
        for name in ("from", "to", "schedule"):
            if name in filled.parameters:
                words += [f"--{name}", str(filled.parameters[name])]
        return shlex.join(words)

    return FormPlan(
        title=f"backfill {listed.name}",
        fields=(start, end, which) if len(slugs) > 1 else (start, end),
        command=command,
        wish=lambda filled: ("deployment_backfill", fields_from(filled)),
        go="Count and plan…",
        texts={"from": "1d"},
        remark="plans a run for every time of a span that got none; they start one after the other",
    )


def count_words(occurrences: Sequence[Mapping[str, object]], left: int, now: datetime) -> str:
    """Say what a backfill would plan: how many, and the first and last times."""
    if not occurrences:
        return "every time of that span has got its run"
    times = [datetime.fromisoformat(str(each["at"])).astimezone() for each in occurrences]
    form = "%H:%M" if times[0].date() == times[-1].date() == now.astimezone().date() else "%-d %b %H:%M"
    shown = [f"{at:{form}}" for at in times]
    if len(shown) > _MOST_NAMED:
        shown = [*shown[: _MOST_NAMED - 1], "…", shown[-1]]
    more = f", {left} more are left for another time" if left else ""
    return f"{counted(len(times), 'run')}: {', '.join(shown)}{more}"
