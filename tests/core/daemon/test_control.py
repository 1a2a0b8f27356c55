"""What a person asks of a run under way by its control file: pause, resume, retry now, skip a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.core.daemon import cancel
from flowctl.core.daemon.protocol import Refused
from tests.conftest import Project
from tests.core.daemon.stepped import Stepped

_STEPS = """
import time
from pathlib import Path
from flowctl import flow, task
@task
def step(n):
    with open("steps", "a") as file:
        file.write(f"{n}\\n")
    return n
@flow
def direct():
    for n in range(1000):
        step(n)
        if Path("enough").exists():
            break
        time.sleep(0.01)
@flow
def submitted():
    step(0)
    while not Path("go").exists():
        time.sleep(0.01)
    return sum(future.result() for future in [step.submit(n) for n in range(1, 5)])
@task(retries=1, retry_delay_seconds=600)
def flaky():
    with open("tries", "a") as file:
        file.write("x")
    if len(Path("tries").read_text()) < 2:
        raise ValueError("first")
    return 5
@task
def after(value):
    Path("after").write_text(repr(value))
@flow
def retries():
    after(flaky.submit())
@flow
def retries_here():
    after(flaky())
@flow
async def retries_async():
    after(flaky())
"""


@pytest.fixture
def file(project: Project) -> Path:
    return project.write("jobs.py", _STEPS)


def _steps(project: Project) -> int:
    file = project.path / "steps"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_a_paused_run_starts_no_task_until_it_is_resumed(stepped: Stepped, project: Project, file: Path) -> None:
    run_id = stepped.plan(file, "direct")
    stepped.until(lambda: _steps(project) > 2)
    stepped.until_state(run_id, "RUNNING/Running")

    stepped.ask(cancel.pause, run_id=run_id)
    stepped.until_state(run_id, "PAUSED/Paused")
    held = _steps(project)
    with pytest.raises(Refused, match="paused already"):
        stepped.ask(cancel.pause, run_id=run_id)
    stepped.ask(cancel.resume, run_id=run_id)
    stepped.until(lambda: _steps(project) > held + 2)

    assert stepped.state(run_id) == "RUNNING/Running"
    (project.path / "enough").touch()
    stepped.until_over(run_id)
    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert held == int((project.path / "steps").read_text().splitlines()[held])


def test_submitted_tasks_are_held_and_one_of_them_is_skipped(stepped: Stepped, project: Project, file: Path) -> None:
    run_id = stepped.plan(file, "submitted")
    stepped.until(lambda: _steps(project) == 1)
    stepped.until_state(run_id, "RUNNING/Running")
    stepped.ask(cancel.pause, run_id=run_id)
    stepped.until_state(run_id, "PAUSED/Paused")
    (project.path / "go").touch()
    stepped.until(lambda: stepped.one("SELECT count(*) FROM task_run WHERE state_type = 'PENDING'") == 4)

    stepped.ask(cancel.skip_task, run_id=run_id, task=3)
    stepped.until(lambda: stepped.one("SELECT state_name FROM task_run WHERE number = 3") == "Skipped")
    assert _steps(project) == 1
    stepped.ask(cancel.resume, run_id=run_id)
    stepped.until_over(run_id)

    assert sorted((project.path / "steps").read_text().split()) == ["0", "1", "3", "4"]
    # The flow added None to numbers.
    assert stepped.state(run_id) == "FAILED/Failed"


@pytest.mark.parametrize("flow", ["retries", "retries_here", "retries_async"])
def test_a_retry_delay_is_ended(stepped: Stepped, project: Project, file: Path, flow: str) -> None:
    run_id = stepped.plan(file, flow)
    stepped.until(lambda: stepped.one("SELECT 1 FROM task_run WHERE state_name = 'AwaitingRetry'"))

    stepped.ask(cancel.retry_now, run_id=run_id, task="flaky")
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert (project.path / "after").read_text() == "5"


@pytest.mark.parametrize("flow", ["retries", "retries_here"])
def test_a_task_that_awaits_its_retry_is_skipped(stepped: Stepped, project: Project, file: Path, flow: str) -> None:
    run_id = stepped.plan(file, flow)
    stepped.until(lambda: stepped.one("SELECT 1 FROM task_run WHERE state_name = 'AwaitingRetry'"))

    stepped.ask(cancel.skip_task, run_id=run_id, task="flaky")
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert stepped.one("SELECT state_type || '/' || state_name FROM task_run WHERE number = 1") == "COMPLETED/Skipped"
    assert (project.path / "after").read_text() == "None"
    assert (project.path / "tries").read_text() == "x"


def test_a_paused_run_can_be_cancelled(stepped: Stepped, project: Project, file: Path) -> None:
    run_id = stepped.plan(file, "submitted")
    stepped.until(lambda: _steps(project) == 1)
    stepped.until_state(run_id, "RUNNING/Running")
    stepped.ask(cancel.pause, run_id=run_id)
    stepped.until_state(run_id, "PAUSED/Paused")
    (project.path / "go").touch()
    stepped.until(lambda: stepped.one("SELECT count(*) FROM task_run WHERE state_type = 'PENDING'") == 4)

    stepped.ask(cancel.cancel, run_id=run_id)
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CANCELLED/Cancelled"
    assert _steps(project) == 1


def test_tasks_that_do_not_wait_are_not_woken_or_skipped(stepped: Stepped, project: Project, file: Path) -> None:
    run_id = stepped.plan(file, "submitted")
    stepped.until(lambda: stepped.one("SELECT 1 FROM task_run WHERE ended_at IS NOT NULL"))

    for verb in (cancel.retry_now, cancel.skip_task):
        with pytest.raises(Refused, match="no open task"):
            stepped.ask(verb, run_id=run_id, task="step")
    with pytest.raises(Refused, match="not paused"):
        stepped.ask(cancel.resume, run_id=run_id)

    (project.path / "go").touch()
    stepped.until_over(run_id)
