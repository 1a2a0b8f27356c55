"""Which planned runs are started when: order, limits, overlap, and what a new daemon finds of an old one's."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowctl.core.daemon import processes
from flowctl.core.daemon.cancel import kill
from flowctl.core.daemon.dispatch_pass import step
from flowctl.core.daemon.fork_server import IDLE_S
from flowctl.core.engine.slots import free_slots, take_slot
from flowctl.store.flow_files import keep_source
from flowctl.store.home import Home
from flowctl.store.limits import publish
from flowctl.store.planned_runs import plan_attempt
from tests.conftest import Project
from tests.core.daemon.stepped import Stepped

_MARKS = """
import os, time
from pathlib import Path
from flowctl import flow
@flow
def marks(word: str = "x", waits: bool = False):
    with open("marks", "a") as file:
        file.write(f"{word}\\n")
    while waits and not Path("go").exists():
        time.sleep(0.01)
    with open("ends", "a") as file:
        file.write(f"{word}\\n")
"""


@pytest.fixture
def file(project: Project) -> Path:
    return project.write("jobs.py", _MARKS)


def _words(project: Project, name: str = "marks") -> list[str]:
    file = project.path / name
    return file.read_text().split() if file.exists() else []


def _go(project: Project) -> None:
    (project.path / "go").touch()


def _under_way(stepped: Stepped) -> int:
    return int(stepped.one("SELECT count(*) FROM flow_run WHERE state_type = 'RUNNING'"))


def test_runs_start_by_priority_and_then_by_age(stepped: Stepped, project: Project, file: Path) -> None:
    stepped.limit("global", 1)
    now = datetime.now(UTC)
    runs = [
        stepped.plan(file, "marks", {"word": "young"}, due_at=now - timedelta(seconds=1)),
        stepped.plan(file, "marks", {"word": "old"}, due_at=now - timedelta(seconds=2)),
        stepped.plan(file, "marks", {"word": "urgent"}, due_at=now, priority=1),
    ]

    stepped.until_over(*runs)

    assert _words(project) == ["urgent", "old", "young"]


def test_a_run_that_is_not_due_waits_and_says_how_long(stepped: Stepped, file: Path) -> None:
    now = datetime.now(UTC)
    run_id = stepped.plan(file, "marks", due_at=now + timedelta(seconds=60))

    wait_s = step(stepped.store, stepped.dispatcher, now, now_s=0.0)

    assert wait_s is not None
    assert 59 < wait_s <= 60
    assert stepped.state(run_id) == "SCHEDULED/Scheduled"
    assert stepped.dispatcher.runs == {}


def test_a_run_waits_for_the_reload_of_its_file_and_not_for_ever(
    stepped: Stepped, project: Project, file: Path
) -> None:
    stepped.dispatcher.is_reloading = lambda path: path == str(file)
    now = datetime.now(UTC)
    late = stepped.plan(file, "marks", {"word": "late"}, due_at=now - timedelta(minutes=1))
    fresh = stepped.plan(file, "marks", {"word": "fresh"}, due_at=now + timedelta(seconds=60))

    wait_s = step(stepped.store, stepped.dispatcher, now + timedelta(seconds=61), now_s=time.monotonic())
    assert wait_s is not None
    assert wait_s <= 0.1
    assert stepped.state(fresh) == "SCHEDULED/Scheduled"
    stepped.until_over(late)
    stepped.dispatcher.is_reloading = lambda _path: False
    step(stepped.store, stepped.dispatcher, now + timedelta(seconds=61), now_s=time.monotonic())
    stepped.until_over(fresh)

    assert _words(project) == ["late", "fresh"]


def test_twenty_runs_go_on_at_once(stepped: Stepped, project: Project, file: Path) -> None:
    runs = [stepped.plan(file, "marks", {"word": f"{number}", "waits": True}) for number in range(20)]

    stepped.until(lambda: _under_way(stepped) == 20, "all are under way")
    _go(project)
    stepped.until_over(*runs)

    assert {stepped.state(run_id) for run_id in runs} == {"COMPLETED/Completed"}
    assert sorted(_words(project), key=int) == [str(number) for number in range(20)]


@pytest.mark.parametrize("name", ["global", "flow:marks", "tag:db"])
def test_a_named_limit_holds_runs_back_and_frees_the_slots_of_the_dead(
    stepped: Stepped, project: Project, file: Path, home: Home, name: str
) -> None:
    stepped.limit(name, 2)
    runs = [stepped.plan(file, "marks", {"word": f"{n}", "waits": True}, tags=["db"]) for n in range(3)]

    stepped.until(lambda: _under_way(stepped) == 2, "two are under way")
    stepped.until_state(runs[2], "SCHEDULED/AwaitingConcurrencySlot")

    assert name in stepped.message(runs[2])
    assert free_slots(home.path, name, 2) == 0
    process = stepped.dispatcher.runs[runs[0]].process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    stepped.until_state(runs[2], "RUNNING/Running")
    assert stepped.state(runs[0]) == "CRASHED/Crashed"
    _go(project)
    stepped.until_over(*runs)
    assert free_slots(home.path, name, 2) == 2


def test_a_run_lends_its_tasks_the_slot_that_it_holds_of_its_tag(stepped: Stepped, project: Project) -> None:
    file = project.write(
        "jobs.py",
        "import threading, time\nfrom flowctl import flow, task\nnow, most = [], []\n"
        "@task(tags=['db'])\ndef step(n):\n"
        "    now.append(n); most.append(len(now)); time.sleep(0.02); now.remove(n)\n"
        "@flow\ndef job():\n    step.map(range(4)).result()\n    return max(most)\n",
    )
    stepped.limit("tag:db", 1)
    publish(stepped.store.connection, stepped.home.path)

    run_id = stepped.plan(file, "job", tags=["db"])
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert stepped.one("SELECT value FROM flow_run WHERE id = ?", run_id) == "1"


def test_the_limit_of_a_deployment_holds_its_runs_back(stepped: Stepped, project: Project, file: Path) -> None:
    deployment = stepped.deploy("nightly", overlap="allow", run_limit=1)
    first = stepped.plan(file, "marks", {"waits": True}, deployment_id=deployment)
    second = stepped.plan(file, "marks", {}, deployment_id=deployment)
    other = stepped.plan(file, "marks", {})

    stepped.until_state(first, "RUNNING/Running")
    stepped.until_state(second, "SCHEDULED/AwaitingConcurrencySlot")
    stepped.until_over(other)

    assert "nightly" in stepped.message(second)
    _go(project)
    stepped.until_over(first, second)
    assert stepped.state(second) == "COMPLETED/Completed"


def _occurrence(stepped: Stepped, file: Path, deployment: int, minute: int, **arguments: object) -> str:
    at = datetime(2026, 3, 2, 12, minute, tzinfo=UTC)
    return stepped.plan(file, "marks", arguments, deployment_id=deployment, scheduled_for=at)


def test_an_occurrence_is_skipped_while_another_run_goes_on(stepped: Stepped, project: Project, file: Path) -> None:
    deployment = stepped.deploy("nightly", overlap="skip")
    first = _occurrence(stepped, file, deployment, 0, waits=True)
    stepped.until_state(first, "RUNNING/Running")

    second = _occurrence(stepped, file, deployment, 1)
    stepped.until_over(second)

    assert stepped.state(second) == "CANCELLED/Skipped"
    assert "nightly" in stepped.message(second)
    _go(project)
    stepped.until_over(first)


def test_an_occurrence_waits_its_turn(stepped: Stepped, project: Project, file: Path) -> None:
    deployment = stepped.deploy("nightly", overlap="queue")
    runs = [_occurrence(stepped, file, deployment, minute, word=f"{minute}", waits=True) for minute in range(3)]
    stepped.until_state(runs[0], "RUNNING/Running")
    stepped.until_state(runs[1], "SCHEDULED/AwaitingConcurrencySlot")

    _go(project)
    stepped.until_over(*runs)

    assert _words(project) == ["0", "1", "2"]
    assert _words(project, "ends") == ["0", "1", "2"]


def test_the_newest_occurrence_takes_the_place_of_older_ones(stepped: Stepped, project: Project, file: Path) -> None:
    deployment = stepped.deploy("nightly", overlap="cancel-old")
    oldest = _occurrence(stepped, file, deployment, 0, waits=True)
    stepped.until_state(oldest, "RUNNING/Running")

    older = _occurrence(stepped, file, deployment, 1)
    newest = _occurrence(stepped, file, deployment, 2)
    stepped.until_over(oldest, older, newest)

    assert stepped.state(oldest) == "CANCELLED/Cancelled"
    assert "newer run of deployment nightly" in stepped.message(oldest)
    assert stepped.state(older) == "CANCELLED/Skipped"
    assert stepped.state(newest) == "COMPLETED/Completed"


def test_occurrences_go_on_side_by_side_where_that_is_allowed(stepped: Stepped, project: Project, file: Path) -> None:
    deployment = stepped.deploy("nightly", overlap="allow")
    runs = [_occurrence(stepped, file, deployment, minute, waits=True) for minute in range(3)]

    stepped.until(lambda: _under_way(stepped) == 3, "all are under way")

    _go(project)
    stepped.until_over(*runs)


def test_a_new_daemon_adopts_living_runs_and_starts_claims_that_came_to_nothing(
    stepped: Stepped, project: Project, file: Path, home: Home
) -> None:
    living = stepped.plan(file, "marks", {"word": "living", "waits": True})
    stepped.until_state(living, "RUNNING/Running")
    claimed = stepped.plan(file, "marks", {"word": "claimed"})
    with stepped.store.transaction() as connection:
        connection.execute("UPDATE planned_run SET claimed_at = 1 WHERE run_id = ?", (claimed,))
        connection.execute("UPDATE flow_run SET state_type = 'PENDING' WHERE id = ?", (claimed,))
    stepped.abandon()

    second = Stepped(home)
    try:
        second.until_over(claimed)
        assert second.state(living) == "RUNNING/Running"
        _go(project)
        second.until_over(living)
        assert second.state(living) == "COMPLETED/Completed"
        # Written down by the fork server of the first daemon, which stays with its runs.
        assert second.one("SELECT exit_code FROM flow_run WHERE id = ?", living) == 0
    finally:
        second.stop()

    assert sorted(_words(project)) == ["claimed", "living"]


def test_the_last_slot_goes_to_one_only_and_a_lowered_limit_counts_all_holders(tmp_path: Path) -> None:
    home = str(tmp_path)
    held = [take_slot(home, "a b/c", 3) for _ in range(4)]

    assert [descriptor is not None for descriptor in held] == [True, True, True, False]
    assert free_slots(home, "a b/c", 3) == 0
    assert held[0] is not None
    os.close(held[0])
    assert free_slots(home, "a b/c", 3) == 1
    assert take_slot(home, "a b/c", 2) is None
    assert take_slot(home, "a b", 1) is not None


def test_a_run_knows_its_deployment_and_the_occurrence_it_is_for(stepped: Stepped, project: Project) -> None:
    file = project.write(
        "jobs.py",
        "from flowctl import flow, runtime\n@flow\ndef facts():\n"
        "    return runtime.deployment.name, runtime.flow_run.scheduled_start_time.isoformat()\n",
    )
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)

    run_id = stepped.plan(file, "facts", deployment_id=stepped.deploy("nightly"), scheduled_for=at)
    stepped.until_over(run_id)

    value = stepped.one("SELECT value FROM flow_run WHERE id = ?", run_id)
    assert value == "('nightly', '2026-03-02T12:00:00+00:00')"


def test_a_run_keeps_to_the_text_that_it_was_planned_with(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", "from flowctl import flow\n@flow\ndef job(): return 'as planned'\n")
    with stepped.store.transaction() as connection:
        digest = keep_source(connection, file.read_bytes())
    file.write_text("this is broken now (")

    run_id = stepped.plan(file, "job", source_hash=digest)
    stepped.until_over(run_id)

    assert stepped.one("SELECT value FROM flow_run WHERE id = ?", run_id) == "'as planned'"


def test_the_next_attempt_of_a_crashed_run_reuses_what_was_completed(stepped: Stepped, project: Project) -> None:
    file = project.write(
        "jobs.py",
        "import os\nfrom pathlib import Path\nfrom flowctl import flow, task\n"
        "@task\ndef once():\n    with open('once', 'a') as file: file.write('x')\n    return 5\n"
        "@flow\ndef job(n: int):\n    value = once()\n"
        "    if not Path('fixed').exists(): os._exit(9)\n    return value + n\n",
    )
    run_id = stepped.plan(file, "job", {"n": "2"})
    stepped.until_over(run_id)
    assert stepped.state(run_id) == "CRASHED/Crashed"
    (project.path / "fixed").touch()

    with stepped.store.transaction() as connection:
        attempt = plan_attempt(connection, run_id, stepped.reference(file, "job"), stepped.now())
    stepped.until_over(run_id)

    assert attempt == 2
    assert stepped.state(run_id) == "COMPLETED/Completed", stepped.message(run_id)
    assert stepped.one("SELECT value FROM flow_run WHERE id = ?", run_id) == "7"
    assert (project.path / "once").read_text() == "x"


def test_memory_and_processor_time_are_those_of_all_processes(stepped: Stepped, project: Project) -> None:
    file = project.write(
        "jobs.py",
        "import subprocess, sys\nfrom flowctl import flow\n@flow\ndef job():\n"
        "    code = 'import time; x = bytearray(80 << 20); time.sleep(600)'\n"
        "    subprocess.run([sys.executable, '-c', code])\n",
    )
    run_id = stepped.plan(file, "job")
    query = "SELECT max_memory FROM flow_run WHERE id = ?"

    stepped.until(lambda: (stepped.one(query, run_id) or 0) > 80 << 20, "its memory was seen")

    assert stepped.one("SELECT cpu_us FROM flow_run WHERE id = ?", run_id) > 0
    stepped.ask(kill, run_id=run_id)
    stepped.until_over(run_id)


def test_an_idle_fork_server_is_let_go(stepped: Stepped, project: Project, file: Path) -> None:
    run_id = stepped.plan(file, "marks")
    stepped.until_over(run_id)
    (pid,) = stepped.dispatcher.servers.pids

    wait_s = step(stepped.store, stepped.dispatcher, stepped.now(), now_s=time.monotonic())
    assert wait_s is not None
    assert wait_s <= IDLE_S
    step(stepped.store, stepped.dispatcher, stepped.now(), now_s=time.monotonic() + IDLE_S + 1)

    assert stepped.dispatcher.servers.pids == []
    stepped.until(lambda: processes.find(pid) is None, "it is gone")
