"""The life of a daemon, as a real process: one at a time, adopting what goes on, losing nothing when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.core.daemon.client import Client, DaemonNotStarted, NoDaemon, start_daemon, wait_until_gone
from flowctl.core.daemon.instance import ForeignSocket, find_holder
from flowctl.core.daemon.paths import lock_path, log_path, socket_path
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.daemon.asking import asked, seen, seen_alive
from tests.core.daemon.waiting import DEADLINE_S, names, once, until
from tests.store.journals import a_run, an_id, many_runs, write_journal

pytestmark = pytest.mark.usefixtures("no_daemon_left")

_FLOW = """
import sys, time
from pathlib import Path
from flowctl import flow, task

@task
def step(n):
    return n

@flow
def steps(gate: str, before: int = 3, after: int = 2):
    for n in range(before):
        step(n)
    while not Path(gate).exists():
        time.sleep(0.005)
    return sum(step(n) for n in range(after))
"""


def a_living_run(project: Project) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a run in a process of its own that goes on when its gate is made."""
    file, gate = project.write("steps.py", _FLOW), project.path / "gate"
    script = f"from flowctl.core.engine.loading import load_flow; load_flow({str(file) + ':steps'!r})({str(gate)!r})"
    return subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL), gate


def test_a_daemon_answers_and_goes_when_it_is_told_to(home: Home, daemon: int) -> None:
    status = asked(home)
    asked(home, "stop")

    assert (status["pid"], status["state"], status["active"]) == (daemon, "ok", 0)
    assert wait_until_gone(home, within_s=DEADLINE_S)
    assert not Path(socket_path(home)).exists()
    assert Path(lock_path(home)).stat().st_mode & 0o777 == 0o600
    with pytest.raises(NoDaemon, match="flowctl daemon start"):
        Client.connect(home, start=False)


def test_whoever_needs_a_daemon_starts_it(home: Home) -> None:
    with Client.connect(home) as client:
        pid = client.ask("status")["pid"]

    holder = find_holder(home)
    assert holder is not None
    assert (pid, holder.pid) == (holder.pid, pid)
    assert Path(socket_path(home)).stat().st_mode & 0o777 == 0o600
    assert Path(log_path(home)).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("round_", range(int(os.environ.get("FAULT_SEEDS", "1"))))
def test_of_many_daemons_started_at_once_one_lives(home: Home, round_: int) -> None:
    home.ensure()
    script = "from flowctl.core.daemon.main import main; raise SystemExit(main())"
    racers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    winner = until(lambda: find_holder(home), "a daemon")
    losers = [racer for racer in racers if racer.pid != winner.pid]
    said = [loser.communicate(timeout=DEADLINE_S)[1] for loser in losers]
    once(lambda: seen_alive(home), "an answer")

    assert len(losers) == 5, f"round {round_}"
    assert all(loser.returncode == 1 for loser in losers)
    assert all("is running already" in words and str(winner.pid) in words for words in said)
    os.kill(winner.pid, signal.SIGTERM)
    for racer in racers:
        racer.communicate(timeout=DEADLINE_S)


def test_what_a_run_writes_is_in_the_database_while_it_runs(home: Home, daemon: int, project: Project) -> None:
    run, gate = a_living_run(project)
    once(lambda: (row := seen(home)) is not None and row.task_counts == {"Completed": 3}, "three tasks")
    early = seen(home)
    gate.touch()
    run.wait(DEADLINE_S)
    once(lambda: (row := seen(home)) is not None and row.is_final, "the end")
    late = seen(home)

    assert early is not None
    assert early.state_type is StateType.RUNNING
    assert late is not None
    assert (late.state_type, late.task_counts) == (StateType.COMPLETED, {"Completed": 5})
    once(lambda: names(home.active) == [], "no marker left")


def test_a_command_sees_what_was_written_before_it_looked(home: Home, daemon: int) -> None:
    for number in range(20):
        write_journal(home, an_id(number), a_run(an_id(number)))

        catch_up(home)

        run = seen(home, an_id(number))
        assert run is not None
        assert run.state_type is StateType.COMPLETED


def test_a_killed_run_is_crashed_at_once(home: Home, daemon: int, project: Project) -> None:
    run, _ = a_living_run(project)
    once(lambda: (row := seen(home)) is not None and row.task_counts == {"Completed": 3}, "three tasks")

    run.kill()
    run.wait(DEADLINE_S)

    once(lambda: (row := seen(home)) is not None and row.is_final, "the crash")
    found = seen(home)
    assert found is not None
    assert (found.state_type, found.task_counts) == (StateType.CRASHED, {"Completed": 3})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_goes_on_without_its_daemon_and_the_next_one_takes_it_up(
    home: Home, daemon: int, project: Project, number: signal.Signals
) -> None:
    run, gate = a_living_run(project)
    once(lambda: (row := seen(home)) is not None and row.task_counts == {"Completed": 3}, "three tasks")

    os.kill(daemon, number)
    assert wait_until_gone(home, within_s=DEADLINE_S)
    gate.touch()
    run.wait(DEADLINE_S)
    before = seen(home)
    second = start_daemon(home)
    once(lambda: (row := seen(home)) is not None and row.is_final, "the end")
    after = seen(home)

    assert second != daemon
    assert before is not None
    assert before.state_type is StateType.RUNNING
    assert after is not None
    assert (after.state_type, after.task_counts) == (StateType.COMPLETED, {"Completed": 5})


def test_a_reader_is_right_when_the_daemon_dies_under_its_eyes(home: Home, daemon: int) -> None:
    os.kill(daemon, signal.SIGSTOP)
    try:
        write_journal(home, an_id(1), a_run(an_id(1)))
        command = (
            "from flowctl.store.home import Home; from flowctl.store.catchup import catch_up; catch_up(Home.default())"
        )
        reader = subprocess.Popen([sys.executable, "-c", command])
    finally:
        os.kill(daemon, signal.SIGKILL)

    assert reader.wait(DEADLINE_S) == 0
    run = seen(home, an_id(1))
    assert run is not None
    assert run.state_type is StateType.COMPLETED


def test_a_daemon_that_does_nothing_holds_up_no_reader_for_long(home: Home, daemon: int) -> None:
    os.kill(daemon, signal.SIGSTOP)
    write_journal(home, an_id(1), a_run(an_id(1)))

    catch_up(home)

    assert seen(home, an_id(1)) is None
    os.kill(daemon, signal.SIGCONT)
    once(lambda: seen(home, an_id(1)) is not None, "the run")


def test_what_waited_for_a_daemon_is_taken_in_when_it_starts(home: Home) -> None:
    many_runs(home, 300)

    start_daemon(home)

    once(lambda: names(home.active) == [], "all runs taken in")
    with Reader.open(home) as reader:
        assert reader.counts() == {StateType.COMPLETED: 300}


def test_a_lost_database_is_made_anew_from_the_journals(home: Home) -> None:
    many_runs(home, 5)
    catch_up(home)
    for ending in ("", "-wal", "-shm"):
        Path(home.database + ending).unlink(missing_ok=True)

    start_daemon(home)

    once(lambda: names(home.active) == [], "all runs taken in")
    with Reader.open(home) as reader:
        assert reader.counts() == {StateType.COMPLETED: 5}


def test_records_that_a_lost_write_ahead_log_held_are_taken_in_again(home: Home, daemon: int) -> None:
    write_journal(home, an_id(1), a_run(an_id(1)))
    once(lambda: names(home.active) == [] and seen(home, an_id(1)) is not None, "the run")
    with sqlite3.connect(home.database) as connection:
        in_log = connection.execute("SELECT count(*) FROM flow_run").fetchone()[0]
    connection.close()

    os.kill(daemon, signal.SIGKILL)
    assert wait_until_gone(home, within_s=DEADLINE_S)
    for ending in ("-wal", "-shm"):
        Path(home.database + ending).unlink()
    lost = seen(home, an_id(1))
    start_daemon(home)

    assert in_log == 1
    assert lost is None
    once(lambda: seen(home, an_id(1)) is not None, "the run again")


def test_a_stale_socket_is_replaced_and_a_foreign_file_is_not(home: Home) -> None:
    home.ensure()
    stale = socket.socket(socket.AF_UNIX)
    folder = os.open(home.path, os.O_RDONLY)
    stale.bind(f"/proc/self/fd/{folder}/daemon.sock")
    os.close(folder)
    stale.close()

    pid = start_daemon(home)
    assert asked(home)["pid"] == pid
    asked(home, "stop")
    assert wait_until_gone(home, within_s=DEADLINE_S)
    Path(socket_path(home)).write_text("mine")

    with pytest.raises(ForeignSocket, match="something else than a socket"):
        Client.connect(home, start=False)
    with pytest.raises((DaemonNotStarted, ForeignSocket), match="something else than a socket"):
        start_daemon(home)
    assert Path(socket_path(home)).read_text() == "mine"


def test_a_daemon_whose_lock_file_was_removed_makes_room_for_the_next(home: Home, daemon: int) -> None:
    Path(lock_path(home)).unlink()

    once(lambda: not Path(f"/proc/{daemon}").exists() or _is_zombie(daemon), "the end of the first")

    assert "lock file of this daemon was removed" in Path(log_path(home)).read_text()
    assert start_daemon(home) != daemon


def test_a_daemon_whose_database_was_removed_ends_before_it_accepts_what_would_be_lost(home: Home, daemon: int) -> None:
    Path(home.database).unlink()

    once(lambda: not Path(f"/proc/{daemon}").exists() or _is_zombie(daemon), "its end")

    assert "was removed or replaced under this daemon: it ends" in Path(log_path(home)).read_text()
    assert start_daemon(home) != daemon
    assert Path(home.database).exists()


def _is_zombie(pid: int) -> bool:
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


def test_a_home_with_a_long_path_has_a_daemon_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = Home(str(tmp_path / ("long" * 30) / "home"))
    monkeypatch.setenv("FLOWCTL_HOME", long.path)

    pid = start_daemon(long)
    try:
        assert asked(long)["pid"] == pid
    finally:
        os.kill(pid, signal.SIGTERM)
        assert wait_until_gone(long, within_s=DEADLINE_S)


def test_the_settings_are_read_again_and_wrong_ones_are_not_taken(home: Home, daemon: int) -> None:
    file = Path(home.path) / "flowctl.toml"
    file.write_text("retain_days = 7\n")
    good = asked(home, "reload")
    file.write_text("retain_dayz = 7\n")
    os.kill(daemon, signal.SIGHUP)

    once(lambda: "settings" in _troubles(home), "the trouble")
    words = str(_troubles(home)["settings"])
    file.unlink()
    os.kill(daemon, signal.SIGHUP)

    assert good["settings_file"] == str(file)
    assert "Did you mean 'retain_days'" in words
    once(lambda: "settings" not in _troubles(home), "the recovery")


def _troubles(home: Home) -> dict[str, object]:
    with Client.connect(home, start=False) as client:
        found: dict[str, object] = client.ask("status")["troubles"]
    return found


def test_subscribers_are_told_of_every_change(home: Home, daemon: int) -> None:
    with Client.connect(home, start=False) as client:
        before = client.ask("subscribe")["changed"]
        write_journal(home, an_id(1), a_run(an_id(1)))

        news = client.news(within_s=DEADLINE_S)

    assert news is not None
    assert news["changed"] > before
    assert seen(home, an_id(1)) is not None
