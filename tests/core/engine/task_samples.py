"""Task functions and hooks for tests of lifecycles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flowctl
from flowctl.core.authoring.tasks import Task
from flowctl.core.engine.task_lifecycle import task_lifecycle
from tests.core.engine.by_hand import Bench, Steps


def double(x: int) -> int:
    return 2 * x


def fail() -> None:
    raise ValueError("no")


def empty_list() -> list[int]:
    return []


def fail_by_hand() -> flowctl.State[Any]:
    return flowctl.Failed(message="not yet")


def same(x: Any) -> Any:
    return x


def saying(seen: list[str], word: str = "") -> Callable[..., None]:
    """Make a hook that notes a word, or else the name of the state."""

    def hook(task: Any, run: Any, state: Any) -> None:
        seen.append(word or state.name)

    return hook


def refuse(*_: Any) -> bool:
    return False


def carried_out(bench: Bench, task: Task[..., Any], **arguments: Any) -> Any:
    run = bench.task_run(task, **arguments)
    Steps(task_lifecycle(run)).to_the_end()
    return run
