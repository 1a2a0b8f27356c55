"""What machines read: events and the object at the end."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest

from flowctl.core.cli.display_json import Events, summary_object
from flowctl.core.cli.display_model import RunModel
from flowctl.store.journal import Record, task_run_id
from tests.core.cli.streams import RUN_ID, Stage, a_busy_run


def events_of(*records: Record) -> list[dict[str, Any]]:
    model, stream = RunModel(), io.StringIO()
    events = Events(model, stream)
    for record in records:
        events.observe(record, model.apply(record))
    events.end(0.0, [])
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def ended(*records: Record) -> RunModel:
    model = RunModel()
    for record in records:
        model.apply(record)
    return model


def test_each_record_of_the_run_is_an_event_with_its_ids() -> None:
    events = events_of(*a_busy_run(2, ends="COMPLETED"))

    assert {event["event"] for event in events} == {
        "flow_run.created",
        "flow_run.state",
        "task_run.created",
        "task_run.state",
        "log",
    }
    assert all(event["run_id"] == RUN_ID and event["time"].endswith("Z") for event in events)
    retrying = next(event for event in events if event.get("state_name") == "AwaitingRetry")
    assert retrying["task_run_id"] == task_run_id(RUN_ID, 4)
    assert (retrying["task"], retrying["name"], retrying["run_count"]) == ("fetch", "fetch-004", 1)
    assert retrying["due"] > retrying["time"]
    subflow = next(event for event in events if event.get("flow") == "region")
    assert subflow["parent_flow_run_id"] == RUN_ID


def test_log_lines_carry_the_name_of_what_wrote_them_and_only_ascii() -> None:
    stage = Stage()
    created = stage.task("load")

    (*_, event) = events_of(*stage.opening, created, stage.log("naïve \x1b[31m \u202e", task=created.task, level=40))

    assert (event["level"], event["name"], event["message"]) == ("ERROR", "load-001", "naïve \x1b[31m \u202e")
    stream = io.StringIO()
    model = RunModel()
    events = Events(model, stream)
    for record in (*stage.opening, stage.log("\x1b[31m \u202e \ud800")):
        events.observe(record, model.apply(record))
    events.refresh(0.0)
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()


def test_the_object_at_the_end_tells_how_it_went() -> None:
    found = summary_object(ended(*a_busy_run(26, ends="COMPLETED")), {"modules": 40})

    assert found["state"] == "COMPLETED"
    assert found["tasks"] == {"total": 30, "completed": 28, "failed": 2}
    assert (found["result"], found["result_kind"]) == ({"modules": 40}, "json")
    assert found["parameters"] == {"day": "2026-11-23", "limit": 20}
    assert found["error"] is None
    assert found["duration_s"] == pytest.approx(5.63)


def test_a_failed_run_has_an_error_and_no_result() -> None:
    found = summary_object(ended(*a_busy_run(2, ends="FAILED")), None)

    assert (found["state"], found["result"], found["result_kind"]) == ("FAILED", None, None)
    assert found["error"]["type"] == "ValueError"


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({1, 2}, "{1, 2}"),
        (math.nan, "nan"),
        (Rude(), "<repr of Rude raised RuntimeError>"),
    ],
)
def test_a_result_without_a_word_in_json_is_given_as_its_repr(value: object, shown: str) -> None:
    found = summary_object(ended(*a_busy_run(2, ends="COMPLETED")), value)

    assert (found["result"], found["result_kind"]) == (shown, "repr")
    json.dumps(found, allow_nan=False)
