"""The next times of an expression, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from rich.table import Table
from rich.text import Text

from flowctl.core.authoring.recurrences import Occurrence, Recurrence
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import QUIET, WARNING
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.schedule_words import guess_plain, read_time
from flowctl.core.cli.wording import ago
from flowctl.core.daemon.occurrences import describe, recurrence_of, spec_of
from flowctl.store.plan_records import ScheduleKind

_DAY: Final = timedelta(days=1)
_WIDE: Final = 100


def print_preview(
    expression: str, timezone: str, *, count: int, start: str | None, seconds: bool, as_json: bool
) -> Exit:
    """Print when an expression fires."""
    now = datetime.now(UTC)
    begin = now if start is None else read_time("--from", start)
    try:
        spec = spec_of(guess_plain(expression, timezone, seconds=seconds))
        recurrence = recurrence_of(spec.kind, spec.expression, spec.timezone)
        found = list(islice(recurrence.after(begin - timedelta(microseconds=1)), count))
    except (ValueError, OverflowError) as error:
        raise CommandError(str(error)) from None
    if as_json:
        print_json(_plain(spec.kind, spec.expression, recurrence, found))
        return Exit.OK
    console = make_console()
    console.print(safe(sentence(spec.kind, spec.expression, spec.timezone), "bold"))
    if not found:
        console.print(Text("There is no such time any more.", QUIET))
        return Exit.OK
    console.print()
    console.print(_table(recurrence, found, now, is_wide=console.width >= _WIDE))
    return Exit.OK


def sentence(kind: ScheduleKind, expression: str, timezone: str) -> str:
    """Say a schedule in words, as a sentence begins."""
    words = describe(kind, expression, timezone)
    return words[:1].upper() + words[1:]


def change_on(recurrence: Recurrence, occurrence: Occurrence) -> str | None:
    """Say by how much the clocks change on the local day of an occurrence; None where they do not."""
    local = occurrence.at.astimezone(recurrence.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    before, after = midnight.utcoffset(), (midnight + _DAY).utcoffset()
    if before is None or after is None or before == after:
        return None
    shift = after - before
    return f"clocks {shift / timedelta(hours=1):+g} h"


def _table(recurrence: Recurrence, found: Sequence[Occurrence], now: datetime, *, is_wide: bool) -> Table:
    is_utc = recurrence.zone.key == "UTC"
    clock = "%H:%M:%S" if any(each.at.second for each in found) else "%H:%M"
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column(safe(recurrence.zone.key), no_wrap=True)
    if not is_utc:
        table.add_column("UTC", no_wrap=True)
    if is_wide:
        table.add_column("", no_wrap=True, justify="right")
    table.add_column("", overflow="fold")
    for each in found:
        cells = [Text(each.at.astimezone(recurrence.zone).strftime(f"%a %Y-%m-%d {clock} %z"))]
        if not is_utc:
            cells.append(Text(each.at.strftime(f"%Y-%m-%d {clock}"), QUIET))
        if is_wide:
            cells.append(Text(ago(each.at, now), QUIET))
        notes = "; ".join(filter(None, [change_on(recurrence, each), each.note]))
        table.add_row(*cells, Text(notes, WARNING))
    return table


def _plain(
    kind: ScheduleKind, expression: str, recurrence: Recurrence, found: Sequence[Occurrence]
) -> dict[str, object]:
    return {
        "kind": kind.value,
        "expression": expression,
        "timezone": recurrence.zone.key,
        "words": describe(kind, expression, recurrence.zone.key),
        "times": [
            {
                "local": each.at.astimezone(recurrence.zone).isoformat(),
                "utc": each.at.isoformat().replace("+00:00", "Z"),
                "clock_change": change_on(recurrence, each),
                "note": each.note,
            }
            for each in found
        ],
    }
