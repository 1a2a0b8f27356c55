"""Whether the journals of active runs grew: the cheap look that tells when catching up is worth its commit."""

from __future__ import annotations

import os

from flowctl.store.catchup import active_runs
from flowctl.store.home import Home

Sizes = dict[str, tuple[int, ...]]


def sizes_of(home: Home) -> Sizes:
    """Give the size of every journal of every active run."""
    return {run_id: _sizes(home.run_folder(run_id)) for run_id in active_runs(home)}


def _sizes(folder: str) -> tuple[int, ...]:
    try:
        with os.scandir(folder) as entries:
            return tuple(
                size for _, size in sorted((e.name, e.stat().st_size) for e in entries if e.name.startswith("journal."))
            )
    except OSError:
        # Deleted, or not made yet: the marker comes first.
        return ()
