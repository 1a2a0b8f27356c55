"""How deployments are drawn: the list, the day, what could go wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from flowctl.store.plan_records import Overlap
from flowctl.tui.model.backfill import backfill_plan, count_words
from flowctl.tui.model.deploys_lines import (
    SORTS,
    deploy_columns,
    deploy_head,
    deploy_line,
    is_problem,
    load_bar,
    next_text,
    schedule_text,
    shorter,
    tally,
)
from flowctl.tui.model.form import Form
from flowctl.tui.model.glyphs import ASCII, UNICODE
from flowctl.tui.model.outlook_lines import check_lines, defaults_lines, fires_line, folded_checks, ribbon
from flowctl.tui.model.plans import Fire, Hour, ListedDeployment, Outlook
from flowctl.tui.model.run_plans import deployment_plan
from flowctl.tui.model.texts import plain, width_of
from tests.tui.model.planned_rows import NOW, a_deployment, a_schedule


def an_outlook(**fields: Any) -> Outlook:
    fires = tuple(Fire(at=NOW + timedelta(minutes=46, seconds=38, hours=n), slug="x") for n in range(8))
    usual: dict[str, Any] = {
        "deployment_id": 1,
        "version": 3,
        "timezone": "UTC",
        "fires": fires,
        "hours": (),
        "least_gap_s": 3600.0,
        "clock_changes": (),
        "at": NOW,
    }
    return Outlook(**{**usual, **fields})


def drawn(row: ListedDeployment, width: int) -> str:
    return plain(deploy_line(row, deploy_columns(width), NOW, is_cursor=True))


@pytest.mark.parametrize("width", [20, 30, 45, 56, 60, 71, 72, 80, 99, 109, 110, 136, 200])
def test_head_and_rows_are_never_wider_than_the_pane_and_say_name_and_schedule(width: int) -> None:
    row = a_deployment(a_schedule())

    assert width_of(deploy_head(deploy_columns(width))) <= width
    assert len(drawn(row, width)) <= width
    assert "etl" in drawn(row, width)


def test_a_row_says_when_it_fires_and_how_it_went() -> None:
    line = drawn(a_deployment(a_schedule()), 80)

    assert line.startswith("▸ ●  etl/hourly")
    assert "hourly at :50" in line
    assert "46:38" in line
    assert line.rstrip().endswith("95% 1m28")
    assert "✓✓✓✓✓✓✓✓✓✓" in line
    assert f"{(NOW + timedelta(minutes=46, seconds=38)).astimezone():%H:%M}  in 46:38" in drawn(
        a_deployment(a_schedule()), 136
    )


@pytest.mark.parametrize(
    ("row", "text", "sign"),
    [
        (a_deployment(a_schedule(), paused=True), "off", "○"),
        (a_deployment(a_schedule(active=False)), "off", "○"),
        (a_deployment(), "—", "–"),
        (a_deployment(a_schedule(), problem="Its file is gone."), "rests", "✗"),
        (a_deployment(a_schedule(next_at=NOW + timedelta(days=5, hours=12))), "5d12h", "●"),
        (a_deployment(a_schedule(next_at=NOW + timedelta(hours=9, minutes=56))), "9h56", "●"),
    ],
)
def test_off_by_hand_broken_and_far_away_are_told_apart_without_colour(
    row: ListedDeployment, text: str, sign: str
) -> None:
    assert next_text(row, NOW, 9)[0] == text
    assert drawn(row, 80)[2] == sign


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("every hour at minute 7", "hourly at :07"),
        ("at 14:30, on Monday to Friday", "weekdays 14:30"),
        ("at 00:00, every day", "daily 00:00"),
        ("at 03:00, on Sunday", "Sundays 03:00"),
        ("every 5 minutes", "every 5 min"),
        ("by the rule FREQ=DAILY", "by the rule FREQ=DAILY"),
        ("by the rule FREQ=WEEKLY;BYDAY=SU;BYHOUR=3;BYMINUTE=0", "Sundays 03:00"),
        ("by the rule FREQ=DAILY;BYHOUR=14;BYMINUTE=5", "daily 14:05"),
        ("by the rule FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=3;BYMINUTE=0",) * 2,
    ],
)
def test_common_schedules_are_said_as_a_person_would(words: str, said: str) -> None:
    assert shorter(words) == said


def test_a_schedule_whose_words_are_too_long_is_shown_as_it_was_written() -> None:
    row = a_deployment(a_schedule(), words="at minute 50 of every hour from 8 to 18 on weekdays")

    assert schedule_text(row, 16) == "50 * * * *"
    assert schedule_text(a_deployment(a_schedule(), a_schedule(id=2)), 30) == "hourly at :50 +1"


@pytest.mark.parametrize(("load", "bar"), [(None, "░░░"), (0.0, "░░░"), (0.02, "▃░░"), (0.18, "█▂░"), (1.0, "███")])
def test_the_load_is_seen_from_small_shares_on(load: float | None, bar: str) -> None:
    assert plain(load_bar(load)) == bar


def test_the_day_shows_what_fired_the_present_and_what_is_to_come() -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0)
    hours = [
        Hour(at=midnight + timedelta(hours=n), has_fired=n in (8, 12), was_skipped=n == 10, will_fire=n in (14, 16, 23))
        for n in range(24)
    ]

    assert plain(ribbon(hours, NOW, "UTC", width=70)) == "00 ···· 04 ···· 08 ┊·»· 12 ┊·▲╎· 16 ╎··· 20 ···╎ 24"
    assert plain(ribbon(hours, NOW, "UTC", width=70, glyphs=ASCII)).isascii()
    assert ribbon(hours, NOW, "UTC", width=20) == ()


def test_the_next_fires_stand_in_one_line_as_many_as_fit() -> None:
    often = tuple(Fire(at=NOW + timedelta(seconds=5 * n), slug="x") for n in range(1, 9))
    uneven = (*an_outlook().fires[:2], Fire(at=NOW + timedelta(hours=9), slug="x"))

    assert plain(fires_line(an_outlook(), NOW, 80)) == (
        " 14:50 in 46:38   15:50   16:50   17:50   18:50   then every hour"
    )
    assert plain(fires_line(an_outlook(), NOW, 50)) == " 14:50 in 46:38   15:50   16:50   then every hour"
    assert plain(fires_line(an_outlook(fires=often, least_gap_s=5.0), NOW, 60)) == (
        " 14:03:27 in 0:05   14:03:32   then every 5 seconds"
    )
    assert plain(fires_line(an_outlook(fires=uneven), NOW, 80)) == " 14:50 in 46:38   15:50   23:03"


def test_what_could_go_wrong_is_folded_between_words_and_said_whole() -> None:
    early = check_lines(a_deployment(a_schedule()), an_outlook(least_gap_s=300.0))
    lines = folded_checks(early, 40)

    assert max(map(width_of, lines)) <= 40
    assert " ".join(" ".join(map(plain, lines)).split()) == " ".join(" ".join(map(plain, early)).split())


def test_an_overlap_to_come_is_warned_of_in_the_words_of_the_policy() -> None:
    fine = [plain(line) for line in check_lines(a_deployment(a_schedule()), an_outlook())]
    early = [
        plain(line)
        for line in check_lines(a_deployment(a_schedule(), overlap=Overlap.QUEUE), an_outlook(least_gap_s=300.0))
    ]

    assert fine == [
        " ✓ worst of 20 runs took 9m40: no overlap (policy: skip)",
        " ✓ 24 runs a day · busy 2 % of the time",
    ]
    assert early[0] == " ! worst of 20 runs took 9m40, fires come 5m apart: one that comes too early waits"


def test_what_is_wrong_stands_before_what_could_become_so() -> None:
    row = a_deployment(a_schedule(problem="It needs a value for day."), problem="Its file is gone.")
    outlook = an_outlook(clock_changes=("28 Mar 2027 02:50 does not exist (clocks go forward): skipped",))

    lines = check_lines(row, outlook)

    assert [plain(line)[:3] for line in lines] == [" ✗ ", " ✗ ", " ! ", " ✓ ", " ✓ "]
    assert lines[0][0][1] == "failed"


def test_defaults_say_the_deployments_own_values_first() -> None:
    row = a_deployment(a_schedule(parameters={"day": "today"}), parameters={"full": True})

    (line,) = defaults_lines(row, 80)

    assert plain(line).split("      ")[:3] == [" full = true", 'day = "today" (by schedule)', "tags: etl, prod"]


def test_deployments_are_counted_and_sorted() -> None:
    rows = [a_deployment(a_schedule()), a_deployment(a_schedule(), paused=True), a_deployment()]

    assert tally(rows) == "1 on · 1 off · 1 manual"
    assert [row.is_on for row in sorted([rows[2], *rows[:2]], key=SORTS["next"])] == [True, False, None]
    assert is_problem(replace(rows[0], latest=rows[0].latest[:7]))
    assert not is_problem(rows[0])


def test_a_run_of_a_deployment_sends_only_what_was_typed() -> None:
    form = Form(deployment_plan(a_deployment(a_schedule(), parameters={"full": True})), lambda: NOW)
    form.move(1)
    form.paste("7")

    verb, fields = form.wish()

    assert (verb, fields) == ("run", {"deployment": "etl/hourly", "parameters": {"day": 7}})
    assert form.command() == "flowctl deployment run etl/hourly -p day=7"
    assert form.fields[0].default is True


def test_a_backfill_sends_the_span_and_the_version_that_was_seen() -> None:
    form = Form(backfill_plan(a_deployment(a_schedule())), lambda: NOW)

    verb, fields = form.wish()

    assert verb == "deployment_backfill"
    assert datetime.fromisoformat(str(fields["start"])) == NOW.replace(microsecond=0) - timedelta(days=1)
    assert fields["version"] == 3
    assert "slug" not in fields


def test_what_a_backfill_would_plan_is_counted_in_words() -> None:
    times = [{"at": (NOW + timedelta(hours=n)).isoformat()} for n in range(5)]

    assert count_words([], 0, NOW) == "every time of that span has got its run"
    assert count_words(times[:1], 0, NOW).startswith("1 run: ")
    assert count_words(times, 2, NOW).endswith(", 2 more are left for another time")
    assert UNICODE.cut in count_words(times, 0, NOW)
