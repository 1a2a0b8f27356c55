"""Runs that were found, made ready to be listed."""

from __future__ import annotations

from flowctl.store.searching import FoundRun, Standing
from flowctl.tui.data import safe_rows
from flowctl.tui.model.glyphs import word_of
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import ListedRun


def listed(found: FoundRun) -> ListedRun:
    """Make a run that was found one that can be shown."""
    return ListedRun(
        key=found.key,
        run=safe_rows.flow_run(found.run),
        retry_at=found.retry_at,
        retry_message=safe_rows.line_or_none(found.retry_message),
        retry_tries=found.retry_tries,
        waits_for_slot=safe_rows.line_or_none(found.waits_for_slot),
        paused_at=found.paused_at,
        cause=safe_rows.line_or_none(found.cause),
    )


def target(standing: Standing) -> Target:
    """Freeze what an action on a run would be about."""
    return Target(
        standing.id,
        standing.state_version,
        safe_rows.line(standing.name),
        safe_rows.line(standing.flow_name),
        word_of(standing.state_type, safe_rows.line(standing.state_name)),
        standing.started_at,
        standing.awaits_retry,
    )
