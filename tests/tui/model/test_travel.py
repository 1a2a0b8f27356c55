"""How a run stood at an instant of the past."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from flowctl.tui.model.travel import detail_at, moments_of, moments_of_runs, rows_at, task_at
from tests.tui.model.snapshots_made import a_detail, a_listed, a_run, a_task, a_try, at

RETRIED = a_task(1, "fetch", "completed", tries=[a_try(1, 1, 2, failed=True), a_try(2, 5, 8)])


def test_a_task_was_waiting_running_retrying_and_done_in_turn() -> None:
    def word(seconds: float) -> str:
        past = task_at(RETRIED, at(seconds))
        assert past is not None
        return past.state_name

    assert task_at(RETRIED, at(-1)) is None
    assert [word(s) for s in (0.5, 1, 1.5, 2, 4, 5, 7.9, 8)] == [
        "Pending", "Running", "Running", "AwaitingRetry", "AwaitingRetry", "Running", "Running", "Completed",
    ]  # fmt: skip


def test_a_wait_of_the_past_is_due_when_the_next_try_began() -> None:
    past = task_at(RETRIED, at(3))

    assert past is not None
    assert past.due_at == at(5)
    assert past.ended_at is None
    assert len(past.attempts) == 1


def test_what_came_later_is_not_there_yet() -> None:
    late = a_task(2, "load", created=9, tries=[a_try(1, 9, 10)])
    detail = a_detail([RETRIED, late], run=a_run("completed", started_at=at(0), ended_at=at(11)))

    past = detail_at(detail, at(4))

    assert list(past.tasks) == [1]
    assert past.run.task_counts == {"AwaitingRetry": 1}
    assert past.run.state_name == "Running"
    assert past.run.ended_at is None
    assert list(detail_at(detail, at(11)).tasks) == [1, 2]
    assert detail_at(detail, at(11)).run.state_name == "Completed"


def test_every_event_is_a_moment_once_and_in_order() -> None:
    detail = a_detail([RETRIED], run=a_run("completed", started_at=at(0), ended_at=at(11)))

    assert [m for m in moments_of(detail) if m <= at(8)] == [at(0), at(1), at(2), at(5), at(8)]


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4), st.floats(-1, 101))
def test_a_past_task_never_knows_what_came_after(times: list[float], when: float) -> None:
    first, second, third, last = sorted(times)
    task = a_task(1, tries=[a_try(1, first, second, failed=True), a_try(2, third, last)], created=0)
    past = task_at(task, at(when))

    if past is not None:
        moments = [each.started_at for each in past.attempts] + [each.ended_at for each in past.attempts]
        assert all(moment is None or moment <= at(when) for moment in (*moments, past.ended_at))


def test_a_list_of_the_past_has_what_was_made_by_then_in_the_state_of_then() -> None:
    old = a_listed(1, "completed", created=0)
    old = replace(old, run=replace(old.run, started_at=at(1), ended_at=at(5)))
    new = a_listed(2, "running", created=7)

    assert [(row.run.name, row.run.state_name) for row in rows_at([new, old], at(3))] == [("run-1", "Running")]
    assert [row.run.state_name for row in rows_at([new, old], at(6))] == ["Completed"]
    assert moments_of_runs([old])[:3] == [at(0), at(1), at(5)]
