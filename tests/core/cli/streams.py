"""Streams of journal records as real runs write them, made by hand: a small stage for the displays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowctl.store.journal import (
    FlowRunCreated,
    FlowRunState,
    JournalOpened,
    LogLine,
    Record,
    TaskRunCreated,
    TaskRunState,
)

RUN_ID = "0d3f2c1a-7b1e-4c55-9a3e-5a0000000000"
START = 1_795_500_000_000_000


def an_error(
    type_: str = "ValueError", text: str = "bad row 12", *, frames: list[list[Any]] | None = None, **more: Any
) -> dict[str, Any]:
    """An error as the engine reports it: two frames of the user's around two of a library."""
    default: list[list[Any]] = [
        ["/work/etl.py", 12, "etl", "load(rows)", True],
        ["/venv/site-packages/lib/core.py", 88, "call", "return fn()", False],
        ["/venv/site-packages/lib/inner.py", 9, "inner", "fn()", False],
        ["/work/etl.py", 31, "parse_row", "return int(cells[3])", True],
    ]
    return {
        "type": type_,
        "module": "builtins",
        "text": text,
        "frames": default if frames is None else frames,
        "notes": [],
        "cause": None,
        "cause_kind": None,
        **more,
    }


class Stage:
    """Writes records of one run; `at` moves by hand."""

    def __init__(self, flow_name: str = "etl", run_name: str = "brave-otter") -> None:
        self.at = START
        self.tasks = 0
        self.flows = 0
        self.opening: list[Record] = [
            JournalOpened(self.at, 1, RUN_ID, 1, 4711, "boot", "host", "3.11.7", "0.1.0"),
            FlowRunCreated(
                self.at,
                0,
                RUN_ID,
                run_name,
                flow_name,
                None,
                None,
                '{"day": "2026-11-23", "limit": 20}',
                ["nightly"],
                {},
                None,
            ),
        ]

    def wait(self, seconds: float) -> None:
        self.at += int(seconds * 1_000_000)

    def flow(
        self, type_: str, name: str | None = None, *, run: int = 0, message: str | None = None, **more: Any
    ) -> FlowRunState:
        fields: dict[str, Any] = {
            "run_count": 1,
            "run_name": None,
            "due": None,
            "value": None,
            "error": None,
            "result": None,
            **more,
        }
        return FlowRunState(self.at, run, type_, name or type_.capitalize(), message, **fields)

    def subflow(self, flow_name: str, run_name: str, *, parent: int = 0) -> FlowRunCreated:
        self.flows += 1
        return FlowRunCreated(
            self.at, self.flows, f"{self.flows:036x}", run_name, flow_name, parent, None, "{}", [], {}, None
        )

    def task(
        self,
        name: str,
        *,
        run: int = 0,
        parent: int | None = None,
        index: int | None = None,
        run_name: str | None = None,
    ) -> TaskRunCreated:
        self.tasks += 1
        return TaskRunCreated(self.at, self.tasks, run, parent, f"etl.{name}", name, run_name, [], None, index)

    def state(
        self,
        task: int,
        type_: str,
        name: str | None = None,
        *,
        message: str | None = None,
        due: float | None = None,
        run_count: int = 1,
        **more: Any,
    ) -> TaskRunState:
        fields: dict[str, Any] = {
            "run_name": None,
            "inputs": None,
            "digest": None,
            "due": None if due is None else self.at + int(due * 1_000_000),
            "value": None,
            "error": None,
            "result": None,
            **more,
        }
        return TaskRunState(self.at, task, type_, name or type_.capitalize(), message, run_count, **fields)

    def log(self, message: str, *, task: int | None = None, level: int = 20, run: int = 0) -> LogLine:
        return LogLine(self.at, run, task, level, "flowctl.task_runs" if task else "flowctl.flow_runs", message)

    def whole_task(self, name: str, seconds: float = 0.1, **more: Any) -> Iterator[Record]:
        """A task run that completes."""
        created = self.task(name, **more)
        yield created
        yield self.state(created.task, "RUNNING")
        self.wait(seconds)
        yield self.log("Finished in state Completed()", task=created.task)
        yield self.state(created.task, "COMPLETED", value="None")


def a_busy_run(mapped: int = 40, *, ends: str | None = "COMPLETED") -> Iterator[Record]:
    """A run with everything: a map with failures, retries, a subflow, logs; stopped in its middle without `ends`."""
    stage = Stage()
    yield from stage.opening
    yield stage.flow("RUNNING")
    yield stage.log("Reading 2026-11-23")
    yield from stage.whole_task("list_files", 0.21)
    numbers: list[int] = []
    for index in range(mapped):
        created = stage.task("parse_module", index=index)
        numbers.append(created.task)
        yield created
    for number in numbers[: mapped if ends else mapped * 6 // 10]:
        yield stage.state(number, "RUNNING")
        stage.wait(0.05)
        if number % 13 == 0:
            yield stage.log(f"cannot parse file {number}", task=number, level=40)
            error = an_error("SyntaxError", f"invalid syntax (bad_{number}.py, line 1)")
            yield stage.state(number, "FAILED", error=error, message="Task run encountered an exception SyntaxError")
        else:
            yield stage.state(number, "COMPLETED", value="17")
    fetch = stage.task("fetch")
    yield fetch
    yield stage.state(fetch.task, "RUNNING")
    stage.wait(0.4)
    yield stage.log("TimeoutError: read timed out, attempt 1 of 4", task=fetch.task, level=30)
    retry = "Task run failed with TimeoutError: read timed out - Retry 1/3 will start 3.2 second(s) from now"
    yield stage.log(retry, task=fetch.task)
    failed = "Task run encountered an exception TimeoutError: read timed out"
    yield stage.state(fetch.task, "SCHEDULED", "AwaitingRetry", due=3.2, message=failed)
    yield stage.subflow("region", "warm-fox")
    yield stage.flow("RUNNING", run=1)
    yield from stage.whole_task("load", 0.3, run=1)
    aggregate = stage.task("aggregate")
    if ends is None:
        publish = stage.task("publish", run=1)
        yield publish
        yield stage.state(publish.task, "RUNNING")
        for number in numbers[mapped * 6 // 10 : mapped * 6 // 10 + 3]:
            yield stage.state(number, "RUNNING")
        yield aggregate
        yield stage.log("publishing 3 tables", task=publish.task)
        return
    yield stage.flow("COMPLETED", run=1)
    stage.wait(3.2)
    yield stage.state(fetch.task, "RUNNING", "Retrying", run_count=2)
    stage.wait(0.2)
    yield stage.state(fetch.task, "COMPLETED", run_count=2)
    yield aggregate
    yield stage.state(aggregate.task, "RUNNING")
    stage.wait(0.02)
    if ends == "COMPLETED":
        yield stage.state(aggregate.task, "COMPLETED", value="{'modules': 40}")
        yield stage.flow("COMPLETED", value="{'modules': 40, 'functions': 1234}", message="All states completed.")
    else:
        error = an_error()
        yield stage.state(aggregate.task, "FAILED", error=error)
        yield stage.flow(ends, error=error, message="Flow run encountered an exception: ValueError: bad row 12")
