"""What needs a person: in which order it is walked, and how it is told."""

from __future__ import annotations

from dataclasses import replace

from flowctl.store.errors import ErrorReport
from flowctl.tui.model.glyphs import UNICODE
from flowctl.tui.model.needs import need_lines, needs_of, next_need
from flowctl.tui.model.plans import Ahead, BrokenFile
from flowctl.tui.model.runs_lines import why
from flowctl.tui.model.snapshots import Counts, ListedRun
from flowctl.tui.model.texts import plain, width_of
from tests.tui.model.snapshots_made import START, a_listed, at

BROKEN = BrokenFile(path="/f/crm.py", problem="SyntaxError", has_good=True, checked_at=START)
ERROR = ErrorReport(type_name="ValueError", module="builtins", text="no such table: sales")


def the_counts(*problems: ListedRun) -> Counts:
    return Counts(
        words={}, total=9, hours=(), p50_s=None, p95_s=None, ok_ratio=None, problems=problems, version=1, at=START
    )


def the_ahead(*waiting: ListedRun) -> Ahead:
    return Ahead(next_up=(), broken=(BROKEN,), kept_waiting=waiting, deployments=0, firing=0, at=START)


def test_failures_nobody_looked_at_then_broken_files_then_runs_kept_waiting_are_walked_around_both_ends() -> None:
    new, seen, stuck = a_listed(3, "failed"), a_listed(2, "crashed"), a_listed(1, "queued")

    needs = needs_of(the_counts(new, seen), the_ahead(stuck), {seen.id: seen.run.state_version})

    assert [need.key for need in needs] == [new.id, "/f/crm.py", stuck.id]
    walked: list[str] = []
    here = None
    for _ in range(4):
        need = next_need(needs, here, 1)
        assert need is not None
        walked.append(here := need.key)
    assert walked == [new.id, "/f/crm.py", stuck.id, new.id]
    back = next_need(needs, new.id, -1)
    assert back is not None
    assert back.key == stuck.id
    assert next_need(needs[:1], new.id, 1) is None


def test_a_run_that_failed_again_since_it_was_looked_at_is_new() -> None:
    again = a_listed(1, "failed", state_version=7)

    assert needs_of(the_counts(again), None, {again.id: 6})
    assert not needs_of(the_counts(again), None, {again.id: 7})


def test_each_need_is_one_line_that_fits_and_failures_of_one_flow_are_counted() -> None:
    stuck = a_listed(4, "queued", flow="train_model", message="Waits: a run of deployment ml/train still under way.")
    problems = [a_listed(key, "failed", flow="report_pdf", error=ERROR) for key in (3, 2)]
    needs = needs_of(the_counts(*problems), the_ahead(stuck), {})

    lines = need_lines(needs, 52, 4, UNICODE, at(100))

    assert [plain(line).rstrip() for line in lines] == [
        "✗ report_pdf     ValueError: no such tabl… · 2 times",
        "! crm.py broken, an older version serves",
        "◌ train_model    queued 1m36: a run of deployment m…",
    ]
    assert {width_of(line) for line in lines} == {52}


def test_needs_there_is_no_room_for_are_counted() -> None:
    problems = [a_listed(key, "failed", flow=f"flow_{key}") for key in range(6)]

    lines = need_lines(needs_of(the_counts(*problems), None, {}), 40, 4, UNICODE, START)

    assert [plain(line).split()[:2] for line in lines[2:]] == [["✗", "flow_2"], ["…", "3"]]
    assert len(lines) == 4


def test_a_run_that_failed_because_a_task_did_says_why_that_one_failed() -> None:
    error = ErrorReport(type_name="UnfinishedRun", module="flowctl", text="its result is not available")
    row = replace(a_listed(1, "failed", error=error), cause="Task run encountered an exception TimeoutError: too late")

    assert why(row, START, None) == "TimeoutError: too late"


def test_with_nothing_to_do_it_says_so() -> None:
    assert "nothing" in plain(need_lines((), 40, 4, UNICODE, START)[0])


def test_a_process_that_was_killed_is_named_by_its_signal() -> None:
    assert why(a_listed(1, "crashed", exit_code=-9), START, None) == "SIGKILL (memory?)"
    assert why(a_listed(1, "crashed", exit_code=-99), START, None) == "signal 99"
