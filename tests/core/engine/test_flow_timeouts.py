"""A flow whose time is up is TimedOut then, whatever it has under way; that ends with it, or is left behind by name."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from flowctl import FlowRunTimeoutError, ThreadPoolTaskRunner, flow, task
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.scripts import Script, only_run, tasks_of

LIMIT_S = 0.3
#: Far less than the tasks would take.
SOON_S = 2.5


@task
def sleeps(_: int = 0) -> None:
    time.sleep(4)


@task
async def asleep(_: int = 0) -> None:
    await asyncio.sleep(60)


@task(retries=3, retry_delay_seconds=60)
def fails(_: int = 0) -> None:
    raise ValueError("at once")


@task
def nested(_: int = 0) -> None:
    sleeps.submit().wait()


@pytest.mark.parametrize("what", [sleeps, asleep, fails, nested])
@pytest.mark.parametrize("waits", [True, False])
def test_a_flow_is_timed_out_at_its_deadline_with_tasks_under_way(home: Home, what: Any, waits: bool) -> None:
    @flow(timeout_seconds=LIMIT_S, task_runner=ThreadPoolTaskRunner(max_workers=2))
    def main() -> None:
        futures = what.map(range(4))
        if waits:
            futures.wait()

    began = time.monotonic()
    with pytest.raises(FlowRunTimeoutError):
        main()
    assert time.monotonic() - began < SOON_S

    run = only_run(home)
    assert (run.state_type, run.state_name) == (StateType.FAILED, "TimedOut")
    ends = {(task.task_name, task.state_type) for task in tasks_of(home, run.id)}
    if what is fails:
        assert ends <= {("fails", StateType.FAILED), ("fails", StateType.CANCELLED)}
    else:
        assert {type_ for _, type_ in ends} == {StateType.CANCELLED}
    with Reader.open(home) as reader:
        orphans = [line.message for line in reader.logs(run.id) if "orphan thread" in line.message]
    assert bool(orphans) is (what in (sleeps, nested)), orphans


def test_an_async_flow_is_timed_out_at_its_deadline_with_tasks_under_way(home: Home) -> None:
    @flow(timeout_seconds=LIMIT_S)
    async def main() -> None:
        future, other = sleeps.submit(), asleep.submit()
        await asyncio.sleep(30)
        future.wait()
        other.wait()

    began = time.monotonic()
    with pytest.raises(FlowRunTimeoutError):
        asyncio.run(main())

    assert time.monotonic() - began < SOON_S
    assert {task.state_type for task in tasks_of(home, only_run(home).id)} == {StateType.CANCELLED}


def test_a_timed_out_subflow_lets_its_parent_go_on_and_be_retried(home: Home) -> None:
    tries: list[float] = []

    @flow(timeout_seconds=LIMIT_S, retries=1)
    def below() -> str:
        tries.append(time.monotonic())
        if len(tries) == 1:
            sleeps.map(range(3)).wait()
        return quick.submit().result()

    @task
    def quick() -> str:
        return "done"

    @flow
    def main() -> str:
        return below() + quick.submit().result()

    assert main() == "donedone"
    assert tries[1] - tries[0] < SOON_S
    states = [task.state_type for task in tasks_of(home, only_run(home).id)]
    assert states.count(StateType.COMPLETED) >= 1


def test_processes_of_a_timed_out_flow_are_killed_and_nothing_holds_up_the_end(project: Project, home: Home) -> None:
    path = project.write(
        "slow.py",
        """
import time
from flowctl import flow, task, ProcessPoolTaskRunner

@task
def busy():
    time.sleep(60)

@flow(timeout_seconds=1.5, task_runner=ProcessPoolTaskRunner(max_workers=2))
def main():
    futures = [busy.submit() for _ in range(4)]
    busy.with_options(name="direct")()

if __name__ == "__main__":
    try:
        main()
    except TimeoutError as error:
        print("ended", type(error).__name__)
""",
    )
    began = time.monotonic()
    with Script(path) as script:
        said = script.output()
        script.end()

    assert said.strip() == "ended FlowRunTimeoutError", script.errors
    assert time.monotonic() - began < 20
    states = {task.task_name: task.state_type for task in tasks_of(home, only_run(home).id)}
    assert states == {"busy": StateType.CANCELLED, "direct": StateType.CRASHED}


def test_an_orphan_that_goes_on_submitting_is_told_that_its_flow_is_over(home: Home) -> None:
    seen: list[Any] = []

    @task
    def late() -> int:
        return 1

    @task
    def goes_on() -> None:
        time.sleep(0.6)
        for is_submitted in (False, True):
            try:
                seen.append(late.submit().result() if is_submitted else late())
            except Exception as error:  # noqa: BLE001
                seen.append(type(error).__name__)

    @flow(timeout_seconds=0.2)
    def below() -> None:
        goes_on.submit().wait()

    @flow
    def main() -> None:
        below(return_state=True)
        deadline = time.monotonic() + 20
        while len(seen) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)

    main()
    assert seen == ["CancelledRun", "CancelledRun"]
