"""The one place where errors become a line on stderr and an exit code."""

from __future__ import annotations

import sys

from flowctl.core.cli.exits import Exit
from flowctl.store.text import safe_text


class CommandError(Exception):
    """A command cannot do what it was asked for; the message says why and what to do."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.code = code


def exit_for(error: BaseException) -> Exit | None:
    """Tell the exit code of an expected error; None for one that nobody foresaw."""
    from flowctl.core.authoring.exceptions import FlowctlError
    from flowctl.core.daemon.client import DaemonNotStarted, DaemonSilent, NoDaemon
    from flowctl.core.daemon.instance import AnotherDaemon, ForeignSocket
    from flowctl.core.daemon.protocol import Refused
    from flowctl.core.engine.journal_writer import JournalUnwritable
    from flowctl.core.engine.resume import NotOnRecord
    from flowctl.core.engine.root import RunActive
    from flowctl.store.home import HomeUnusable
    from flowctl.store.journal import DamagedJournal
    from flowctl.store.plan_problems import DeploymentNotFound, PlanProblem, ScheduleNotFound
    from flowctl.store.problems import AmbiguousRun, NotARootRun, RunAlive, RunNotFound, StoreError

    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, (RunNotFound, AmbiguousRun, NotOnRecord, DeploymentNotFound, ScheduleNotFound)):
        return Exit.NOT_FOUND
    if isinstance(error, Refused):
        return {"not_found": Exit.NOT_FOUND, "busy": Exit.STORE}.get(error.kind, Exit.USAGE)
    if isinstance(error, (NoDaemon, DaemonSilent, DaemonNotStarted, AnotherDaemon, ForeignSocket)):
        return Exit.DAEMON
    # What flowctl's own errors say where no flow runs: a wrong setting, target or parameter; nothing was run.
    if isinstance(error, (FlowctlError, RunActive, RunAlive, NotARootRun, PlanProblem)):
        return Exit.USAGE
    if isinstance(error, (StoreError, HomeUnusable, DamagedJournal, JournalUnwritable)):
        return Exit.STORE
    return None


def complain(message: str, hint: str = "") -> None:
    """Write `Error: …` on stderr."""
    sys.stderr.write(f"Error: {safe_text(message)}\n" + (f"{safe_text(hint)}\n" if hint else ""))


def warn(message: str) -> None:
    """Write `Warning: …` on stderr."""
    sys.stderr.write(f"Warning: {safe_text(message, keep_newlines=False)}\n")
