"""SIGKILL at random moments of a run: nothing that it reported is lost, and nothing of that is ever done again."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

import pytest

from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunCreated, FlowRunState, TaskRunCreated, TaskRunState, decode
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.store.states import StateType, is_allowed

#: More of them for a longer search: FLOWCTL_TEST_KILLS=2000 pytest tests/faults
KILLS = int(os.environ.get("FLOWCTL_TEST_KILLS", "200"))
SEED = int(os.environ.get("FLOWCTL_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
START = 7
NEVER_S = 100.0


class Nursery:
    """The process that forks run processes."""

    def __init__(self, errors: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def attempt(self, line: str, kill_after_s: float) -> tuple[int, list[str]]:
        """Make an attempt, kill it after a while; return its exit status and the lines that it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line} {kill_after_s:.6f}\n")
        lines = iter(self._process.stdout.readline, "")
        said: list[str] = []
        for each in lines:
            if each.startswith("ended "):
                return int(each.split()[1]), said
            if each.strip():
                said.append(each.rstrip("\n"))
        raise AssertionError(f"the nursery ended: {said}")


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    with (tmp_path / "errors").open("wb") as errors, Nursery(errors) as nursery:
        yield nursery
    said = (tmp_path / "errors").read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in said, said


class Case:
    """One run through its attempts, and what must be true of it after each."""

    def __init__(self, folder: Path, name: str) -> None:
        self.home = Home(str(folder / name))
        self.effects_file = folder / f"{name}.effects"
        #: Completion reported -> how often its body had run by then.
        self.reported: dict[str, int] = {}
        self.attempts = 0

    @property
    def effects(self) -> Counter[str]:
        if not self.effects_file.exists():
            return Counter()
        return Counter(self.effects_file.read_text(encoding="utf-8").splitlines())

    def run_id(self) -> str | None:
        folder = Path(self.home.runs)
        names = [each.name for each in folder.iterdir()] if folder.exists() else []
        assert len(names) <= 1
        return names[0] if names else None

    def line(self) -> str:
        """Say what the nursery is to do next."""
        head = f"{self.home.path} {self.effects_file}"
        if self.attempts == 0:
            return f"{head} launch {START}"
        return f"{head} retry {self.run_id()}"

    def take_in(self, said: list[str]) -> None:
        """Remember what an attempt reported, then look at what is on record."""
        effects = self.effects
        for line in said:
            if line.startswith("done "):
                self.reported.setdefault(line[5:], effects[line[5:]])
        assert catch_up(self.home) == []
        self.check_journals()
        self.check_store()

    def check_journals(self) -> None:
        for attempt in range(1, self.attempts + 1):
            path = Path(self.home.journal(str(self.run_id()), attempt))
            before: dict[tuple[str, int], StateType] = {}
            last: int | None = None
            data = path.read_bytes() if path.exists() else b""
            for _, sequence, record in decode(data):
                assert last is None or sequence == last + 1, "a record is missing"
                last = sequence
                if isinstance(record, (TaskRunCreated, FlowRunCreated)):
                    key = ("task", record.task) if isinstance(record, TaskRunCreated) else ("flow", record.run)
                    assert key not in before, "a number was given twice"
                    before[key] = StateType.PENDING
                elif isinstance(record, (TaskRunState, FlowRunState)):
                    key = ("task", record.task) if isinstance(record, TaskRunState) else ("flow", record.run)
                    after = StateType(record.type)
                    assert is_allowed(before[key], after), f"{key} went from {before[key]} to {after}"
                    before[key] = after

    def check_store(self) -> None:
        run = self.row()
        assert run is not None
        assert run.is_final, run
        tasks = list(self.tasks(run))
        completed = {task.inputs.split("'")[1] for task in tasks if task.state_type is StateType.COMPLETED}
        assert self.reported.keys() <= completed, "a reported completion is not in the store"
        assert [task for task in tasks if not task.is_final] == [], "a task is open under a run that is closed"

    def row_is_missing(self) -> bool:
        """Tell whether it was killed before the run was on record, which is then none."""
        catch_up(self.home)
        return not Path(self.home.database).exists() or self.row() is None

    def row(self) -> FlowRunRow | None:
        with Reader.open(self.home) as reader:
            runs = list(reader.runs())
        return runs[0] if runs else None

    def tasks(self, run: FlowRunRow) -> Iterator[TaskRunRow]:
        with Reader.open(self.home) as reader:
            for flow_run in (run, *reader.subflows(run.id)):
                for attempt in range(1, run.attempt + 1):
                    yield from reader.task_runs(flow_run.id, attempt=attempt)


@pytest.mark.timeout(900)
def test_a_run_killed_at_any_moment_loses_nothing_and_does_nothing_twice(tmp_path: Path, nursery: Nursery) -> None:
    print(f"FLOWCTL_TEST_SEED={SEED}")
    dice = random.Random(SEED)
    calm = Case(tmp_path, "undisturbed")
    began = time.monotonic()
    _, said = nursery.attempt(calm.line(), NEVER_S)
    lasted_s = time.monotonic() - began
    outcome = said[-1]
    assert outcome.startswith("= COMPLETED"), said
    undisturbed = calm.effects

    kills = 0
    for number in itertools.count():
        case = Case(tmp_path, f"case-{number}")
        while True:
            # Towards the end of a long row of attempts less is left to do, so later kills come sooner.
            share = dice.choice([0.1, 0.5, 1.0, 1.2]) if case.attempts < 12 else None
            pause = NEVER_S if share is None else dice.uniform(0, lasted_s * share)
            status, said = nursery.attempt(case.line(), pause)
            if case.run_id() is None or not Path(case.home.journal(str(case.run_id()), 1)).exists():
                assert status == -signal.SIGKILL, said
                kills += 1
                case = Case(tmp_path, f"case-{number}-{kills}")  # it was killed before there was a run
                continue
            case.attempts += 1
            if status == -signal.SIGKILL:
                kills += 1
            if case.row_is_missing():
                case = Case(tmp_path, f"case-{number}-{kills}")
                continue
            case.take_in(said)
            run = case.row()
            assert run is not None
            if run.state_type is StateType.COMPLETED:
                break
            assert (status, run.state_type) == (-signal.SIGKILL, StateType.CRASHED), said
        if status == 0:
            assert said[-1] == outcome
        effects = case.effects
        assert effects.keys() == undisturbed.keys()
        again = {key: effects[key] for key, count in case.reported.items() if effects[key] != count}
        assert again == {}, "a reported completion was executed again"
        if kills >= KILLS:
            break
    assert kills >= KILLS
