"""A watcher whose pass a test steps by hand: real files, real inspectors, the real store; no daemon."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowctl.core.daemon import watch_pass
from flowctl.core.daemon.inspection import Inspectors
from flowctl.core.daemon.watcher import Watcher
from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow
from flowctl.store.flow_files import add_watched
from flowctl.store.plan_records import DeploymentRow
from flowctl.store.writer import Store

PATIENCE_S = 30.0


class Watched:
    """A watcher and what it needs of a daemon."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.log: list[str] = []
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.inspectors = Inspectors(seconds=10.0)
        self.watcher = Watcher(
            self.inspectors,
            wake=lambda: None,
            deliver=self._actions.put,
            log=self.log.append,
            clock_s=time.monotonic,
        )

    def watch(self, *places: Path) -> None:
        """Have places watched, and wait until what is there is known."""
        with self.store.transaction() as connection:
            for place in places:
                add_watched(connection, str(place.resolve()), datetime.now(UTC), python=sys.executable)
        self.watcher.refresh()
        self.settle()

    def step(self) -> None:
        """Hear what the threads have to tell, then give the pass one turn."""
        try:
            while True:
                self._actions.get_nowait()()
        except queue.Empty:
            pass
        watch_pass.step(self.store, self.watcher, datetime.now(UTC))

    def until(self, is_so: Callable[[], Any], what: str) -> None:
        """Go on until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        self.step()
        while not is_so():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s until {what}; {self.log}"
            try:
                self._actions.get(timeout=0.01)()
            except queue.Empty:
                pass
            self.step()

    def settle(self) -> None:
        """Go on until nothing is under way any more."""
        self.step()
        self.until(lambda: not self.watcher.is_busy, "nothing is under way")

    def reloaded(self, path: Path, times: int) -> None:
        """Go on until a file was reloaded so often, by the log."""
        self.until(lambda: self.count(path, "reloaded") >= times, f"{path.name} is reloaded {times} times")

    def count(self, path: Path, outcome: str) -> int:
        """Count how often that became of a file."""
        return sum(line.startswith(f"watch: {path} {outcome}.") for line in self.log)

    def file(self, path: Path) -> FlowFileRow | None:
        return file_queries.flow_file(self.store.connection, str(path))

    def problem(self, path: Path) -> dict[str, Any]:
        """Give what is wrong with a file; empty when nothing is."""
        file = self.file(path)
        return {} if file is None or file.problem is None else dict(file.problem)

    def deployment(self, name: str) -> DeploymentRow:
        return plan_queries.deployment(self.store.connection, name)

    def close(self) -> None:
        self.watcher.close()
