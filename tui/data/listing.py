"""Runs that were found, made ready to be listed."""

from __future__ import annotations

from flowctl.store.searching import FoundRun
from flowctl.tui.data import safe_rows
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
