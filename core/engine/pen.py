"""The only place where a run changes state: it asks the table of transitions, then records, then shows.

The record is in the journal before anybody else can see the state.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.engine.locks import take
from flowctl.store.journal import LONGEST_MESSAGE, FlowRunState, LogLine, TaskRunState
from flowctl.store.states import FINAL, is_allowed

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.authoring.states import State
    from flowctl.store.states import StateType

INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40

_UNLOCKED: Final = nullcontext()


class IllegalTransition(RuntimeError):
    """A run was asked to go where the table of states has no way: a fault of flowctl itself."""

    def __init__(self, name: str, before: StateType, after: StateType) -> None:
        super().__init__(f"Run {name!r} cannot go from {before.value} to {after.value}. Please report this.")


def advance_task(
    run: TaskRun,
    state: State[Any],
    *,
    run_name: str | None = None,
    inputs: str | None = None,
    digest: bytes | None = None,
    value: str | None = None,
    error: dict[str, Any] | None = None,
    result: list[Any] | None = None,
) -> None:
    """Record a task run's next state, then make it visible."""
    if not is_allowed(run.state.type, state.type):
        raise IllegalTransition(run.name, run.state.type, state.type)
    run.flow_run.root.journal.append(
        TaskRunState(
            state.at,
            run.number,
            state.type,
            state.name,
            state.message,
            run.run_count,
            run_name,
            inputs,
            digest,
            state.due,
            value,
            error,
            result,
        )
    )
    state.run = run
    run.state = state


def settle(run: TaskRun) -> None:
    """Say that the task run will not change any more: whoever waits for it goes on."""
    root = run.flow_run.root
    if root.recorded is not None and run.is_task:
        root.recorded.take_note(run)
    lock = root.lock
    take(lock)
    waiters, run.waiters = run.waiters, None
    lock.release()
    if waiters:
        for waiter in waiters:
            waiter(run)


def advance_flow(
    run: FlowRun,
    state: State[Any],
    *,
    run_name: str | None = None,
    value: str | None = None,
    error: dict[str, Any] | None = None,
    result: list[Any] | None = None,
    only_from: StateType | None = None,
) -> None:
    """Record a flow run's next state, synced to the disk when it is final, then make it visible.

    With `only_from` nothing happens to a run that is in another state: for who is not the run's own thread.
    """
    journal = run.root.journal
    # Only root runs are paused and resumed from another thread; the wait for the disk should not hold up the rest.
    with run.root.lock if run.number == 0 else _UNLOCKED:
        if only_from is not None and run.state.type is not only_from:
            return
        if not is_allowed(run.state.type, state.type):
            raise IllegalTransition(run.name, run.state.type, state.type)
        journal.append(
            FlowRunState(
                state.at,
                run.number,
                state.type,
                state.name,
                state.message,
                run.run_count,
                run_name,
                state.due,
                value,
                error,
                result,
            )
        )
        if state.type in FINAL:
            journal.sync()
        state.run = run
        run.state = state
    if state.type in FINAL and run.root.recorded is not None:
        run.root.recorded.take_note(run)


def write_log(
    run: FlowRun | TaskRun, level: int, logger: str, message: str, at: int | None = None, *, echo: bool = True
) -> None:
    """Record a log line of a run; `echo` it where a script has no other display."""
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[:LONGEST_MESSAGE]}… [cut: the line has {len(message):,} characters]"
    flow_run = run.flow_run
    root = flow_run.root
    moment: int = root.clock() if at is None else at
    root.journal.append(LogLine(moment, flow_run.number, run.number if run.is_task else None, level, logger, message))
    if echo and root.console is not None:
        root.console(run, moment, level, message)
