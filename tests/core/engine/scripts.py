"""Flow files run in real processes, which the test hears, signals and outlives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, TaskRunRow

#: A process that has not done its part by then hangs.
DEADLINE_S = 40


class Script:
    """A child process; its stdout is read line by line, its stderr goes to a file."""

    def __init__(
        self, path: Path, *arguments: str, by: str = "python", environment: dict[str, str] | None = None
    ) -> None:
        flow = "main" if by == "flowctl" else ""
        command = {
            "python": [sys.executable, str(path), *arguments],
            "flowctl": [sys.executable, "-m", "flowctl", "run", "--quiet", f"{path}:{flow}", *arguments],
            "retry": [sys.executable, "-m", "flowctl", "runs", "retry", *arguments],
        }[by]
        self._errors = path.with_suffix(f".{os.urandom(4).hex()}.stderr")
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=path.parent,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                # What a shell gives a program in the foreground, whatever the test run itself has.
                preexec_fn=_take_signals,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    @property
    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def wait_for_line(self, line: str) -> None:
        """Read until the script has printed a line."""
        assert self.process.stdout is not None
        seen: list[str] = []
        for each in self.process.stdout:
            seen.append(each)
            if each.strip() == line:
                return
        raise AssertionError(f"{line!r} was not printed, but: {seen}\n{self.errors}")

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def end(self, within_s: float = DEADLINE_S) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        try:
            self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {within_s} s\n{self.errors}") from None
        return self.process.returncode

    def output(self) -> str:
        """Wait for its end and give the rest of what it printed."""
        out, _ = self.process.communicate(timeout=DEADLINE_S)
        return out


def only_run(home: Home) -> FlowRunRow:
    """Catch up and give the only root run there is."""
    catch_up(home)
    with Reader.open(home) as reader:
        (run,) = reader.runs()
    return run


def tasks_of(home: Home, run_id: str) -> list[TaskRunRow]:
    """Catch up and list the task runs of a flow run."""
    catch_up(home)
    with Reader.open(home) as reader:
        return list(reader.task_runs(run_id))


def wait_until_ended(process_ids: Sequence[int], within_s: float = 10) -> None:
    """Wait until processes that are not our children have ended."""
    deadline = time.monotonic() + within_s
    for process_id in process_ids:
        while os.path.exists(f"/proc/{process_id}"):  # noqa: PTH110
            assert time.monotonic() < deadline, f"process {process_id} still lives"
            time.sleep(0.01)


def _take_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
