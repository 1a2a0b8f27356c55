"""Starts that are cut off: whatever is killed between the claim of a run and its first record, it runs once."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest

from flowctl.core.daemon import dispatcher
from flowctl.core.daemon.cancel import cancel
from flowctl.core.daemon.fork_servers import ForkServers
from flowctl.store.home import Home
from flowctl.store.journal import FORMAT, JournalOpened, encode
from flowctl.store.problems import DatabaseUnwritable
from tests.conftest import Project
from tests.core.daemon.stepped import Stepped

_MARKS = """
from flowctl import flow
@flow
def marks(n: int):
    with open("marks", "a") as file:
        file.write(f"{n}\\n")
"""
# Loaded by every interpreter that finds it: counts what a fork server and its children do to the files of runs, and
# has whoever does the thing whose number is in `kill-at` killed, once; with `+`, the fork server above it too.
_HOOK = """
import os, signal, sys
home, loader, count, known = os.environ.get("FLOWCTL_HOME", ""), os.getpid(), 0, ""

def watch(event, args):
    global count, known
    is_file = bool(args) and isinstance(args[0], str) and args[0].startswith((home + "/runs/", home + "/active/"))
    if not (is_file or event in ("os.fork", "mmap.__new__")):
        return
    try:
        os.stat(home + "/kill-at")
    except OSError:
        return
    with open(home + "/kill-at") as file:
        text = file.read()
    count, known = count + 1 if text == known else 1, text
    if count == int(text.rstrip("+")):
        os.rename(home + "/kill-at", home + "/killed-at")
        if text.endswith("+") and os.getpid() != loader:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
"""
#: Points of a start at least, so that the hook is known to be heard.
_POINTS = 12
#: With the daemon killed as well there is nobody left who remembers; the others are for a long night.
_VICTIMS = ("the daemon too", "the process", "its fork server too")[: 3 if "FAULT_SEEDS" in os.environ else 1]


# Says that there is no room on the disk, as long as there is a file of that name; `mute`: not even for stderr.
_FULL = """
import errno, os
allocate, open_ = os.posix_fallocate, os.open
home = os.environ.get("FLOWCTL_HOME", "")

def full(descriptor, *place):
    if os.path.exists(home + "/full"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    allocate(descriptor, *place)

def mute(path, flags, *mode, **more):
    if str(path).endswith("/stderr.1") and os.path.exists(home + "/full") and os.path.exists(home + "/mute"):
        return open_("/dev/full", os.O_WRONLY)
    return open_(path, flags, *mode, **more)

os.posix_fallocate, os.open = full, mute
"""


@pytest.fixture
def file(project: Project) -> Path:
    return project.write("jobs.py", _MARKS)


def _marks(project: Project) -> list[str]:
    file = project.path / "marks"
    return file.read_text().split() if file.exists() else []


def _claimed(stepped: Stepped, file: Path, n: int) -> str:
    """Plan a run and leave it as a daemon does that is killed once it has claimed it."""
    run_id = stepped.plan(file, "marks", {"n": n})
    with stepped.store.transaction() as connection:
        connection.execute("UPDATE planned_run SET claimed_at = 1 WHERE run_id = ?", (run_id,))
        connection.execute("UPDATE flow_run SET state_type = 'PENDING', state_name = 'Pending' WHERE id = ?", (run_id,))
    return run_id


def _first_record(run_id: str) -> bytes:
    return encode(0, JournalOpened(1, FORMAT, run_id, 1, 1, "boot", "host", "3", "0"))


def _leave(home: Home, run_id: str, left: str) -> None:
    """Leave of a start what there is at a moment of it."""
    if left == "nothing":
        return
    Path(home.run_folder(run_id)).mkdir()
    Path(home.run_lock(run_id)).touch()
    Path(home.active_marker(run_id)).touch()
    record = _first_record(run_id)
    data = {"a lock": None, "an empty journal": b"", "room": bytes(4096), "half a record": record[:20] + bytes(99)}
    if (text := data[left]) is not None:
        Path(home.journal(run_id, 1)).write_bytes(text)


@pytest.mark.parametrize("left", ["nothing", "a lock", "an empty journal", "room", "half a record"])
def test_a_start_that_was_cut_off_is_made_again_by_the_next_daemon(
    stepped: Stepped, project: Project, file: Path, home: Home, left: str
) -> None:
    run_id = _claimed(stepped, file, 1)
    _leave(home, run_id, left)

    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert _marks(project) == ["1"]


def test_a_claimed_run_is_not_lost_where_the_turn_that_claimed_it_broke_off(
    stepped: Stepped, project: Project, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [stepped.plan(file, "marks", {"n": n}) for n in range(3)]

    with monkeypatch.context() as patch:
        patch.setattr(ForkServers, "start", _fails)
        with pytest.raises(DatabaseUnwritable):
            stepped.step()
    stepped.until_over(*runs)

    assert sorted(_marks(project)) == ["0", "1", "2"]


def test_what_fork_servers_told_is_noted_once_it_can_be_written_down(
    stepped: Stepped, project: Project, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = stepped.plan(file, "marks", {"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(dispatcher, "note_process", _fails)
        with pytest.raises(DatabaseUnwritable):
            stepped.until_over(run_id)

    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert _marks(project) == ["1"]


def _fails(*_: object, **__: object) -> None:
    raise DatabaseUnwritable("/disk", "no room")


def test_a_run_that_told_of_itself_is_not_begun_again(
    stepped: Stepped, project: Project, file: Path, home: Home
) -> None:
    run_id = _claimed(stepped, file, 1)
    _leave(home, run_id, "a lock")
    Path(home.journal(run_id, 1)).write_bytes(_first_record(run_id))

    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CRASHED/Crashed"
    assert _marks(project) == []


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_run_whose_process_is_just_dying_when_the_next_daemon_looks_is_started_again(
    stepped: Stepped, project: Project, file: Path, home: Home, is_cancelled: bool
) -> None:
    run_id = _claimed(stepped, file, 1)
    _leave(home, run_id, "an empty journal")
    # The kernel lets go of the locks of a killed process when it gets round to that.
    with Path(home.run_lock(run_id)).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stepped.step()
        assert stepped.state(run_id) == "PENDING/Pending"
        if is_cancelled:
            stepped.ask(cancel, run_id=run_id)
            stepped.step()

    stepped.until_over(run_id)

    assert stepped.state(run_id) == ("CANCELLED/Cancelled" if is_cancelled else "COMPLETED/Completed")
    assert _marks(project) == ([] if is_cancelled else ["1"])


@pytest.fixture
def hook(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the file that every interpreter to come loads first."""
    folder = tmp_path / "hook"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    home.ensure()
    return folder / "sitecustomize.py"


@pytest.mark.skipif(sys.platform != "linux", reason="room is reserved on Linux alone")
@pytest.mark.parametrize("is_mute", [False, True])
def test_a_run_whose_journal_finds_no_room_begins_when_there_is_some(
    stepped: Stepped, project: Project, file: Path, home: Home, hook: Path, is_mute: bool
) -> None:
    hook.write_text(_FULL)
    full = Path(home.path, "full")
    full.touch()
    if is_mute:
        Path(home.path, "mute").touch()
    run_id = stepped.plan(file, "marks", {"n": 1})

    said = "disk is full" if is_mute else "No space left"
    stepped.until(lambda: said in str(stepped.one("SELECT message FROM flow_run")), "it says why it waits")
    assert stepped.state(run_id) == "SCHEDULED/Scheduled"
    full.unlink()
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert _marks(project) == ["1"]


@pytest.mark.parametrize("who", _VICTIMS)
def test_whatever_is_killed_at_whichever_point_of_a_start_the_run_runs_once(
    stepped: Stepped, project: Project, file: Path, home: Home, hook: Path, who: str
) -> None:
    hook.write_text(_HOOK)
    wish, killed = Path(home.path, "kill-at"), Path(home.path, "killed-at")
    warm = stepped.plan(file, "marks", {"n": 0})
    stepped.until_over(warm)
    begun: list[bool] = []

    for point in range(1, 99):
        killed.unlink(missing_ok=True)
        wish.write_text(f"{point}{'' if who == 'the process' else '+'}")
        run_id = stepped.plan(file, "marks", {"n": point})
        if who == "the daemon too":
            stepped.until(lambda: killed.exists() or _marks(project).count(str(point)))  # noqa: B023 - called here
            stepped.abandon()
            stepped.reopen()
        stepped.until_over(run_id)
        if not killed.exists():
            break
        marks, state = _marks(project).count(str(point)), stepped.state(run_id)
        begun.append(state == "CRASHED/Crashed")
        assert marks <= 1, f"point {point}"
        assert begun[-1] or (marks, state) == (1, "COMPLETED/Completed"), f"point {point}: {stepped.message(run_id)}"
    wish.unlink(missing_ok=True)

    assert len(begun) >= _POINTS
    # Up to the first record it is begun anew, and after that it never is.
    assert not begun[0]
    assert any(begun)
