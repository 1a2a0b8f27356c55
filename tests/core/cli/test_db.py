"""`flowctl db` and `flowctl limit`, with a daemon and without."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.core.daemon.client import start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.core.daemon.snapshots import take_snapshot
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from tests.conftest import Command
from tests.core.cli.conftest import Say
from tests.core.daemon.waiting import DEADLINE_S, names, once
from tests.store.journals import a_run, an_id, many_runs, write_journal
from tests.tui.planned import a_deployment, writing


@pytest.fixture(autouse=True)
def _no_daemon_left(home: Home) -> Generator[None, None, None]:
    yield
    holder = find_holder(home)
    if holder is not None:
        os.kill(holder.pid, 15)
        assert wait_until_gone(home, within_s=DEADLINE_S)


@pytest.fixture(params=[False, True], ids=["alone", "with a daemon"])
def with_daemon(home: Home, request: pytest.FixtureRequest) -> bool:
    """Five runs, in the database; a daemon or none."""
    many_runs(home, 5)
    if request.param:
        # The runs are old ones.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FLOWCTL_RETAIN_DAYS", "0")
            start_daemon(home)
        once(lambda: names(home.active) == [], "all taken in")
    else:
        catch_up(home)
    return bool(request.param)


def ids(home: Home) -> list[str]:
    with Reader.open(home) as reader:
        return sorted(run.id for run in reader.runs())


def test_stats_show_sizes_counts_and_what_is_kept(home: Home, flowctl_command: Command, with_daemon: bool) -> None:
    shown = flowctl_command("db", "stats", COLUMNS="80")
    found = json.loads(flowctl_command("db", "stats", "--json").stdout)

    assert shown.returncode == 0, shown.stderr
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "runs of the last 90 days" in shown.stdout
    assert (found["runs"], found["rows"]["task_run"]) == ({"COMPLETED": 5}, 15)
    assert found["retain"] == {"days": 90, "runs": 50_000, "size": 10_000_000_000}
    assert found["bytes"]["total"] >= found["bytes"]["database"] + found["bytes"]["runs"]


def test_a_check_finds_nothing_in_a_sound_home_and_names_what_is_wrong(
    home: Home, flowctl_command: Command, with_daemon: bool
) -> None:
    sound = flowctl_command("db", "check")
    write_journal(home, an_id(9), a_run(an_id(9)), active=False)
    wrong = flowctl_command("db", "check")
    repaired = flowctl_command("db", "check", "--repair")

    assert (sound.returncode, sound.stdout.count("✓")) == (0, 5), sound.stdout
    assert wrong.returncode == 6
    assert "✗ The database holds all that is in the journals" in wrong.stdout
    assert "flowctl db check --repair" in wrong.stdout
    assert repaired.returncode == 0, repaired.stdout
    assert "Took in the journals of 1 run again." in repaired.stdout
    assert an_id(9) in ids(home)


def test_a_backup_is_restored_and_the_daemon_runs_again(
    home: Home, flowctl_command: Command, tmp_path: Path, with_daemon: bool
) -> None:
    file = tmp_path / "copy.db"
    made = flowctl_command("db", "backup", str(file))
    again = flowctl_command("db", "backup", str(file))
    for run_id in (an_id(0), an_id(1)):
        assert flowctl_command("runs", "delete", run_id, "--yes").returncode == 0
    unsure = flowctl_command("db", "restore", str(file))
    restored = flowctl_command("db", "restore", str(file), "--yes")

    assert (made.returncode, again.returncode, unsure.returncode) == (0, 2, 2)
    assert "There is a file" in again.stderr
    assert "Say --yes" in unsure.stderr
    assert restored.returncode == 0, restored.stderr
    assert "Restored: 5 runs" in restored.stdout
    assert ids(home) == [an_id(number) for number in range(5)]
    assert (find_holder(home) is not None) is with_daemon


def test_a_damaged_database_is_told_of_and_rebuilt(home: Home, flowctl_command: Command) -> None:
    many_runs(home, 5)
    catch_up(home)
    made = flowctl_command("db", "backup")
    Path(home.database).write_bytes(b"garbage" * 1000)

    runs = flowctl_command("runs")
    check = flowctl_command("db", "check")
    daemon = flowctl_command("daemon", "start")
    rebuilt = flowctl_command("db", "rebuild", "--yes")

    assert made.returncode == 0, made.stderr
    assert (runs.returncode, "flowctl db rebuild" in runs.stderr) == (6, True)
    assert (check.returncode, "flowctl db rebuild" in check.stdout) == (6, True)
    assert (daemon.returncode, "flowctl db rebuild" in daemon.stderr) == (7, True)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "Rebuilt: 5 runs from " in rebuilt.stdout
    assert ids(home) == [an_id(number) for number in range(5)]


def test_runs_beyond_the_bounds_are_pruned(home: Home, flowctl_command: Command, with_daemon: bool) -> None:
    dry = flowctl_command("db", "prune", "--runs", "2", "--days", "0", "--dry-run")
    unsure = flowctl_command("db", "prune", "--runs", "2", "--days", "0")
    done = flowctl_command("db", "prune", "--runs", "2", "--days", "0", "--yes")
    left = ids(home)
    nothing = flowctl_command("db", "prune", "--runs", "2", "--days", "0", "--yes")

    assert "3 runs would be deleted." in dry.stdout
    assert (unsure.returncode, "Say --yes" in unsure.stderr) == (2, True)
    assert "Deleted 3 runs." in done.stdout
    assert left == [an_id(3), an_id(4)]
    assert names(home.runs) == left
    assert "nothing was deleted" in nothing.stdout


def test_the_daemon_deletes_what_the_settings_do_not_keep(home: Home) -> None:
    many_runs(home, 5)
    Path(home.path, "flowctl.toml").write_text("retain_runs = 2\nretain_days = 0\n")
    start_daemon(home)
    once(lambda: names(home.active) == [], "all taken in")

    os.kill(find_holder(home).pid, 1)  # type: ignore[union-attr] # it has just been started

    once(lambda: ids(home) == [an_id(3), an_id(4)], "the older ones to be gone")


def test_limits_are_set_listed_and_removed(home: Home, flowctl_command: Command) -> None:
    none = flowctl_command("limit", "ls")
    forbidden = flowctl_command("limit", "set", "gpu", "2", "--no-daemon")
    made = flowctl_command("limit", "set", "gpu", "2")
    changed = flowctl_command("limit", "set", "gpu", "5")
    listed = flowctl_command("limit", "ls", "--json")
    table = flowctl_command("limit", "ls")
    removed = flowctl_command("limit", "rm", "gpu")
    again = flowctl_command("limit", "rm", "gpu")
    negative = flowctl_command("limit", "set", "gpu", "-1")

    assert "flowctl limit set NAME N" in none.stdout
    assert forbidden.returncode == 7
    assert (made.stdout, changed.stdout) == ("gpu: at most 2 at once.\n", "gpu: at most 5 at once.\n")
    assert json.loads(listed.stdout) == [{"name": "gpu", "slots": 5, "free": 5}]
    assert table.stdout.splitlines()[1].split() == ["gpu", "5", "5"]
    assert removed.returncode == 0
    assert (again.returncode, "no limit 'gpu'" in again.stderr) == (5, True)
    assert negative.returncode == 2


def test_deployments_that_went_with_a_deleted_database_are_told_of_until_they_are_back(say: Say, home: Home) -> None:
    def losing() -> bool:
        lists, doctor = say("deployment", "ls").out, say("doctor").out
        is_told = "went with the database when it was deleted: `flowctl db rebuild`" in " ".join(lists.split())
        assert is_told is ("1 deployment that went" in " ".join(doctor.split()))
        return is_told

    with writing(home) as connection:
        a_deployment(connection, "nightly", "0 2 * * *", now=datetime.now(UTC))
    take_snapshot(home, datetime.now(UTC))
    assert not losing()

    Path(home.database).unlink()
    assert losing()
    assert say("db", "rebuild", "--yes").code == 0
    assert "nightly" in say("deployment", "ls").out
    assert not losing()

    with writing(home) as connection:
        connection.execute("DELETE FROM deployment")
        connection.execute("INSERT INTO request VALUES ('1', 'deployment_delete', 1, NULL, '{}', 'ok', NULL)")
    assert not losing()
