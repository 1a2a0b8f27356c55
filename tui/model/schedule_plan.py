"""The form that changes a schedule: what is typed, what that means, when it fires then, and the equal command; pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from flowctl.store.plan_records import ScheduleKind, ScheduleRow
from flowctl.tui.model.deploys_lines import until
from flowctl.tui.model.form import Filled, FormPlan
from flowctl.tui.model.form_fields import Field, Reading
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.spoken_schedules import plain_schedule

_TEXT: Final = {"type": "string"}
_SOON: Final = 3
_SCHEDULE: Final = re.compile(r"\bschedules?\s*=")
_DEFINITION: Final = re.compile(r"\s*(?:async\s+)?def\s")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleField(Field):
    """When something fires, as one says it or as cron writes it."""

    def read(self, text: str, now: datetime | None) -> Reading:
        """Tell whether a text can be meant."""
        if not text.strip():
            return Reading(problem="needs a value: 50 * * * *, hourly at :50, every 15 min, FREQ=…")
        try:
            _fires(text, "UTC", now)
        except (ValueError, OverflowError) as error:
            return Reading(problem=str(error))
        return Reading(text.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneField(Field):
    """A time zone."""

    def read(self, text: str, now: datetime | None) -> Reading:
        """Tell whether there is such a zone, and how late it is there."""
        from flowctl.core.authoring.recurrences import read_zone

        if not text.strip():
            return Reading()
        try:
            zone = read_zone(text.strip())
        except ValueError as error:
            return Reading(problem=str(error))
        return Reading(text.strip(), None, "" if now is None else f"{now.astimezone(zone):%H:%M} there now")


def schedule_plan(listed: ListedDeployment, schedule: ScheduleRow | None) -> FormPlan:
    """Make the form; without a schedule it is the first one of the deployment."""
    zone = "UTC" if schedule is None else schedule.timezone
    catchup = "latest" if schedule is None else schedule.catchup.value
    fields = (
        ScheduleField(
            name="when", schema=_TEXT, root={}, is_required=True, said="50 * * * *, hourly at :50, every 15 min"
        ),
        ZoneField(name="zone", schema=_TEXT, root={}, default=zone, said=f"of its times · default {zone}"),
        Field(
            name="if late", schema={"enum": ["latest", "all", "skip"]}, root={}, default=catchup,
            said="missed times: latest runs once, all, skip",
        ),
    )  # fmt: skip
    has_others = schedule is not None and len(listed.row.schedules) > 1

    def plain(filled: Filled) -> dict[str, Any]:
        found = filled.parameters
        made = plain_schedule(str(found.get("when", "")), str(found.get("zone", zone)))
        made["catchup"] = found.get("if late", catchup)
        return {**made, "slug": schedule.slug} if schedule is not None and has_others else made

    def wish(filled: Filled) -> tuple[str, dict[str, object]]:
        about = {"deployment": listed.key, "version": listed.row.version}
        return "set_schedule", {**about, "schedule": plain(filled), "only": not has_others}

    def command(filled: Filled, _fields: Mapping[str, Field]) -> str:
        words = ["flowctl", "deployment", "set-schedule", listed.name]
        try:
            made = plain(filled)
        except ValueError:
            return shlex.join(words)
        words += [f"--{made['kind']}", _typed(made["kind"], made["expression"]), "--timezone", made["timezone"]]
        words += ["--catchup", str(made["catchup"])]
        return shlex.join([*words, "--schedule", made["slug"]] if "slug" in made else words)

    def means(filled: Filled, now: datetime) -> Sequence[tuple[str, str]]:
        if "when" not in filled.parameters:
            return ()
        text, where = str(filled.parameters["when"]), str(filled.parameters.get("zone", zone))
        try:
            made, words, times = _fires(text, where, now)
        except (ValueError, OverflowError):
            return ()
        said = [f"{_clock(at, now)} in {until(at, now)}" if place == 0 else _clock(at, now) for place, at in times]
        return (
            ("means", f"{_typed(made['kind'], made['expression'])}  in {where}"),
            ("that is", words),
            ("next", "   ".join(said)),
        )

    before = "" if schedule is None else _typed(schedule.kind.value, schedule.expression)
    return FormPlan(
        title=f"schedule of {listed.name}" + (f", {schedule.slug}" if schedule is not None and has_others else ""),
        fields=fields,
        command=command,
        wish=wish,
        means=means,
        go="Change it" if schedule is not None else "Give it this schedule",
        texts={"when": before},
    )


def schedule_line(lines: Sequence[str], first: int) -> int:
    """Find the line in which the schedule of a flow is written, from its first line on; else give that one."""
    for number, text in enumerate(lines[first - 1 :], start=first):
        if _SCHEDULE.search(text):
            return number
        if _DEFINITION.match(text):
            break
    return first


def _fires(text: str, timezone: str, now: datetime | None) -> tuple[dict[str, Any], str, list[tuple[int, datetime]]]:
    """Read a schedule: plain, in words, and the next times with their places, in its zone; raise `ValueError`."""
    from flowctl.core.daemon.occurrences import describe, recurrence_of, spec_of

    plain = plain_schedule(text, timezone)
    spec = spec_of(plain)
    recurrence = recurrence_of(spec.kind, spec.expression, spec.timezone)
    times = [] if now is None else [each.at for each in islice(recurrence.after(now), _SOON)]
    words = describe(spec.kind, spec.expression, "UTC").removesuffix(" (UTC)")
    return plain, words, list(enumerate(at.astimezone(recurrence.zone) for at in times))


def _clock(at: datetime, now: datetime) -> str:
    days = (at.date() - now.astimezone(at.tzinfo).date()) // _DAY
    return f"{at:%H:%M}" if days == 0 else f"{at:%a %H:%M}" if days < 7 else f"{at:%-d %b %H:%M}"


def _typed(kind: str, expression: str) -> str:
    """Write an expression as it is typed: an interval is on record in seconds."""
    if kind != ScheduleKind.INTERVAL.value:
        return expression
    seconds = float(expression)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return expression
