"""Catching up: who lives, who crashed, and what is on record of both."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowctl.store import catchup, ingest, liveness
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import Record, encode
from flowctl.store.liveness import is_alive
from flowctl.store.locks import run_lock_if_free
from flowctl.store.queries import Reader
from flowctl.store.states import StateType
from tests.store.databases import assert_all_sound, contents_of, is_active, the_run
from tests.store.journals import (
    NOON,
    a_run,
    a_subflow_id,
    a_task,
    an_id,
    encoded,
    flow_created,
    flow_state,
    many_runs,
    opened,
    task_created,
    task_state,
    write_journal,
)

RUN = an_id(1)
_IMPORTS = "import sys; from flowctl.store.home import Home; from flowctl.store.catchup import catch_up"


@contextmanager
def held(home: Home, run_id: str = RUN) -> Generator[None, None, None]:
    """Be the living process of a run."""
    with Path(home.run_lock(run_id)).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_run_that_is_over_is_on_record_and_no_longer_active(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN))

    catch_up(home)

    assert the_run(home, RUN).state_type is StateType.COMPLETED
    assert not is_active(home, RUN)
    assert_all_sound(home)


def test_a_living_run_is_on_record_up_to_now_and_stays_active(home: Home) -> None:
    records = a_run(RUN)
    write_journal(home, RUN, records[:6])

    with held(home):
        assert is_alive(home, RUN)
        catch_up(home)
        early = the_run(home, RUN)
        write_journal(home, RUN, records[6:], first_sequence=6)
        catch_up(home)
        late = the_run(home, RUN)
        still_active = is_active(home, RUN)
    catch_up(home)

    assert (early.state_type, early.task_counts) == (StateType.RUNNING, {"Completed": 1})
    assert (late.state_type, late.task_counts) == (StateType.COMPLETED, {"Completed": 3})
    assert still_active
    assert not is_active(home, RUN)


def test_a_killed_run_crashed_at_its_last_record_and_keeps_its_completed_tasks(home: Home) -> None:
    records: list[Record] = [
        *a_run(RUN, tasks=2, ends=None),
        flow_created(a_subflow_id(1, 1), at=NOON + 9_000, run=1, parent_run=0),
        *(task_created(3, at=NOON + 9_000, run=1), task_state(3, "RUNNING", at=NOON + 9_001)),
    ]
    write_journal(home, RUN, records, tail=encode(99, records[-1])[:-3])

    catch_up(home)

    run = the_run(home, RUN)
    assert (run.state_type, run.state_name) == (StateType.CRASHED, "Crashed")
    assert run.message == "The process ended without a word (killed, or the machine went down)."
    assert run.ended_at is not None
    assert (run.ended_at - run.created_at).total_seconds() == 0.009001
    assert run.problem is None
    with Reader.open(home) as reader:
        assert [task.state_type for task in reader.task_runs(RUN)] == [StateType.COMPLETED] * 2
        (subflow,) = reader.subflows(RUN)
        (task,) = reader.task_runs(subflow.id)
        history = reader.state_history(RUN)
    assert (subflow.state_type, task.state_type) == (StateType.CRASHED, StateType.CRASHED)
    assert [state.name for state in history] == ["Pending", "Running", "Crashed"]
    assert not is_active(home, RUN)
    assert_all_sound(home)


def test_a_task_that_began_after_the_end_of_its_run_is_closed_when_the_process_is_gone(home: Home) -> None:
    records = a_run(RUN)
    write_journal(home, RUN, [*records, *a_task(8), task_created(9)])

    with held(home):
        catch_up(home)
        counts_alive = the_run(home, RUN).task_counts
    catch_up(home)

    assert counts_alive == {"Completed": 4, "Pending": 1}
    assert the_run(home, RUN).task_counts == {"Completed": 4, "Crashed": 1}
    assert the_run(home, RUN).state_type is StateType.COMPLETED


def test_a_run_that_ends_while_it_is_looked_at_did_not_crash(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    records = a_run(RUN)
    write_journal(home, RUN, records[:-1])
    look = liveness.is_alive

    def ends_now(home: Home, run_id: str) -> bool:
        write_journal(home, RUN, records[-1:], first_sequence=len(records) - 1)
        return look(home, run_id)

    monkeypatch.setattr(liveness, "is_alive", ends_now)

    catch_up(home)

    assert the_run(home, RUN).state_type is StateType.COMPLETED


def test_an_attempt_that_begins_while_the_last_one_is_looked_at_is_not_taken_for_dead(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = a_run(RUN, ends=None)
    write_journal(home, RUN, first)
    look = liveness.is_alive
    lock = Path(home.run_lock(RUN)).open("rb")  # noqa: SIM115

    def begins_now(home: Home, run_id: str) -> bool:
        alive = look(home, run_id)
        fcntl.flock(lock, fcntl.LOCK_EX)
        second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN), flow_state("RUNNING", run_count=2)]
        write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
        return alive

    with monkeypatch.context() as patch:
        patch.setattr(liveness, "is_alive", begins_now)
        catch_up(home)
    after_first_look = the_run(home, RUN)
    catch_up(home)

    assert (after_first_look.attempt, after_first_look.state_type) == (1, StateType.CRASHED)
    assert (the_run(home, RUN).attempt, the_run(home, RUN).state_type) == (2, StateType.RUNNING)
    assert is_active(home, RUN)
    lock.close()


def test_an_attempt_that_began_and_died_meanwhile_is_found_by_the_next_look(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = a_run(RUN)
    write_journal(home, RUN, first)
    look = liveness.is_alive

    def begins_and_dies(home: Home, run_id: str) -> bool:
        second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN)]
        write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
        return look(home, run_id)

    with monkeypatch.context() as patch:
        patch.setattr(liveness, "is_alive", begins_and_dies)
        catch_up(home)
    catch_up(home)

    assert (the_run(home, RUN).attempt, the_run(home, RUN).state_type) == (2, StateType.CRASHED)
    assert not is_active(home, RUN)


def test_the_process_that_looks_may_itself_run_the_flow(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN, ends=None))

    with held(home):
        thread = threading.Thread(target=catch_up, args=[home])
        thread.start()
        thread.join(20)

    assert not thread.is_alive()
    assert the_run(home, RUN).state_type is StateType.RUNNING


def test_who_looks_at_a_run_does_not_take_another_who_looks_for_its_process(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN))

    with run_lock_if_free(home, RUN) as is_free:
        assert is_free
        assert not is_alive(home, RUN)


def test_a_marker_goes_only_after_its_run_is_safely_on_record(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write_journal(home, RUN, a_run(RUN))
    seen: list[StateType] = []

    def look_first(home: Home, look: liveness.Look) -> None:
        seen.append(the_run(home, RUN).state_type)
        liveness.clear_marker(home, look)

    monkeypatch.setattr(catchup, "clear_marker", look_first)

    catch_up(home)

    assert seen == [StateType.COMPLETED]
    assert not is_active(home, RUN)


@pytest.mark.parametrize("left", ["marker", "folder", "lock", "empty journal", "first record"])
def test_a_run_killed_before_it_was_created_leaves_nothing(home: Home, left: str) -> None:
    home.ensure()
    Path(home.active_marker(RUN)).touch()
    if left != "marker":
        Path(home.run_folder(RUN)).mkdir()
    if left in ("lock", "empty journal", "first record"):
        Path(home.run_lock(RUN)).touch()
    if left in ("empty journal", "first record"):
        Path(home.journal(RUN, 1)).write_bytes(encoded([opened(RUN)]) if left == "first record" else b"")

    catch_up(home)

    assert not is_active(home, RUN)
    assert contents_of(home)["flow_run"] == []


def test_a_missing_lock_file_means_that_nobody_holds_it(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN, ends=None))
    Path(home.run_lock(RUN)).unlink()

    catch_up(home)

    assert the_run(home, RUN).state_type is StateType.CRASHED


def test_what_is_no_run_among_the_markers_is_left_alone(home: Home) -> None:
    home.ensure()
    strange = [Path(home.active) / name for name in (".DS_Store", "..%2f", "notes.txt")]
    for path in strange:
        path.touch()

    catch_up(home)

    assert all(path.exists() for path in strange)


def test_a_damaged_journal_stops_no_other(home: Home) -> None:
    write_journal(home, an_id(1), [*a_run(an_id(1), ends=None), flow_state("DANCING")])
    write_journal(home, an_id(2), a_run(an_id(2)))

    problems = catch_up(home)

    assert [look.run_id for look in problems] == [an_id(1)]
    assert the_run(home, an_id(2)).state_type is StateType.COMPLETED
    damaged = the_run(home, an_id(1))
    assert damaged.state_type is StateType.CRASHED
    assert "'DANCING'" in (damaged.problem or "")
    assert damaged.message == damaged.problem
    assert not is_active(home, an_id(1))


def test_a_journal_harmed_in_its_middle_is_told_from_one_that_was_cut_short(home: Home) -> None:
    path = Path(write_journal(home, RUN, a_run(RUN)))
    harmed = bytearray(path.read_bytes())
    place = len(encoded(a_run(RUN)[:8]))
    harmed[place + 12] ^= 0xFF
    path.write_bytes(harmed)

    problems = catch_up(home)

    assert [look.problem for look in problems] == [
        f"The journal is damaged at byte {place}; what follows could not be read."
    ]
    run = the_run(home, RUN)
    assert (run.state_type, run.message) == (StateType.CRASHED, problems[0].problem)


def test_a_journal_that_only_a_newer_flowctl_reads_waits_for_it(home: Home) -> None:
    write_journal(home, RUN, [opened(RUN, number=99), flow_created(RUN)])

    problems = catch_up(home)

    assert "its format is 99" in (problems[0].problem or "")
    assert is_active(home, RUN)


def test_without_a_home_there_is_nothing_to_catch_up_with(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "nowhere"))

    assert catch_up(home) == []

    assert not Path(home.path).exists()


def test_a_fresh_home_without_runs_needs_no_database(home: Home) -> None:
    home.ensure()

    catch_up(home)

    assert not Path(home.database).exists()


def test_many_journals_and_long_ones_come_in_by_several_transactions(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 7)
        write_journal(each, an_id(9), a_run(an_id(9), tasks=300))
    catch_up(other)
    monkeypatch.setattr(catchup, "_RECORDS_A_COMMIT", 50)
    monkeypatch.setattr(ingest, "STRETCH_BYTES", 1000)

    catch_up(home)

    assert contents_of(home) == contents_of(other)
    assert list(Path(home.active).iterdir()) == []
