"""Asking a living daemon for runs: new ones, the next attempt, ones like another; stale and senseless wishes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowctl.core.daemon.client import Client, Refused
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.sqlite import open_reader
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.daemon.waiting import once
from tests.store.journals import a_run, a_subflow_id, an_id, flow_created, write_journal

pytestmark = pytest.mark.usefixtures("daemon")

_FLOWS = """
from pathlib import Path
from flowctl import flow, task

@task
def note(folder, word):
    with (Path(folder) / "notes").open("a") as file:
        file.write(word + "\\n")
    return word

@flow
def greet(folder: str, name: str = "you", token: str = "none", times: int = 1):
    note(folder, name)
    if (Path(folder) / "broken").exists():
        raise ValueError("broken")
    return f"{name} {token} {times!r}"
"""


def ask(home: Home, verb: str, **fields: object) -> dict[str, Any]:
    with Client.connect(home, start=False) as client:
        return client.ask(verb, **fields)


def seen(home: Home, run_id: str) -> FlowRunRow:
    with Reader.open(home) as reader:
        return reader.flow_run(run_id)


def ended(home: Home, run_id: str, attempt: int = 1) -> FlowRunRow:
    once(lambda: seen(home, run_id).is_final and seen(home, run_id).attempt == attempt, "the end of the run")
    return seen(home, run_id)


def refused(home: Home, verb: str, **fields: object) -> Refused:
    with pytest.raises(Refused) as caught:
        ask(home, verb, **fields)
    return caught.value


@pytest.fixture
def flows(project: Project) -> str:
    return str(project.write("greet.py", _FLOWS))


def run(home: Home, project: Project, flows: str, **parameters: object) -> str:
    asked = {"folder": str(project.path), **parameters}
    run_id: str = ask(home, "run", file=flows, flow="greet", parameters=asked, tags=["x"])["run_id"]
    return run_id


def test_a_flow_in_a_file_is_run_with_its_parameters(home: Home, project: Project, flows: str) -> None:
    answer = ask(
        home, "run", file=flows, flow="greet", name="mine", parameters={"folder": str(project.path), "times": "3"}
    )
    found = ended(home, answer["run_id"])

    assert (found.name, found.state_type, found.value) == ("mine", StateType.COMPLETED, "'you none 3'")


def test_a_run_is_on_record_when_the_request_is_answered(home: Home, project: Project, flows: str) -> None:
    run_id = run(home, project, flows)

    assert seen(home, run_id).flow_name == "greet"


def test_a_run_waits_for_its_time(home: Home, project: Project, flows: str) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    run_id = ask(home, "run", file=flows, flow="greet", parameters={"folder": str(project.path)}, at=at)["run_id"]
    waiting = seen(home, run_id)
    cancelled = ask(home, "cancel", run_id=run_id, state_version=waiting.state_version)

    assert (waiting.state_type, waiting.due_at) == (StateType.SCHEDULED, datetime.fromisoformat(at))
    assert cancelled["state_type"] == "CANCELLED"
    assert not (project.path / "notes").exists()


def test_a_failed_run_gets_its_next_attempt_and_reuses_what_completed(home: Home, project: Project, flows: str) -> None:
    (project.path / "broken").touch()
    run_id = run(home, project, flows, name="Ada")
    failed = ended(home, run_id)
    (project.path / "broken").unlink()

    answer = ask(home, "retry", run_id=run_id, state_version=failed.state_version)
    again = ended(home, run_id, attempt=2)

    assert (failed.state_type, answer["attempt"]) == (StateType.FAILED, 2)
    assert (again.state_type, again.value) == (StateType.COMPLETED, "'Ada none 1'")
    assert (project.path / "notes").read_text() == "Ada\n"


def test_a_run_like_another_has_its_arguments_secrets_included(home: Home, project: Project, flows: str) -> None:
    first = ended(home, run(home, project, flows, name="Ada", token="hunter2"))

    answer = ask(home, "rerun", run_id=first.id, parameters={"name": "Bob"}, tags=["y"])
    second = ended(home, answer["run_id"])

    assert second.id != first.id
    assert (second.value, second.tags) == ("'Bob hunter2 1'", ["x", "y"])
    assert "hunter2" not in str(second.parameters)
    connection = open_reader(home.database)
    assert "hunter2" not in str(connection.execute("SELECT * FROM request").fetchall())
    connection.close()


def test_a_wish_about_a_run_that_has_moved_on_is_refused(home: Home, project: Project, flows: str) -> None:
    (project.path / "broken").touch()
    found = ended(home, run(home, project, flows))

    for verb in ("retry", "rerun", "cancel", "kill", "pause", "resume"):
        error = refused(home, verb, run_id=found.id, state_version=found.state_version - 1)
        assert error.kind == "stale", verb
        assert found.name in error.message


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({}, "bad_request", "a `deployment`, or a `file` or `module`"),
        ({"deployment": "nightly"}, "not_found", "flowctl deploy"),
        ({"deployment": 7}, "bad_request", "'deployment' has to be a text"),
        ({"file": "greet.py", "flow": "greet"}, "bad_request", "whole path"),
        ({"file": "/nowhere.py", "flow": "greet"}, "not_found", "cannot be read"),
        ({"file": "/dev/null"}, "bad_request", "'flow' has to be a text"),
        ({"module": "a.b", "flow": "f", "parameters": [1]}, "bad_request", "has to be an object"),
        ({"module": "a.b", "flow": "f", "parameters": {"*like": "x"}}, "bad_request", "no parameter's name"),
        ({"module": "a.b", "flow": "f", "parameters": {"x": "y" * (1 << 20)}}, "bad_request", "1 MiB"),
        ({"module": "a.b", "flow": "f", "tags": "x"}, "bad_request", "list of texts"),
        ({"module": "a.b", "flow": "f", "tags": ["x"] * 101}, "bad_request", "at most 100 tags"),
        ({"module": "a.b", "flow": "f", "name": "x" * 300}, "bad_request", "at most 200 characters"),
        ({"module": "a.b", "flow": "f", "at": "tomorrow"}, "bad_request", "is no time"),
        ({"module": "a.b", "flow": "f", "at": "2026-11-23T14:00:00"}, "bad_request", "names no time zone"),
        ({"module": "a.b", "flow": "f", "at": "2999-11-23T14:00:00Z"}, "bad_request", "too far away"),
    ],
)
def test_a_senseless_wish_for_a_run_is_refused_and_makes_none(
    home: Home, fields: dict[str, object], kind: str, words: str
) -> None:
    error = refused(home, "run", **fields)

    assert (error.kind, words in error.message) == (kind, True), error.message
    with Reader.open(home) as reader:
        assert reader.runs() == []


def test_what_cannot_be_run_again_is_refused_with_the_reason(home: Home) -> None:
    write_journal(home, an_id(1), [*a_run(an_id(1)), flow_created(a_subflow_id(1, 1), run=1, parent_run=0)])
    nested = {"file": "/p/etl.py", "flow": "main.<locals>.etl", "module": "etl"}
    records = [record for record in a_run(an_id(2), ends="FAILED") if type(record).__name__ != "FlowRunCreated"]
    write_journal(home, an_id(2), [records[0], flow_created(an_id(2), source=nested), *records[1:]])
    once(lambda: _is_known(home, an_id(1)) and _is_known(home, an_id(2)), "the runs")

    assert "nothing to retry" in refused(home, "retry", run_id=an_id(1)).message
    assert "is a subflow" in refused(home, "rerun", run_id=a_subflow_id(1, 1)).message
    assert "made inside a function" in refused(home, "rerun", run_id=an_id(2)).message
    assert refused(home, "rerun", run_id=an_id(9)).kind == "not_found"
    assert refused(home, "rerun").kind == "bad_request"


def _is_known(home: Home, run_id: str) -> bool:
    with Reader.open(home) as reader:
        return any(found.id == run_id and found.is_final for found in reader.runs())
