"""Makes log lines of what user code says: by run loggers, by the standard library's logging, by print."""

from __future__ import annotations

import builtins
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.context import CURRENT
from flowctl.core.authoring.loggers import FLOW_RUNS, OWN_HANDLERS, TASK_RUNS
from flowctl.core.authoring.runs import TaskRun
from flowctl.core.engine.pen import INFO, write_log

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun

_own: Final = (logging.getLogger(FLOW_RUNS), logging.getLogger(TASK_RUNS))
_format: Final = logging.Formatter()
_attached = 0
_level_before = logging.WARNING


class _NoLock:
    """Stands where a handler has its lock."""

    def acquire(self) -> None: ...

    def release(self) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *exception: object) -> None: ...


class RunHandler(logging.Handler):
    """Hands records to the run that they belong to."""

    def createLock(self) -> None:  # noqa: N802 - the standard library's name
        """Do without: a record is handled under the handler's lock, and the journal has one already."""
        self.lock = _NoLock()  # type: ignore[assignment]  # all that logging asks of a lock

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record to its run's journal; records outside any run pass by."""
        run: FlowRun | TaskRun | None = getattr(record, "flowctl_run", None) or CURRENT.get()
        if run is None or record.levelno < run.flow_run.root.log_level:
            return
        message = _message_of(record)
        if record.exc_info or record.stack_info:
            message = f"{message}\n{_trace_of(record)}"
        # Where the user's logging has handlers of its own, they show the line.
        echo = record.name in (FLOW_RUNS, TASK_RUNS) or not _others_show()
        write_log(run, record.levelno, record.name, message, int(record.created * 1e6), echo=echo)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the standard library's
        """Raise on: logging calls this within its except clause, and the engine must know of a full disk."""
        raise


_handler: Final = RunHandler()
OWN_HANDLERS.append(_handler)


@contextmanager
def attached(run: FlowRun) -> Generator[None, None, None]:
    """Capture logging while the root run lasts."""
    global _attached
    if run.number != 0:
        yield
        return
    attach(run)
    try:
        yield
    finally:
        _attached -= 1
        if _attached == 0:
            root = logging.getLogger()
            root.removeHandler(_handler)
            root.setLevel(_level_before)


def attach(run: FlowRun) -> None:
    """Capture logging from now on."""
    global _attached, _level_before
    _attached += 1
    if _attached > 1:
        return
    root = logging.getLogger()
    level, _level_before = run.root.log_level, root.level
    for logger in _own:
        logger.addHandler(_handler)
        logger.setLevel(level)
        logger.propagate = False
    if run.root.settings.log_capture_root:
        if not root.handlers and root.level == logging.WARNING:
            root.setLevel(level)
        root.addHandler(_handler)


def wants_prints(run: FlowRun | TaskRun) -> bool:
    """Tell whether `print` in this run's body writes log lines: its task says so, else its flow, else the setting."""
    flow = run.flow_run.flow
    wanted: bool | None = run.task.log_prints if isinstance(run, TaskRun) else None
    if wanted is None and flow is not None:
        wanted = flow.log_prints
    if wanted is None:
        wanted = bool(run.flow_run.root.settings.log_prints)
    return wanted


def _others_show() -> bool:
    return any(handler is not _handler for handler in logging.getLogger().handlers)


_print: Final = builtins.print
_patched = False


def capture_prints() -> None:
    """Replace `print` by one that asks the present run; once is enough."""
    global _patched
    if not _patched:
        _patched = True
        builtins.print = _print_or_log


def _print_or_log(
    *values: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
) -> None:
    run = CURRENT.get()
    if run is None or file not in (None, sys.stdout, sys.stderr) or not wants_prints(run):
        _print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    text = (" " if sep is None else sep).join(map(str, values))
    if run.flow_run.root.log_level <= INFO:
        write_log(run, INFO, TASK_RUNS if run.is_task else FLOW_RUNS, text)


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg!r} % {record.args!r} (the log call is wrong: {type(error).__name__}: {error})"


def _trace_of(record: logging.LogRecord) -> str:
    parts: list[str] = []
    if record.exc_info:
        parts.append(_format.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)
