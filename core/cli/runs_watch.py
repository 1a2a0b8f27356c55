"""`flowctl runs watch`: a run that goes on in another process, shown as `flowctl run` shows its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from flowctl.core.authoring.states import State
from flowctl.core.cli.display import DisplayOptions, exit_of, show_and_wait
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.run_tree import tasks_below
from flowctl.core.cli.runs_list import typed
from flowctl.core.cli.wording import ago, moment
from flowctl.core.engine.launch import Ended
from flowctl.store.catchup import catch_up
from flowctl.store.following import Follower
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunCreated, FlowRunState, Record, TaskRunCreated, TaskRunState
from flowctl.store.liveness import attempts, is_alive
from flowctl.store.problems import NotARootRun
from flowctl.store.queries import Reader
from flowctl.store.reading import microseconds
from flowctl.store.records import FlowRunRow
from flowctl.store.states import FINAL, StateType
from flowctl.store.text import safe_text

_LOOK_EVERY_S: Final = 0.05
#: How long a journal may be still before it is asked whether its writer lives.
_STILL_S: Final = 0.5
_FINAL_WORDS: Final = frozenset(state.value for state in FINAL)

Observer = Callable[[Record], None]


def watch_run(spec: str, *, is_plain: bool, is_quiet: bool) -> Exit:
    """Show a run until it has ended; give the exit code that its own process gives."""
    home = Home.default()
    with open_reader(home) as reader:
        run = reader.find_run(spec)
        if not run.is_root:
            raise NotARootRun(run.id, run.root_id)
        try:
            return _watch(home, reader, run, is_plain=is_plain, is_quiet=is_quiet)
        except KeyboardInterrupt:
            name = typed(run)
            sys.stderr.write(
                f"Run {safe_text(run.name)} goes on. `flowctl runs watch {name}` looks on, "
                f"`flowctl runs cancel {name}` ends it.\n"
            )
            return Exit.KILLED


def _watch(home: Home, reader: Reader, run: FlowRunRow, *, is_plain: bool, is_quiet: bool) -> Exit:
    run = _started(home, reader, run)
    if not attempts(home, run.id):
        # It never ran, or all that is left of it is in the database.
        sys.stdout.write(f"{safe_text(run.name)} is {run.state_name}. See `flowctl runs show {typed(run)}`.\n")
        return exit_of(run.state_type)
    follower = Follower(home, run.id, attempts(home, run.id)[-1])
    return show_and_wait(
        lambda observers: _follow(home, reader, run, follower, observers),
        options=DisplayOptions(is_quiet=is_quiet, is_linear=is_plain, watched=typed(run)),
    )


def _started(home: Home, reader: Reader, run: FlowRunRow) -> FlowRunRow:
    """Wait until a planned run has a journal, or will never have one."""
    is_told = False
    while not run.is_final and not attempts(home, run.id):
        if not is_told:
            due = f", due {moment(run.due_at)}, {ago(run.due_at, datetime.now(UTC))}" if run.due_at else ""
            sys.stderr.write(f"{safe_text(run.name)} has not started yet ({run.state_name}{due}).\n")
            is_told = True
        time.sleep(_LOOK_EVERY_S)
        catch_up(home)
        run = reader.flow_run(run.id)
    return run


def _follow(home: Home, reader: Reader, run: FlowRunRow, follower: Follower, observers: Sequence[Observer]) -> Ended:
    """Give what the run writes to the observers, and what others say of it when it can write no more."""
    opened = _Open()
    still_since = time.monotonic()
    while True:
        records = follower.look()
        for record in records:
            opened.note(record)
            for observe in observers:
                observe(record)
        if records:
            still_since = time.monotonic()
            continue
        if opened.root is not None and opened.root.type in _FINAL_WORDS:
            break
        if time.monotonic() - still_since > _STILL_S and not is_alive(home, run.id):
            records = follower.look()  # what it wrote between the last look and its end
            catch_up(home)
            for record in [*records, *opened.endings(reader, run.id, follower.attempt)]:
                opened.note(record)
                for observe in observers:
                    observe(record)
            break
        time.sleep(_LOOK_EVERY_S)
    root = opened.root
    ended = State[object](StateType[root.type] if root else StateType.CRASHED, root.name if root else None)
    return Ended(run.id, run.name, ended)


class _Open:
    """Which runs of a journal have not ended, as far as it is read."""

    def __init__(self) -> None:
        self.root: FlowRunState | None = None
        self._tasks: set[int] = set()
        #: Number in the journal -> id.
        self._flows: dict[int, str] = {}

    def note(self, record: Record) -> None:
        if isinstance(record, TaskRunState):
            if record.type in _FINAL_WORDS:
                self._tasks.discard(record.task)
        elif isinstance(record, TaskRunCreated):
            self._tasks.add(record.task)
        elif isinstance(record, FlowRunCreated):
            self._flows[record.run] = record.id
        elif isinstance(record, FlowRunState):
            if record.run == 0:
                self.root = record
            if record.type in _FINAL_WORDS:
                self._flows.pop(record.run, None)

    def endings(self, reader: Reader, run_id: str, attempt: int) -> Iterator[Record]:
        """Give the ends that were not written but found: those of a process that was killed."""
        run = reader.flow_run(run_id)
        subflows, tasks = tasks_below(reader, run, attempt)
        for task in tasks:
            if task.number in self._tasks and task.is_final:
                yield TaskRunState(
                    at=microseconds(task.ended_at or task.created_at),
                    task=task.number,
                    type=task.state_type.value,
                    name=task.state_name,
                    message=task.message,
                    run_count=task.run_count,
                    run_name=None,
                    inputs=None,
                    digest=None,
                    due=None,
                    value=None,
                    error=None,
                    result=None,
                )
        # The root comes last: with it the run has ended.
        ids = {flow.id: flow for flow in (*subflows, run)}
        for number, id_ in sorted(self._flows.items(), reverse=True):
            if (flow := ids.get(id_)) is not None and flow.is_final:
                yield FlowRunState(
                    at=microseconds(flow.ended_at or flow.created_at),
                    run=number,
                    type=flow.state_type.value,
                    name=flow.state_name,
                    message=flow.message,
                    run_count=flow.run_count,
                    run_name=None,
                    due=None,
                    value=None,
                    error=None,
                    result=None,
                )
