"""`get_run_logger`: a logger whose lines belong to the present run; and switching run logs off in tests."""

from __future__ import annotations

import logging
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any

from flowctl.core.authoring.context import CURRENT
from flowctl.core.authoring.exceptions import MissingContextError
from flowctl.core.authoring.runs import FlowRun, TaskRun

FLOW_RUNS = "flowctl.flow_runs"
TASK_RUNS = "flowctl.task_runs"


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """Writes for one run, also from threads in which that run is not the present one."""

    def __init__(self, run: FlowRun | TaskRun) -> None:
        super().__init__(logging.getLogger(TASK_RUNS if isinstance(run, TaskRun) else FLOW_RUNS))
        self.run = run
        self._extra = {"flowctl_run": run}

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Attach the run to the record, beside what the caller attaches."""
        extra = kwargs.get("extra")
        kwargs["extra"] = self._extra if extra is None else {**extra, **self._extra}
        return msg, kwargs


def get_run_logger() -> RunLogger:
    """Return the logger of the present run; raise `MissingContextError` outside a run."""
    run = CURRENT.get()
    if run is None:
        raise MissingContextError("There is no active flow or task run context: get_run_logger() works inside a run.")
    return RunLogger(run)


@contextmanager
def disable_run_logger() -> Generator[None, None, None]:
    """Drop what run loggers write within the block, so that tasks can be tested by calling `task.fn`."""
    loggers = [logging.getLogger(FLOW_RUNS), logging.getLogger(TASK_RUNS)]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
