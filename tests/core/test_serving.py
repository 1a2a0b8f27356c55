"""What `serve` and `deploy` take, in flowctl's words and in Prefect's; no daemon is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from flowctl import Cron, CronSchedule, Interval, RRule, flow, serve
from flowctl.core.authoring import port
from flowctl.core.authoring.serving import Deployable


@flow(schedule=Cron("0 1 * * *"))
def etl(day: str = "today", n: int = 1) -> None:
    """Load it."""


class Recorded:
    """In the place of the daemon."""

    def __init__(self) -> None:
        self.served: list[Deployable] = []

    def deploy(self, deployables: Any) -> None:
        self.served += deployables

    def serve(self, deployables: Any, *, pause_on_shutdown: bool) -> None:
        assert pause_on_shutdown
        self.served += deployables


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Deployable]:
    recorded = Recorded()
    monkeypatch.setattr(port, "server", lambda: recorded)
    return recorded.served


def schedules(**options: Any) -> list[str]:
    return [repr(each) for each in etl.to_deployment("x", **options).schedules]


def test_schedules_are_taken_in_every_form_that_prefect_has() -> None:
    zone = "Europe/Berlin"

    assert schedules(cron="0 2 * * *", timezone=zone) == ["Cron('0 2 * * *', timezone='Europe/Berlin')"]
    assert schedules(cron=["0 2 * * *", "0 3 * * *"]) == ["Cron('0 2 * * *')", "Cron('0 3 * * *')"]
    assert schedules(interval=timedelta(minutes=1)) == schedules(interval=60) == ["Interval('60')"]
    assert schedules(interval=[60, timedelta(hours=1)]) == ["Interval('60')", "Interval('3600')"]
    assert schedules(rrule="FREQ=DAILY") == ["RRule('FREQ=DAILY')"]
    assert schedules(schedule=Interval(minutes=5)) == ["Interval('300')"]
    assert schedules(schedules=[CronSchedule(cron="0 4 * * *", timezone=zone), RRule("FREQ=DAILY")]) == [
        "Cron('0 4 * * *', timezone='Europe/Berlin')",
        "RRule('FREQ=DAILY')",
    ]
    assert schedules() == ["Cron('0 1 * * *')"], "those of the decorator, where none are given"


def test_a_schedule_may_be_an_object_with_words_of_its_own() -> None:
    plain = {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "active": False, "parameters": {"n": 2}, "slug": "two"}
    wrapped = {"schedule": Interval(hours=1), "active": False, "slug": "hourly"}
    both = {"schedule": {"rrule": "FREQ=DAILY"}, "slug": "rule"}

    first, second, third = etl.to_deployment("x", schedules=[plain, wrapped, both]).schedules

    assert (first.timezone, first.active, first.parameters, first.slug) == ("Europe/Berlin", False, {"n": 2}, "two")
    assert (second.expression, second.active, second.slug) == ("3600", False, "hourly")
    assert (third.kind, third.slug) == ("rrule", "rule")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"schedules": [{"cron": "0 2 * * *", "interval": 5}]}, "has one of"),
        ({"schedules": [{"slug": "none"}]}, "has one of"),
        ({"schedules": [{"cron": "0 2 * * *", "colour": "red"}]}, "cannot be meant"),
        ({"schedules": ["0 2 * * *"]}, r"Cron\(…\)"),
        ({"cron": "0 2 * * *", "schedule": Cron("0 2 * * *")}, "same name"),
        ({"cron": "0 2 30 2 *"}, "never fires"),
        ({"cron": "0 2 * * *", "timezone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ({"limit": 0}, "whole number from 1"),
        ({"overlap": "pile-up"}, "`overlap` is one of"),
        ({"parameters": {"m": 1}}, "no parameter 'm'"),
        ({"colour": "red"}, "no option 'colour'"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_written(options: dict[str, Any], part: str) -> None:
    with pytest.raises((TypeError, ValueError), match=part):
        etl.to_deployment("x", **options)


def test_a_limit_goes_by_any_of_its_names_and_says_what_becomes_of_further_runs() -> None:
    def limit(**options: Any) -> tuple[int | None, str]:
        made = etl.to_deployment("x", **options)
        return made.limit, made.overlap

    assert limit() == (None, "skip")
    assert limit(limit=2) == (2, "skip")
    assert limit(concurrency_limit=2) == limit(global_limit=2) == (2, "queue")
    assert limit(concurrency_limit=2, overlap="allow") == (2, "allow")
    new = SimpleNamespace(limit=3, collision_strategy=SimpleNamespace(value="CANCEL_NEW"))
    assert limit(concurrency_limit=new) == (3, "skip")
    assert limit(concurrency_limit={"limit": 4, "collision_strategy": "ENQUEUE"}) == (4, "queue")


def test_what_means_nothing_on_one_machine_is_named_with_the_reason() -> None:
    made = etl.to_deployment(
        "x", work_pool_name="pool", image="etl:1", version="7", triggers=[], print_next_steps=True, push=False
    )

    assert dict(made.left_out) == {
        "work_pool_name": "runs are processes of this machine",
        "image": "runs are processes of this machine",
        "version": "versions are counted by the file's content",
    }


def test_flows_are_served_together_and_one_limit_holds_for_those_without_their_own(served: list[Deployable]) -> None:
    serve(etl, etl.to_deployment("mine", limit=5, tags=["b", "a"], description="d"), limit=2)
    etl.serve("alone", interval=60, anchor_date=datetime(2026, 1, 1, tzinfo=UTC), pause_on_shutdown=True)

    assert [(each.name, each.limit, each.tags, each.description) for each in served] == [
        ("etl", 2, [], "Load it."),
        ("mine", 5, ["a", "b"], "d"),
        ("alone", None, [], "Load it."),
    ]
    with pytest.raises(TypeError, match="serve\\(\\) takes flows"):
        serve("etl.py")  # type: ignore[arg-type]  # users err


def test_a_deployment_from_code_gives_its_name(served: list[Deployable]) -> None:
    assert etl.deploy("nightly", cron="0 2 * * *", job_variables={"env": {}}) == "nightly"
    assert etl.deploy() == "etl"
    assert [each.name for each in served] == ["nightly", "etl"]
