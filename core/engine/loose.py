"""The run that gathers the tasks which a process calls outside any flow, so that they are on record too."""

from __future__ import annotations

import atexit
import os
import sys
from _thread import RLock, get_ident
from typing import Final

from flowctl.core.authoring.context import TAGS
from flowctl.core.authoring.runs import FlowRun
from flowctl.core.authoring.states import State
from flowctl.core.engine.pen import advance_flow
from flowctl.core.engine.root import RootRun
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunCreated
from flowctl.store.states import StateType

FLOW_NAME: Final = "(no flow)"

_lock: Final = RLock()
#: One for each home folder, since tests of users change it.
_runs: Final[dict[str, FlowRun]] = {}


def loose_run() -> FlowRun:
    """Return this process's run for tasks outside flows; it ends with the process."""
    home = Home.default().path
    with _lock:
        run = _runs.get(home)
        if run is None:
            if not _runs:
                atexit.register(_end)
            run = _runs[home] = _new()
    return run


def _new() -> FlowRun:
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    root = RootRun(start=main)
    root.new_run_number()
    at = root.clock()
    run = FlowRun(
        id=root.id,
        name=os.path.basename(main) if main else "interactive",
        flow=None,
        root=root,
        number=0,
        parent=None,
        parent_task=None,
        parameters={},
        tags=TAGS.get(),
        state=State(StateType.PENDING, "Pending", at=at),
    )
    run.thread = get_ident()
    source = {"file": main and os.path.abspath(main), "line": None, "flow": None, "script": True, "cwd": os.getcwd()}
    root.journal.append(FlowRunCreated(at, 0, run.id, run.name, FLOW_NAME, None, None, "{}", [], source, None))
    run.run_count = 1
    advance_flow(run, State(StateType.RUNNING, at=at))
    return run


def _end() -> None:
    """Wait for what was submitted, then close; called at the end of the process."""
    from flowctl.core.engine.blocking import wait_for_tasks
    from flowctl.core.engine.dispatch import close_pool
    from flowctl.core.engine.gathering import when_idle

    for run in list(_runs.values()):
        wait_for_tasks(run, when_idle)
        close_pool(run)
        advance_flow(run, State(StateType.COMPLETED, at=run.root.clock()))
        run.root.close()
    _runs.clear()


def _leave_to_parent() -> None:
    _runs.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
