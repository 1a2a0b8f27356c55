"""The flow that is killed: sequential, mapped, nested, subflow and retried tasks, each of which leaves a trace.

Every body notes in the effects file that it ran; every completion is reported on stdout once its call has returned.
"""

from __future__ import annotations

import os
import time

from flowctl import ThreadPoolTaskRunner, flow, runtime, task

#: Long enough for a kill to fall into a body, too.
PACE_S = 0.0005


def effect(key: str) -> None:
    """Note that a body ran; one write, so that a kill leaves a whole line or none."""
    file = os.open(os.environ["STORY_EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{key}\n".encode())
    os.close(file)
    time.sleep(PACE_S)


def report(key: str) -> None:
    """Tell the test that a call returned."""
    os.write(1, f"done {key}\n".encode())


@task
def step(key: str, value: int) -> int:
    effect(key)
    return value * 3 + 1


@task
def outer(key: str, value: int) -> int:
    effect(key)
    total = 0
    for index in range(3):
        total += step(f"{key}.{index}", value + index)
        report(f"{key}.{index}")
    future = step.submit(f"{key}.submitted", total)
    total += future.result()
    report(f"{key}.submitted")
    return total


@task(retries=2, retry_delay_seconds=0.001)
def flaky(key: str, value: int) -> int:
    effect(key)
    if runtime.task_run.run_count < 2:
        raise ValueError(f"{key} fails at first")
    return value + 1000


@task(persist_result=True)
def large(key: str, value: int) -> bytes:
    effect(key)
    return bytes([value % 256]) * 100_000


@flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
def below(key: str, value: int) -> int:
    first = step(f"{key}.first", value)
    report(f"{key}.first")
    futures = step.map([f"{key}.{index}" for index in range(4)], [first + index for index in range(4)])
    total = 0
    for index, future in enumerate(futures):
        total += future.result()
        report(f"{key}.{index}")
    return total


@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def story(start: int) -> int:
    value = start
    for index in range(5):
        value = step(f"sequence {index}", value) % 1000
        report(f"sequence {index}")
    keys = [f"mapped {index}" for index in range(12)]
    for key, future in zip(keys, step.map(keys, [value + index for index in range(12)]), strict=True):
        value += future.result()
        report(key)
    value += outer("nested", value)
    report("nested")
    value += below("subflow", value)
    again = flaky.map(["flaky 0", "flaky 1"], [value, value + 1])
    value += outer.submit("nested too", value).result()
    report("nested too")
    for index, future in enumerate(again):
        value += future.result()
        report(f"flaky {index}")
    value += len(large("large", value))
    report("large")
    value += below("second subflow", value)
    return value
