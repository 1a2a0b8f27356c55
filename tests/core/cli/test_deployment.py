"""`flowctl deploy` and `flowctl deployment …` against a daemon of the home."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from flowctl.core.daemon.client import Client
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.cli.conftest import Say
from tests.core.daemon.waiting import once

FLOWS = """
from flowctl import flow, task, Cron

@flow(log_prints=True)
def etl(day: str = "none", limit: int = 3):
    "Moves things about."
    print("moving", day, limit)
    return limit

@flow
def needs(x: int):
    return x

@flow
def fails():
    raise ValueError("no luck")

@flow(schedule=Cron("0 4 * * *", timezone="Europe/Berlin"))
def timed():
    pass
"""


@pytest.fixture(autouse=True)
def no_daemon_left(home: Home) -> Generator[None, None, None]:
    """End the daemon that the commands started."""
    yield
    if find_holder(home) is not None:
        with Client.connect(home, start=False) as client:
            client.ask("stop")
        once(lambda: find_holder(home) is None, "the end of the daemon")


@pytest.fixture
def flows(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project.path)
    return project.write("deployed_flows.py", FLOWS)


def plain(say: Say, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(say("deployment", "show", name, "--json").out)
    return found


def test_a_broken_file_is_shown_with_the_deployment_that_its_old_version_serves(say: Say, flows: Path) -> None:
    assert say("watch", "add", str(flows)).code == 0

    flows.write_text(FLOWS.replace("return limit", "return limit +"))
    once(lambda: "still serves" in say("deployment", "show", "timed").out, "the problem is seen")

    shown = say("deployment", "show", "timed").out
    assert "at 04:00, every day (Europe/Berlin)  next " in shown
    assert "file v1 still serves, loaded " in shown
    assert "▸  8 │     return limit +" in shown
    assert "│                   ^" in shown
    assert "+    return limit +" in shown
    problem = json.loads(say("deployment", "show", "timed", "--json").out)["flow_file"]
    assert (problem["version"], problem["is_old_version_serving"], problem["problem"]["line"]) == (1, True, 8)


@pytest.mark.usefixtures("flows")
def test_a_flow_is_deployed_shown_run_and_deleted(say: Say) -> None:
    deployed = say(
        *("deploy", "deployed_flows.py:etl", "--name", "nightly", "--cron", "0 2 * * *", "-z", "Europe/Berlin"),
        *("-p", "limit=5", "-p", "day={{ scheduled_time:%Y }}", "--tag", "x", "--overlap", "queue"),
    )
    listed = say("deployment", "ls")
    shown = plain(say, "nightly")
    ran = say("deployment", "run", "nightly", "-p", "limit=7", "--watch")
    asked = say("deployment", "delete", "nightly", "--yes")

    assert deployed.code == 0, deployed.err
    assert "nightly is deployed: " in deployed.out
    assert "at 02:00, every day (Europe/Berlin)  next " in deployed.out
    assert "nightly" in listed.out
    assert (shown["parameters"], shown["tags"], shown["overlap"]) == (
        {"limit": 5, "day": "{{ scheduled_time:%Y }}"},
        ["x"],
        "queue",
    )
    assert ran.code == 0, ran.err
    assert "moving 20" in ran.out
    assert " 7" in ran.out
    assert "is Completed" in ran.out
    assert asked.code == 0
    assert json.loads(say("deployment", "ls", "--json").out) == []


@pytest.mark.usefixtures("flows")
def test_a_run_that_is_watched_gives_its_exit_code(say: Say) -> None:
    say("deploy", "deployed_flows.py:fails")

    ran = say("deployment", "run", "fails", "--watch")

    assert ran.code == 1
    assert "is Failed" in ran.out


@pytest.mark.usefixtures("flows")
def test_the_schedules_of_the_flow_itself_are_taken_where_none_is_given(say: Say) -> None:
    say("deploy", "deployed_flows.py:timed")

    (schedule,) = json.loads(say("deployment", "show", "timed", "--json").out)["schedules"]
    assert (schedule["expression"], schedule["timezone"]) == ("0 4 * * *", "Europe/Berlin")


@pytest.mark.usefixtures("flows")
def test_a_schedule_is_changed_switched_off_and_taken_away(say: Say) -> None:
    say("deploy", "deployed_flows.py:etl", "--interval", "15m")

    changed = say("deployment", "set-schedule", "etl", "--cron", "0 5 * * *", "--catchup", "all")
    off = say("deployment", "set-schedule", "etl", "--off")
    gone = say("deployment", "set-schedule", "etl", "--remove")
    nothing = say("deployment", "set-schedule", "etl")

    assert "at 05:00, every day (UTC)" in changed.out
    assert "switched off" in off.out
    assert "no schedule" in gone.out
    assert (nothing.code, "Say what is to change" in nothing.err) == (2, True)


@pytest.mark.usefixtures("flows")
def test_a_deployment_is_paused_and_goes_on(say: Say) -> None:
    say("deploy", "deployed_flows.py:etl", "--cron", "0 5 * * *")

    assert say("deployment", "pause", "etl").out == "etl is paused.\n"
    assert say("deployment", "pause", "etl").out == "etl is paused already.\n"
    assert "paused" in say("deployment", "ls").out
    assert say("deployment", "resume", "etl").out == "etl goes on.\n"


@pytest.mark.usefixtures("flows")
def test_times_of_the_past_are_made_up_for(say: Say) -> None:
    say("deploy", "deployed_flows.py:etl", "--cron", "0 5 * * *")
    span = ("--from", "2026-01-01T00:00Z", "--to", "2026-01-03T12:00Z")

    tried = say("deployment", "backfill", "etl", *span, "--dry-run")
    done = say("deployment", "backfill", "etl", *span)
    again = say("deployment", "backfill", "etl", *span)

    assert "3 runs would be planned." in tried.out
    assert "3 runs are planned, one after the other." in done.out
    assert "Every time of that span has got its run." in again.out


@pytest.mark.usefixtures("flows")
@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["deploy", "deployed_flows.py:none"], 2, "none"),
        (["deploy", "deployed_flows.py:needs", "--cron", "0 1 * * *"], 2, "needs a value for 'x'"),
        (["deploy", "deployed_flows.py:etl", "-p", "limti=3"], 2, "Did you mean 'limit'"),
        (["deploy", "deployed_flows.py:etl", "--cron", "61 * * * *"], 2, "out of range"),
        (["deploy", "deployed_flows.py:etl", "--interval", "soon"], 2, "no length of time"),
        (["deploy", "deployed_flows.py:etl", "--overlap", "never"], 2, "'overlap' is one of"),
        (["deploy", "deployed_flows.py:etl", "--cron", "0 1 * * *", "-z", "Mars/Base"], 2, "no time zone"),
        (["deployment", "show", "nightly"], 5, "No deployment is called 'nightly'"),
        (["deployment", "run", "nightly"], 5, "No deployment is called 'nightly'"),
        (["deployment", "pause", "nightly"], 5, "No deployment is called 'nightly'"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(say: Say, words: list[str], code: int, part: str) -> None:
    said = say(*words)

    assert (said.code, part in said.err) == (code, True), said.err


@pytest.mark.usefixtures("flows")
def test_a_name_that_is_taken_needs_the_word_replace(say: Say) -> None:
    say("deploy", "deployed_flows.py:etl", "--name", "nightly")

    taken = say("deploy", "deployed_flows.py:fails", "--name", "nightly")
    replaced = say("deploy", "deployed_flows.py:fails", "--name", "nightly", "--replace")

    assert (taken.code, "--replace" in taken.err) == (2, True)
    assert replaced.code == 0


@pytest.mark.usefixtures("flows")
def test_without_a_daemon_a_wish_fails_where_none_is_to_be_started(say: Say) -> None:
    said = say("deploy", "deployed_flows.py:etl", "--no-daemon")

    assert said.code == 7
    assert "No daemon is running" in said.err


@pytest.mark.usefixtures("flows")
def test_a_schedule_in_the_place_of_others_keeps_their_zone(say: Say) -> None:
    say("deploy", "deployed_flows.py:etl", "--name", "nightly", "--cron", "0 2 * * *", "-z", "Europe/Berlin")

    changed = say("deployment", "set-schedule", "nightly", "--cron", "0 4 * * *")
    assert "at 04:00, every day (Europe/Berlin)  next " in changed.out
    moved = say("deployment", "set-schedule", "nightly", "--cron", "0 4 * * *", "-z", "Asia/Tokyo")
    assert "at 04:00, every day (Asia/Tokyo)" in moved.out
    span = ("--from", "2026-03-01T00:00+09:00", "--to", "2026-03-02T00:00+09:00")
    assert "Sun 2026-03-01 04:00 JST" in say("deployment", "backfill", "nightly", *span, "--dry-run").out


@pytest.mark.usefixtures("flows")
def test_a_run_with_a_parameter_that_cannot_be_is_refused_before_it_is_planned(say: Say) -> None:
    say("deploy", "deployed_flows.py:etl", "--name", "nightly")

    strange = say("deployment", "run", "nightly", "-p", "lmit=3")
    wrong = say("deployment", "run", "nightly", "-p", "limit=many")

    assert strange.code == wrong.code == 2
    assert "has no parameter 'lmit'. It has: day, limit." in strange.err
    assert "'limit' takes a whole number, not 'many'" in wrong.err
    assert say("runs", "--json").out.strip() == "[]"
