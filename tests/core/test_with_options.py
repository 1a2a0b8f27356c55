"""Copies of flows and tasks with some options changed."""

from __future__ import annotations

from typing import Any

import pytest

from flowctl import flow, task


def test_hooks_that_were_added_as_decorators_are_copied_and_the_copies_are_their_own() -> None:
    seen: list[str] = []

    @task
    def add(x: int) -> int:
        return x + 1

    @flow
    def main() -> None:
        add(1)
        changed(1)

    @add.on_completion
    def _(*_: Any) -> None:
        seen.append("task")

    @main.on_completion
    def _(*_: Any) -> None:
        seen.append("flow")

    changed = add.with_options(name="changed")
    changed.on_completion(lambda *_: seen.append("its own"))
    main.with_options(name="other")()

    assert seen == ["task", "task", "its own", "flow"]


@pytest.mark.parametrize("hooks", [[], None])
def test_hooks_can_be_replaced_by_none(hooks: Any) -> None:
    seen: list[str] = []

    @task(on_completion=[lambda *_: seen.append("hook")])
    def add(x: int) -> int:
        return x + 1

    add.with_options(on_completion=hooks)(1)

    assert seen == []
