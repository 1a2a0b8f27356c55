"""A disk that fills up under a daemon: it says so, promises nothing that it cannot keep, and recovers by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowctl.core.daemon.client import Client, DaemonNotStarted, Refused, start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.states import StateType
from tests.conftest import Command, Project
from tests.core.daemon.waiting import DEADLINE_S, PROBLEM_WORDS, names, once
from tests.store.journals import a_run, an_id, write_journal

#: So long may it take until a person who asks is told.
_TOLD_WITHIN_S = 2.0
_RECOVERED_WITHIN_S = 5.0


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path, None, None]:
    """A disk of eight megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Home, None, None]:
    """A home on that disk, with a daemon."""
    monkeypatch.setenv("FLOWCTL_HOME", str(disk / "home"))
    home = Home(str(disk / "home"))
    start_daemon(home)
    yield home
    holder = find_holder(home)
    if holder is not None:
        os.kill(holder.pid, 15)
        assert wait_until_gone(home, within_s=DEADLINE_S)
    text = Path(home.path, "daemon.log").read_text()
    assert not any(word in text for word in PROBLEM_WORDS), text


def fill(disk: Path) -> Path:
    """Use up all that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def troubles(home: Home) -> dict[str, dict[str, str]]:
    with Client.connect(home, start=False) as client:
        found: dict[str, dict[str, str]] = client.ask("status")["troubles"]
    return found


def test_nothing_that_was_accepted_is_lost_and_nothing_more_is_promised(small: Home, disk: Path) -> None:
    with Client.connect(small, start=False) as client:
        accepted = [str(number) for number in range(20) if client.ask("limit_set", name=str(number), slots=1)]
        filler = fill(disk)
        refusals: list[Refused] = []
        for number in range(20, 400):
            try:
                client.ask("limit_set", name=str(number) * 40, slots=1)
                accepted.append(str(number) * 40)
            except Refused as refused:
                refusals.append(refused)
        filler.unlink()
        began = time.monotonic()
        while True:
            try:
                client.ask("limit_set", name="later", slots=1)
                break
            except Refused:
                assert time.monotonic() - began < _RECOVERED_WITHIN_S
        accepted.append("later")

    assert len(refusals) > 100
    assert {refused.kind for refused in refusals} == {"busy"}
    assert "was not accepted" in refusals[0].message
    with Reader.open(small) as reader:
        assert set(reader.limits()) == set(accepted)
    once(lambda: "requests" not in troubles(small), "the recovery")


def test_runs_that_fall_due_on_a_full_disk_begin_when_there_is_room_again(
    small: Home, disk: Path, project: Project
) -> None:
    file = project.write("jobs.py", "from flowctl import flow\n@flow\ndef job(n: int):\n    return n\n")

    def states() -> list[str]:
        with Reader.open(small) as reader:
            return [run.state_type.value for run in reader.runs()]

    with Client.connect(small, start=False) as client:
        client.ask("run", file=str(file), flow="job", parameters={"n": 0})
        once(lambda: states() == ["COMPLETED"], "the fork server's first run")
        at = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
        for number in range(4):
            client.ask("run", file=str(file), flow="job", parameters={"n": number}, at=at)
    filler = fill(disk)
    # Long enough for them to fall due, and for some of them to be tried in vain.
    once(lambda: datetime.now(UTC).isoformat() > at, "the moment", within_s=5)
    began = time.monotonic()
    once(lambda: "could not begin yet" in messages(small) or time.monotonic() - began > 2, "a try in vain")
    filler.unlink()

    once(lambda: states() == ["COMPLETED"] * 5, f"all runs: {states()}")


def messages(home: Home) -> str:
    with Reader.open(home) as reader:
        return " ".join(run.message or "" for run in reader.runs())


def test_runs_are_taken_in_as_soon_as_there_is_room_again(small: Home, disk: Path, flowctl_command: Command) -> None:
    for number in range(30):
        write_journal(small, an_id(number), a_run(an_id(number), tasks=300), active=False)
    filler = fill(disk)
    began = time.monotonic()
    for number in range(30):
        os.close(os.open(small.active_marker(an_id(number)), os.O_CREAT | os.O_WRONLY))
    once(lambda: "ingest" in troubles(small), "the trouble", within_s=_TOLD_WITHIN_S)
    told_after = time.monotonic() - began
    status = flowctl_command("daemon", "status")
    listed = flowctl_command("runs")
    filler.unlink()
    began = time.monotonic()
    once(lambda: names(small.active) == [], "all taken in", within_s=_RECOVERED_WITHIN_S + 5)
    recovered_after = time.monotonic() - began

    assert told_after < _TOLD_WITHIN_S
    assert "The daemon is degraded" in status.stdout
    assert "Nothing is lost, the runs are in their journals" in status.stdout.replace("\n", " ")
    assert listed.returncode == 0
    assert recovered_after < _RECOVERED_WITHIN_S + 5
    with Reader.open(small) as reader:
        assert reader.counts() == {StateType.COMPLETED: 30}
    once(lambda: "ingest" not in troubles(small), "the recovery")


def test_the_status_warns_before_the_disk_is_full(small: Home) -> None:
    once(lambda: "disk" in troubles(small), "the warning", within_s=_TOLD_WITHIN_S + 1)

    assert "nearly full" in troubles(small)["disk"]["message"]


def test_a_daemon_on_a_full_disk_says_why_it_does_not_start(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_HOME", str(disk / "home"))
    home = Home(str(disk / "home"))
    home.ensure()
    fill(disk)

    ended = subprocess.run(
        [sys.executable, "-m", "flowctl", "daemon", "start", "--foreground"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )

    assert ended.returncode == 6
    assert "No space left on device" in ended.stderr or "disk is full" in ended.stderr
    assert "Traceback" not in ended.stderr

    # In the background it cannot even write down why.
    with pytest.raises(DaemonNotStarted, match="is full; make room"):
        start_daemon(home)


_ON_A_READ_ONLY_HOME = (
    ("daemon start", 6),
    ("daemon start --foreground", 6),
    ("daemon status", 1),
    ("daemon stop", 0),
    ("limit set gpu 1", 6),
    ("limit ls", 0),
    ("runs", 0),
    ("runs cancel -", 6),
    ("runs delete - --yes", 6),
    ("db stats", 0),
    ("db check", 0),
    ("db backup", 6),
    ("db rebuild --yes", 6),
)


def test_a_home_that_nobody_may_write_can_be_read_and_says_so_elsewhere(
    disk: Path, monkeypatch: pytest.MonkeyPatch, flowctl_command: Command
) -> None:
    monkeypatch.setenv("FLOWCTL_HOME", str(disk / "home"))
    home = Home(str(disk / "home"))
    write_journal(home, an_id(1), a_run(an_id(1)))
    catch_up(home)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

    ended = {words: flowctl_command(*words.split()) for words, _ in _ON_A_READ_ONLY_HOME}

    assert {words: each.returncode for words, each in ended.items()} == dict(_ON_A_READ_ONLY_HOME)
    assert not [words for words, each in ended.items() if "Traceback" in each.stderr]
    assert all(each.stderr.startswith("Error: ") for each in ended.values() if each.returncode == 6)
