"""A daemon's home where something happens all the time: runs of all ends, files saved right and wrong, accidents."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon import processes
from flowctl.core.daemon.instance import find_holder
from tests.core.daemon.stepped import processes_of
from tests.tui.screens.workplace import FLOWS, Workplace

#: More flows than a workplace has: hasty, hostile, dying; each is named as somebody might who means no good.
RESTLESS: Final = """
import os
from flowctl import flow, task, get_run_logger

@task(retries=2, retry_delay_seconds=0.2)
def shaky(n):
    if n % 2:
        raise ValueError("[red]odd[/] \\x1b[9q\\u202e" + "x" * 300)
    return n

@flow(name="[@click=app.quit]dies[/]\\x1b]0;t\\x07")
def dies():
    get_run_logger().error("last words \\x1b[9q [b]\\x00\\x9b31m")
    os._exit(3)

@flow(name="retries \\u65e5\\u672c\\u8a9e")
def retries(n: int = 3):
    get_run_logger().warning("line [/] \\x1b]52;c;eA==\\x07\\tand\\rso\\nforth")
    return [state.name for state in (shaky.submit(i) for i in range(n)) if state.wait() is None]

@flow
def ticks(n: int = 20):
    for each in range(n):
        get_run_logger().info("line %d of [b]%d[/b]", each, n)
    return n
"""
_GOOD: Final = (FLOWS, FLOWS.replace("hello", "hallo"), FLOWS + "\n# [red]\x1b[9q\n")
_BROKEN: Final = (FLOWS.replace("def falls(", "def falls(:"), "import nothing_of_that_name\n", "", "1 / 0\n", "\x00")


class Unrest:
    """Has something happen at a workplace until it is over; what was promised to it is kept in mind."""

    def __init__(self, place: Workplace, seed: int) -> None:
        self._place = place
        self._chance = random.Random(seed)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="unrest")
        self._file = place.folder / "restless.py"
        self.promised: list[str] = []
        #: How often each thing happened.
        self.counts: dict[str, int] = {}
        #: What went wrong in the thread.
        self.problem: BaseException | None = None

    def __enter__(self) -> Self:
        self._file.write_text(RESTLESS, encoding="utf-8")
        self._place.command("watch", "add", str(self._place.file))
        self._place.command("deploy", f"{self._file}:ticks", "--interval", "1", "--overlap", "allow")
        self._place.command("deploy", f"{self._place.file}:greets", "--cron", "* * * * * *", "--seconds")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._place.file.write_text(FLOWS, encoding="utf-8")
        if find_holder(self._place.home) is None:
            self._place.start()
        for name in ("ticks", "greets"):
            self._place.command("deployment", "pause", name)

    def settle(self) -> None:
        """End all runs there are."""
        self._place.kill_all()
        self._place.until(lambda: not self._place.at_work(), "all runs have ended")

    def _go_on(self) -> None:
        doings = {self._run: 40, self._save: 20, self._break: 12, self._kill_run: 4, self._lock: 2, self._accident: 6}
        try:
            while not self._is_over.wait(self._chance.uniform(0.0, 0.4)):
                doing = self._chance.choices(list(doings), list(doings.values()))[0]
                self.counts[doing.__name__] = self.counts.get(doing.__name__, 0) + 1
                with suppress(FlowctlError, OSError, sqlite3.OperationalError, AssertionError):  # there is no daemon
                    doing()
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for the thread
            self.problem = error

    def _run(self) -> None:
        choices: list[tuple[str, dict[str, object]]] = [
            ("greets", {"who": "[/]\x1b[9q"}), ("falls", {}), ("waits", {}), ("paces", {"steps": 30}),
            ("ends_on", {"name": "never"}), ("dies", {}), ("retries", {}), ("ticks", {"n": 500}),
        ]  # fmt: skip
        flow, fields = self._chance.choice(choices)
        file = self._file if flow in ("dies", "retries", "ticks") else None
        self.promised.append(self._place.run(flow, file=file, **fields))

    def _save(self) -> None:
        self._place.file.write_text(self._chance.choice(_GOOD), encoding="utf-8")

    def _break(self) -> None:
        self._place.file.write_text(self._chance.choice(_BROKEN), encoding="utf-8")

    def _kill_run(self) -> None:
        servers = {each.process.pid for each in processes_of(self._place.home) if each.parent == self._place.pid}
        runs = [each for each in processes_of(self._place.home) if each.parent in servers]
        if runs:
            processes.send(self._chance.choice(runs).process, signal.SIGKILL)

    def _lock(self) -> None:
        connection = sqlite3.connect(self._place.home.database, isolation_level=None, timeout=0.5)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            self._is_over.wait(self._chance.uniform(0.0, 1.0))
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def _accident(self) -> None:
        """Have the daemon killed, held up, or ended, and after a while another one."""
        holder = find_holder(self._place.home)
        if holder is not None and holder.pid:
            number = self._chance.choice([signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
            os.kill(holder.pid, number)
            self._is_over.wait(self._chance.uniform(0.0, 3.0))
            if number == signal.SIGSTOP:
                os.kill(holder.pid, signal.SIGCONT)
        if find_holder(self._place.home) is None:
            self._place.start()


def asked_to_be_deleted(log: Path) -> set[str]:
    """Read the ids of runs that the interface asked to be deleted."""
    return set(log.read_text().split()) if log.exists() else set()
