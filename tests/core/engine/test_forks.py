"""A fork in a task: the child is not the run process, and must not act as one."""

from __future__ import annotations

import os
import sys

import flowctl
from flowctl import flow, task
from flowctl.store.home import Home
from flowctl.store.journal import LogLine
from tests.core.engine.by_hand import records_of
from tests.core.engine.pool_samples import (
    DEADLINE_S,
    forking_run,
    leaf,
)


def test_a_fork_in_a_task_neither_writes_into_the_journal_nor_holds_the_lock(home: Home) -> None:
    @task
    def forks() -> int:
        child = os.fork()
        if child == 0:
            try:
                flowctl.get_run_logger().warning("from the child")
                leaf(1)
                leaf.submit(1).result(DEADLINE_S)
                retried.submit().result(DEADLINE_S)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        return os.waitpid(child, 0)[1]

    tries: list[int] = []

    @task(retries=1, retry_delay_seconds=0.01)
    def retried() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError

    @flow
    def forking() -> list[int]:
        leaf.submit(0).wait()
        warm = retried.submit()
        warm.wait()
        tries.clear()
        return [forks.submit().result(), forks()]

    assert forking() == [0, 0]
    run_id = forking_run(home)
    assert "from the child" not in "".join(r.message for r in records_of(home, run_id) if isinstance(r, LogLine))


def test_a_child_that_leaves_a_task_by_exit_does_not_disturb_the_run(home: Home) -> None:
    @task
    def forks() -> int:
        child = os.fork()
        if child == 0:
            raise SystemExit(0)
        return os.waitpid(child, 0)[1]

    @flow
    def forking() -> int:
        return forks()

    # In the child the exit goes up through the whole test run, so it is cut short here.
    pid = os.getpid()
    try:
        value = forking()
    except SystemExit:
        os._exit(0)
    except BaseException:  # the child must not go on as a second test run
        os._exit(9) if os.getpid() != pid else None
        raise

    assert value == 0
