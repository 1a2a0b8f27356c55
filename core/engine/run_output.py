"""Makes log lines of what the processes of a run write, where stdout and stderr are files of the run.

What Python code of the run process writes is known with its task; what subprocesses and C code write comes from the
files. Only runs that the daemon started have them: elsewhere the streams are the terminal's.
"""

from __future__ import annotations

import io
import sys
from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.context import CURRENT
from flowctl.core.engine.journal_writer import JournalUnwritable
from flowctl.core.engine.pen import INFO, write_log
from flowctl.store.journal import LONGEST_MESSAGE
from flowctl.store.output import STREAMS, OutputFiles

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.engine.root import RootRun


class RunOutput:
    """The output of one root run; taken in by the thread that looks at its control file, and at its end."""

    def __init__(self, root: RootRun) -> None:
        self._root = root
        self._files = OutputFiles(root.home.run_folder(root.id), root.attempt)
        self._lock = allocate_lock()
        self._run: FlowRun | None = None
        self._streams = [RunStream(getattr(sys, name), name) for name in STREAMS]

    def begin(self, run: FlowRun) -> None:
        """Make log lines from now on."""
        self._run = run
        sys.stdout, sys.stderr = self._streams

    def take(self, *, is_last: bool = False) -> bool:
        """Take in what is new; tell whether there is more to be had at once."""
        run = self._run
        if run is None:
            return False
        with self._lock:
            lines = self._files.take(is_last=is_last)
            for stream, line in lines:
                if self._root.log_level <= INFO:
                    write_log(run, INFO, stream, line, echo=False)
            if lines or self._files.has_more:
                self._files.remember()
            return self._files.has_more

    def finish(self) -> None:
        """Take in all there is, before the journal is closed; later output waits for who finds the process gone."""
        for stream in self._streams:
            stream.flush_parts()
        sys.stdout, sys.stderr = (stream.plain for stream in self._streams)
        try:
            while self.take(is_last=True):
                pass
        except (OSError, JournalUnwritable):
            pass  # a full disk: what is not taken in stays in the files
        self._files.close()


class RunStream(io.TextIOBase):
    """Stands for `sys.stdout` or `sys.stderr`: whole lines of a run become log lines of it, all else passes."""

    def __init__(self, plain: Any, name: str) -> None:
        super().__init__()
        #: What stood there before.
        self.plain = plain
        self._name = name
        self._lock = allocate_lock()
        #: Run -> the beginning of its line.
        self._parts: dict[FlowRun | TaskRun, str] = {}

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self.plain.encoding)

    @property
    def errors(self) -> str:  # type: ignore[override]
        return str(self.plain.errors)

    @property
    def buffer(self) -> Any:
        """The stream of bytes below: what is written there is known without its task."""
        return self.plain.buffer

    @property
    def name(self) -> Any:
        return self.plain.name

    def fileno(self) -> int:
        return int(self.plain.fileno())

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        self.plain.flush()

    def write(self, text: str, /) -> int:
        run = CURRENT.get()
        if run is None or run.flow_run.root.is_closed:
            return int(self.plain.write(text))
        with self._lock:
            whole = self._parts.pop(run, "") + text
            lines = whole.split("\n")
            part = lines.pop()
            if len(part) > LONGEST_MESSAGE:
                lines.append(part)
                part = ""
            if part:
                self._parts[run] = part
        for line in lines:
            self._log(run, line)
        return len(text)

    def flush_parts(self) -> None:
        """Log what does not end in a line feed."""
        with self._lock:
            parts, self._parts = self._parts, {}
        for run, part in parts.items():
            self._log(run, part)

    def _log(self, run: FlowRun | TaskRun, line: str) -> None:
        if run.flow_run.root.log_level <= INFO:
            line = line.rstrip("\r")
            write_log(run, INFO, self._name, line[line.rfind("\r") + 1 :], echo=False)
