"""The pass that closes runs whose process is gone: what is still open in them crashed, and their marker goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flowctl.core.daemon.ingest_pass import ActiveRuns
from flowctl.store.liveness import Look, clear_marker, is_alive, look_at_run
from flowctl.store.writer import Store

#: One step closes so many; the daemon answers in between.
RUNS_A_STEP: Final = 100
# A write that changes nothing, since only a transaction that wrote something waits for the disk.
_TOUCH: Final = "UPDATE journal SET offset = offset WHERE run_id = ?"


def _nobody(_run_id: str) -> bool:
    return False


def step(store: Store, active: ActiveRuns, *, is_awaited: Callable[[str], bool] = _nobody) -> list[str]:
    """Close the runs whose process is dead and whose journals are taken in; return their ids.

    `is_awaited` tells of a dead process whose last words (a signal, an exit code) are still to be written down.
    """
    gone = [
        run_id
        for run_id in active.ids
        if run_id not in active.unreadable
        and not is_alive(store.home, run_id)
        and not is_awaited(run_id)
        and not active.has_news(run_id)
    ][:RUNS_A_STEP]
    if not gone:
        return []
    settled: list[Look] = []
    # To the disk, before the marker goes: nothing else would ever look at the run again.
    with store.transaction(durable=True):
        for run_id in gone:
            steps = look_at_run(store.connection, store.home, run_id)
            while True:
                try:
                    next(steps)
                except StopIteration as stop:
                    look: Look = stop.value
                    break
            if look.is_settled:
                store.connection.execute(_TOUCH, (run_id,)).close()
                settled.append(look)
            elif look.problem is not None:
                active.problems[run_id] = look.problem
                active.unreadable.add(run_id)
            else:
                active.look_anew(run_id)
    for look in settled:
        clear_marker(store.home, look)
        active.settled(look.run_id)
    return [look.run_id for look in settled]
