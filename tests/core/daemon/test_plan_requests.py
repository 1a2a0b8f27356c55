"""Asking for deployments and schedules: what is made of it, and every wish that cannot be meant."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flowctl.core.authoring.secret_names import SECRET_NAMES
from flowctl.core.daemon import plan_requests
from flowctl.core.daemon.protocol import Refused
from flowctl.core.daemon.schedule_pass import step
from flowctl.store import plan_queries
from flowctl.store.plan_problems import DeploymentNotFound, NameTaken
from flowctl.store.plan_records import DeploymentRow, Overlap
from flowctl.store.writer import Store
from tests.conftest import Project
from tests.core.daemon.scheduled import waiting

SCHEMA = {
    "type": "object",
    "properties": {"day": {"type": "string"}, "limit": {"type": "integer", "default": 3}},
    "required": ["day"],
}


class Asked:
    """Has what requests about plans need of a daemon."""

    def __init__(self, store: Store, now: datetime, file: Path) -> None:
        self.store = store
        self.at = now
        self.file = file
        self.settings = SimpleNamespace(secret_names=SECRET_NAMES)
        self.watcher = None
        self.afterwards: list[Callable[[], None]] = []
        self.poked: list[str] = []

    def now(self) -> datetime:
        return self.at

    def poke(self, *names: str) -> None:
        self.poked += names

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        daemon: Any = self
        self.afterwards.clear()
        with self.store.transaction():
            answer = plan_requests.VERBS[verb](daemon, fields)
        for action in self.afterwards:
            action()
        return answer

    def deploy(self, **fields: Any) -> dict[str, Any]:
        """Deploy the flow `etl` as `nightly`, with what is given instead."""
        given = {
            "name": "nightly",
            "file": str(self.file),
            "flow": "etl",
            "python": sys.executable,
            "cwd": str(self.file.parent),
            "schedules": [{"expression": "0 * * * *"}],
        }
        return self.ask("deploy", **{**given, **fields})

    def refused(self, verb: str, **fields: Any) -> str:
        with pytest.raises(Refused) as caught:
            self.deploy(**fields) if verb == "deploy" else self.ask(verb, **fields)
        return str(caught.value)

    def found(self, name: str = "nightly") -> DeploymentRow:
        return plan_queries.deployment(self.store.connection, name)


@pytest.fixture
def asked(store: Store, noon: datetime, project: Project) -> Asked:
    return Asked(store, noon, project.write("etl.py", "").resolve())


def test_a_flow_is_deployed_with_its_schedules(asked: Asked) -> None:
    answer = asked.deploy(
        tags=["x", "x", "y"],
        parameters={"day": "today"},
        parameter_schema=SCHEMA,
        overlap="queue",
        run_limit=2,
        schedules=[
            {"expression": "0 2 * * *", "timezone": "Europe/Berlin", "catchup": "all", "slug": "night"},
            {"kind": "interval", "expression": "900", "parameters": {"limit": 1}},
        ],
    )

    found = asked.found()
    assert (answer["is_new"], answer["schedules"]) == (True, ["night", "interval 900"])
    assert (found.tags, found.parameters, found.overlap, found.run_limit) == (
        ["x", "y"],
        {"day": "today"},
        Overlap.QUEUE,
        2,
    )
    assert found.reference.file == str(asked.file)
    assert set(asked.poked) == {"schedule", "dispatch"}


def test_a_flow_that_is_deployed_again_keeps_the_schedules_that_are_not_spoken_of(asked: Asked) -> None:
    asked.deploy()

    answer = asked.deploy(schedules=None, tags=["x"])

    assert (answer["is_new"], answer["schedules"], asked.found().tags) == (False, ["0 * * * *"], ["x"])


def test_a_name_that_starts_another_flow_is_refused(asked: Asked, project: Project) -> None:
    asked.deploy()

    with pytest.raises(NameTaken):
        asked.deploy(file=str(project.write("other.py", "").resolve()))
    asked.deploy(file=str(project.write("other.py", "").resolve()), replace=True)

    assert asked.found().reference.file == str(project.path.resolve() / "other.py")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"name": ""}, "'name' has to be a text"),
        ({"name": "-x"}, "no hyphen before them"),
        ({"name": " x"}, "no blank around them"),
        ({"name": "x\n"}, "printable"),
        ({"name": "x" * 201}, "1 to 200"),
        ({"flow": "etl()"}, "no flow's name"),
        ({"flow": "etl.__class__"}, "no flow's name"),
        ({"file": "etl.py"}, "by its real path"),
        ({"file": "/flows/../etc/passwd"}, "by its real path"),
        ({"file": "/no/such/file.py"}, "There is no file"),
        ({"file": None}, "Say where the flow is"),
        ({"file": None, "module": "os;system"}, "Say where the flow is"),
        ({"python": "python3"}, "There is no interpreter"),
        ({"cwd": "/no/such/folder"}, "There is no folder"),
        ({"parameters": [1]}, "has to be an object"),
        ({"parameters": {"x": "y" * (1 << 20)}}, "may have 1 MiB"),
        ({"parameters": {"dya": 1}, "parameter_schema": SCHEMA}, "has no parameter 'dya'. It has: day, limit"),
        ({"tags": "x"}, "a list of texts"),
        ({"overlap": "sometimes"}, "one of skip, queue, cancel-old, allow"),
        ({"run_limit": 0}, "a number from 1"),
        ({"run_limit": True}, "a number from 1"),
        ({"paused": "yes"}, "true or false"),
        ({"schedules": "0 * * * *"}, "a list of objects"),
        ({"schedules": [{"expression": "61 * * * *"}]}, "out of range"),
        ({"schedules": [{"expression": "0 0 30 2 *"}]}, "never fires"),
        ({"schedules": [{"expression": "0 * * * *", "timezone": "Mars/Base"}]}, "no time zone"),
        ({"schedules": [{"expression": "0 * * * *"}] * 2}, "the same name"),
        (
            {"schedules": [{"expression": f"{each % 60} * * * *", "slug": str(each)} for each in range(101)]},
            "at most 100",
        ),
        ({"schedules": [{"expression": "," * 100_000}]}, "at most 256"),
        ({"parameter_schema": SCHEMA}, "needs a value for 'day'"),
        ({"parameter_schema": SCHEMA, "schedules": [{"expression": "0 * * * *", "parameters": {"dya": 1}}]}, "'dya'"),
    ],
)
def test_a_deployment_that_cannot_be_meant_is_refused_and_nothing_is_made(
    asked: Asked, fields: dict[str, Any], part: str
) -> None:
    assert part in asked.refused("deploy", **fields)
    assert plan_queries.deployments(asked.store.connection) == []


def test_a_file_behind_a_link_is_refused(asked: Asked) -> None:
    link = asked.file.parent / "link.py"
    link.symlink_to(asked.file)

    assert "without `..` and links" in asked.refused("deploy", file=str(link))


def test_a_required_parameter_may_come_from_the_schedule(asked: Asked) -> None:
    asked.deploy(
        parameter_schema=SCHEMA, schedules=[{"expression": "0 * * * *", "parameters": {"day": "{{ scheduled_time }}"}}]
    )

    step(asked.store, asked.at + timedelta(hours=1))

    (run,) = waiting(asked.store)
    assert run.arguments == {"day": "2026-03-02T13:00:00+00:00"}


def test_a_deployment_is_paused_and_goes_on(asked: Asked) -> None:
    asked.deploy()

    answers = [asked.ask(f"deployment_{verb}", deployment="nightly") for verb in ("pause", "pause", "resume")]

    assert [(each["paused"], each["changed"]) for each in answers] == [(True, True), (True, False), (False, True)]


def test_a_wish_about_a_deployment_that_has_changed_is_stale(asked: Asked) -> None:
    asked.deploy()
    seen = asked.found().version
    asked.deploy(tags=["x"])

    with pytest.raises(Refused) as caught:
        asked.ask("deployment_pause", deployment="nightly", version=seen)

    assert caught.value.kind == "stale"
    assert not asked.found().paused


def test_a_wish_about_a_deployment_that_is_not_there_is_answered_so(asked: Asked) -> None:
    with pytest.raises(DeploymentNotFound):
        asked.ask("deployment_pause", deployment="nightly")


def test_a_schedule_is_added_changed_and_put_in_the_place_of_all(asked: Asked) -> None:
    asked.deploy()

    added = asked.ask("set_schedule", deployment="nightly", schedule={"expression": "0 2 * * *", "slug": "night"})
    changed = asked.ask("set_schedule", deployment="nightly", schedule={"expression": "0 3 * * *", "slug": "night"})
    only = asked.ask("set_schedule", deployment="nightly", schedule={"expression": "0 4 * * *"}, only=True)

    assert [each["schedules"] for each in (added, changed, only)] == [
        ["0 * * * *", "night"],
        ["0 * * * *", "night"],
        ["0 4 * * *"],
    ]


def test_a_schedule_that_is_changed_keeps_what_is_not_spoken_of(asked: Asked) -> None:
    first = {"expression": "0 2 * * *", "timezone": "Asia/Tokyo", "catchup": "all", "active": False}
    asked.deploy(name="nightly", schedules=[first])

    asked.ask("set_schedule", deployment="nightly", schedule={"expression": "0 4 * * *", "catchup": None}, only=True)

    (kept,) = plan_queries.deployment(asked.store.connection, "nightly").schedules
    assert (kept.expression, kept.timezone) == ("0 4 * * *", "Asia/Tokyo")
    assert (kept.catchup.value, kept.active) == ("all", False)

    asked.ask("set_schedule", deployment="nightly", schedule={"expression": "0 5 * * *", "slug": "beside"})

    beside = plan_queries.deployment(asked.store.connection, "nightly").schedules[-1]
    assert (beside.timezone, beside.catchup.value, beside.active) == ("UTC", "latest", True)


def test_a_schedule_is_switched_and_taken_away(asked: Asked) -> None:
    asked.deploy()

    off = asked.ask("schedule_toggle", deployment="nightly", slug="0 * * * *")
    on = asked.ask("schedule_toggle", deployment="nightly", slug="0 * * * *", active=True)
    gone = asked.ask("schedule_delete", deployment="nightly", slug="0 * * * *")

    assert (off["active"], on["active"], gone["schedules"]) == (False, True, [])


def test_a_deleted_deployment_takes_the_runs_with_it_that_have_not_begun(asked: Asked) -> None:
    asked.deploy()
    (run_id,) = step(asked.store, asked.at + timedelta(hours=1)).runs

    answer = asked.ask("deployment_delete", deployment="nightly")

    query = "SELECT state_name, message FROM flow_run WHERE id = ?"
    assert answer["cancelled"] == 1
    assert asked.store.connection.execute(query, (run_id,)).fetchone() == (
        "Cancelled",
        "Its deployment 'nightly' was deleted.",
    )
    assert waiting(asked.store) == []


def backfill(asked: Asked, **fields: Any) -> dict[str, Any]:
    start = asked.at - timedelta(hours=4)
    return asked.ask(
        "deployment_backfill",
        **{"deployment": "nightly", "start": start.isoformat(), "end": asked.at.isoformat(), **fields},
    )


def test_a_backfill_plans_one_run_for_each_time_of_the_span_that_has_none(asked: Asked) -> None:
    asked.deploy(parameters={"day": "{{ scheduled_time:%H }}"})

    first, again = backfill(asked), backfill(asked)

    assert [each["at"][11:16] for each in first["occurrences"]] == ["08:00", "09:00", "10:00", "11:00", "12:00"]
    assert (again["occurrences"], again["run_ids"]) == ([], [])
    runs = waiting(asked.store)
    assert [run.run_id for run in runs] == first["run_ids"]
    assert [run.arguments["day"] for run in runs] == ["08", "09", "10", "11", "12"]
    assert {run.overlap for run in runs} == {Overlap.QUEUE}


def test_a_backfill_that_is_only_tried_plans_nothing(asked: Asked) -> None:
    asked.deploy()

    answer = backfill(asked, dry_run=True, limit=2)

    assert (len(answer["occurrences"]), answer["left"], answer["run_ids"]) == (2, 3, [])
    assert waiting(asked.store) == []


def test_a_backfill_makes_up_for_what_was_skipped_and_leaves_what_fired(asked: Asked) -> None:
    asked.deploy()
    asked.at += timedelta(hours=5)
    step(asked.store, asked.at)

    answer = backfill(asked)

    # The latest one was caught up by itself.
    assert [each["at"][11:16] for each in answer["occurrences"]] == ["13:00", "14:00", "15:00", "16:00"]
    found = plan_queries.occurrences(asked.store.connection, 1)
    assert {each.outcome.value for each in found} == {"fired", "queued"}


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"start": "yesterday"}, "is no time"),
        ({"start": "2030-01-01"}, "which is not before its end"),
        ({"start": "2020-01-01"}, "more than 1,000 occurrences"),
        ({"limit": 0.5}, "from 1 to 1,000"),
        ({"slug": "night"}, "no such schedule"),
    ],
)
def test_a_backfill_that_cannot_be_meant_is_refused(asked: Asked, fields: dict[str, Any], part: str) -> None:
    asked.deploy()

    with pytest.raises(Refused) as caught:
        backfill(asked, **fields)

    assert part in str(caught.value)


def test_times_to_come_are_not_backfilled(asked: Asked) -> None:
    asked.deploy()

    answer = backfill(asked, start=asked.at.isoformat(), end=datetime(2027, 1, 1, tzinfo=UTC).isoformat())

    assert [each["at"][11:16] for each in answer["occurrences"]] == ["12:00"]
