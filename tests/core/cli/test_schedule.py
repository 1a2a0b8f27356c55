"""`flowctl schedule preview`: words, times and marks, with no daemon."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from flowctl.core.authoring.schedules import read_length
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from tests.core.cli.conftest import Say


def test_times_are_shown_in_the_zone_and_in_utc_and_days_of_clock_changes_are_marked(say: Say) -> None:
    said = say(
        "schedule", "preview", "30 2 * * *", "-z", "Europe/Berlin", "-n", "2", "--from", "2026-03-28T00:00+01:00"
    )

    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0] == "At 02:30, every day (Europe/Berlin)"
    assert lines[2] == "Europe/Berlin UTC"
    assert lines[3].startswith("Sat 2026-03-28 02:30 +0100 2026-03-28 01:30")
    assert lines[4] == "Sun 2026-03-29 03:00 +0200 2026-03-29 01:00 clocks +1 h; 02:30 does not exist"


def test_machines_get_json(say: Say) -> None:
    said = say(
        "schedule", "preview", "0 * * * *", "-z", "America/New_York", "-n", "3", "--from", "2026-11-01T05:00Z", "--json"
    )

    found = json.loads(said.out)
    assert (found["kind"], found["words"]) == ("cron", "every hour (America/New_York)")
    assert [each["local"] for each in found["times"]] == [
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T01:00:00-05:00",
        "2026-11-01T02:00:00-05:00",
    ]
    assert [each["clock_change"] for each in found["times"]] == ["clocks -1 h"] * 3


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("90m", "Every 90 minutes"),
        ("900", "Every 15 minutes"),
        ("1d", "Every day"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "By the rule FREQ=MONTHLY;BYDAY=-1FR"),
        ("@daily", "At 00:00, every day (UTC)"),
    ],
)
def test_intervals_and_rules_are_told_from_cron_lines(say: Say, expression: str, words: str) -> None:
    said = say("schedule", "preview", expression, "-n", "1")

    assert said.code == 0
    assert said.out.splitlines()[0] == words


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["0 0 30 2 *"], "never fires"),
        (["foo"], "has one field, not 5"),
        (["* * * * * *"], "seconds"),
        (["0 0 * * *", "-z", "Mars/Base"], "no time zone 'Mars/Base'"),
        (["0 0 * * *", "--from", "soon"], "is no time"),
        (["FREQ=DAILY;INTERVAL=0"], "INTERVAL=0"),
        (["0s"], "from one second"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence_and_exit_code_two(say: Say, words: list[str], part: str) -> None:
    said = say("schedule", "preview", *words)

    assert said.code == 2
    assert said.err.startswith("Error: ")
    assert part in said.err


def test_no_daemon_is_needed_nor_started(say: Say, home: Home) -> None:
    assert say("schedule", "preview", "0 0 * * *").code == 0

    assert find_holder(home) is None


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5d", timedelta(hours=36)),
        ("0 2 * * *", None),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, length: timedelta | None) -> None:
    assert read_length(text) == length
