"""`get_run_logger`: a logger whose lines belong to the present run; and switching run logs off in tests."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

from flowctl.core.authoring.context import CURRENT
from flowctl.core.authoring.exceptions import MissingContextError
from flowctl.core.authoring.port import engine
from flowctl.core.authoring.runs import FlowRun, TaskRun

FLOW_RUNS = "flowctl.flow_runs"
TASK_RUNS = "flowctl.task_runs"
#: The engine's handler, once there is one: where it is alone, a line need not be made a record for it.
OWN_HANDLERS: Final[list[logging.Handler]] = []


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """Writes for one run, also from threads in which that run is not the present one."""

    def __init__(self, run: FlowRun | TaskRun) -> None:
        super().__init__(logging.getLogger(TASK_RUNS if isinstance(run, TaskRun) else FLOW_RUNS))
        self.run = run
        self._extra = {"flowctl_run": run}

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line: straight to the run where nobody else has a say in it, else the way of all loggers."""
        logger = self.logger
        plain = not kwargs and not (args and isinstance(args[0], Mapping))
        if plain and logger.handlers == OWN_HANDLERS and not logger.filters and not logger.disabled:
            if level >= self.run.flow_run.root.log_level and level > logger.manager.disable:
                try:
                    message = str(msg) % args if args else str(msg)
                except Exception:  # noqa: BLE001 - the user's text does not fit; logging has words for that
                    super().log(level, msg, *args)
                    return
                engine().log(self.run, level, logger.name, message)
            return
        super().log(level, msg, *args, **kwargs)

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
