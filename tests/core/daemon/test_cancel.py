"""Cancelling: politely, then not; the whole tree; foreground runs; what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flowctl.core.daemon import cancel, processes
from flowctl.core.daemon.protocol import Refused
from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.daemon.stepped import PATIENCE_S, Stepped, processes_of

_POLITE = """
import time
from pathlib import Path
from flowctl import flow
@flow
def job():
    Path("began").touch()
    try:
        time.sleep(600)
    finally:
        Path("tidied").touch()
@job.on_cancellation
def tell(flow, run, state):
    Path("hook").touch()
"""
_STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
from flowctl import flow
CHILD = "import os, signal, time; [signal.signal(each, signal.SIG_IGN) for each in (2, 15)]; "
CHILD += "print(os.getpid(), file=open('children', 'a')); "
@flow
def job():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", CHILD + "os.setsid(); time.sleep(600)"])
    sleeper = repr(CHILD + "time.sleep(600)")
    inner = f"subprocess.Popen([sys.executable, '-c', {sleeper}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", "import subprocess, sys; " + inner])
    while not Path("children").exists() or len(Path("children").read_text().split()) < 2:
        time.sleep(0.01)
    Path("began").touch()
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            pass
"""


def _wait_for(path: Path, stepped: Stepped) -> None:
    stepped.until(path.exists, f"{path} is there")


def _others(stepped: Stepped, home: Home) -> list[int]:
    servers = set(stepped.dispatcher.servers.pids)
    return [seen.process.pid for seen in processes_of(home) if seen.process.pid not in servers]


def test_a_cancelled_flow_tidies_up_and_runs_its_hooks(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", _POLITE)
    run_id = stepped.plan(file, "job")
    _wait_for(project.path / "began", stepped)

    answer = stepped.ask(cancel.cancel, run_id=run_id)
    assert answer["state_name"] == "Cancelling"
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CANCELLED/Cancelled"
    assert stepped.message(run_id) == "A person cancelled it."
    assert (project.path / "tidied").exists()
    assert (project.path / "hook").exists()
    assert stepped.one("SELECT exit_code FROM flow_run WHERE id = ?", run_id) == 4


@pytest.mark.parametrize("verb", ["cancel", "kill"])
def test_a_tree_that_ignores_every_word_is_gone_when_the_run_is_cancelled(
    stepped: Stepped, project: Project, home: Home, verb: str
) -> None:
    file = project.write("jobs.py", _STUBBORN)
    run_id = stepped.plan(file, "job")
    _wait_for(project.path / "began", stepped)
    assert len(_others(stepped, home)) >= 3

    fields = {"grace_s": 0.2} if verb == "cancel" else {}
    stepped.ask(cancel.VERBS[verb], run_id=run_id, **fields)
    stepped.until(lambda: stepped.state(run_id) == "CANCELLED/Cancelled")

    assert _others(stepped, home) == []


def test_a_second_cancel_kills(stepped: Stepped, project: Project, home: Home) -> None:
    file = project.write("jobs.py", _STUBBORN)
    run_id = stepped.plan(file, "job")
    _wait_for(project.path / "began", stepped)

    stepped.ask(cancel.cancel, run_id=run_id)
    stepped.step()
    assert stepped.state(run_id) == "CANCELLING/Cancelling"
    stepped.ask(cancel.cancel, run_id=run_id)
    stepped.until_state(run_id, "CANCELLED/Cancelled")

    assert _others(stepped, home) == []


def test_a_run_is_cancelled_while_its_file_is_imported(stepped: Stepped, project: Project) -> None:
    text = "from pathlib import Path\nimport time\nPath('began').touch()\ntime.sleep(600)\n"
    file = project.write("jobs.py", text)
    run_id = stepped.plan(file, "job")
    _wait_for(project.path / "began", stepped)

    stepped.ask(cancel.cancel, run_id=run_id)
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CANCELLED/Cancelled"


def test_a_run_that_waits_is_cancelled_and_never_starts(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", _POLITE)
    stepped.limit("global", 0)
    run_id = stepped.plan(file, "job")
    stepped.until_state(run_id, "SCHEDULED/AwaitingConcurrencySlot")

    stepped.ask(cancel.cancel, run_id=run_id)
    with stepped.store.transaction() as connection:
        connection.execute("DELETE FROM run_limit")
    stepped.step()

    assert stepped.state(run_id) == "CANCELLED/Cancelled"
    assert stepped.dispatcher.runs == {}
    assert not (project.path / "began").exists()


def test_a_run_is_cancelled_between_its_claim_and_its_start(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", _POLITE)
    run_id = stepped.plan(file, "job")
    stepped.step()
    assert stepped.state(run_id) == "PENDING/Pending"

    stepped.ask(cancel.cancel, run_id=run_id)
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CANCELLED/Cancelled"


@pytest.mark.parametrize("how", ["flowctl", "python"])
def test_a_foreground_run_is_cancelled_with_its_tree(stepped: Stepped, project: Project, home: Home, how: str) -> None:
    file = project.write("jobs.py", _STUBBORN + "\nif __name__ == '__main__':\n    job()\n")
    command = [str(file)] if how == "python" else ["-m", "flowctl", "run", f"{file}:job"]
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=project.path,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(project.path / "began", stepped)
        (run_id,) = stepped.active.ids
        stepped.until(lambda: stepped.one("SELECT 1 FROM flow_run WHERE id = ?", run_id))
        stepped.until_state(run_id, "RUNNING/Running")

        stepped.ask(cancel.cancel, run_id=run_id, grace_s=0.2)
        stepped.until_over(run_id)

        assert stepped.state(run_id) == "CANCELLED/Cancelled"
        assert process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
        children = [int(pid) for pid in (project.path / "children").read_text().split()]
        stepped.until(lambda: not any(map(processes.find, children)), "no child is left")
    finally:
        process.kill()
        process.wait()


def test_a_new_daemon_goes_on_with_a_cancel(stepped: Stepped, project: Project, home: Home) -> None:
    file = project.write("jobs.py", _STUBBORN)
    run_id = stepped.plan(file, "job")
    _wait_for(project.path / "began", stepped)
    stepped.ask(cancel.cancel, run_id=run_id, grace_s=60)
    stepped.step()
    stepped.abandon()

    second = Stepped(home)
    second.step()
    second.dispatcher.cancellations[run_id].insist()
    second.until_over(run_id)

    assert second.state(run_id) == "CANCELLED/Cancelled"
    second.until(lambda: not _others(second, home), "the fork server of the first daemon has ended too")
    second.stop()


def test_what_makes_no_sense_is_refused_with_a_sentence(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", "from flowctl import flow\n@flow\ndef job(): pass\n")
    run_id = stepped.plan(file, "job")

    _refused(stepped, "stale", run_id=run_id, state_version=77)
    _refused(stepped, "bad_request", run_id=7)
    _refused(stepped, "bad_request", run_id=run_id, grace_s="soon")
    _refused(stepped, "not_found", run_id="0" * 36)
    stepped.until_over(run_id)
    _refused(stepped, "refused", run_id=run_id)


def _refused(stepped: Stepped, kind: str, **fields: Any) -> None:
    with pytest.raises(Refused) as refused:
        stepped.ask(cancel.cancel, **fields)
    assert refused.value.kind == kind
    assert refused.value.message.endswith((".", "?"))


def test_a_foreign_process_that_got_the_number_of_a_dead_one_is_not_signalled(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        found = processes.find(child.pid)
        assert found is not None
        earlier = found._replace(started=found.started - 1)

        assert not processes.send(earlier, signal.SIGKILL)
        time.sleep(0.05)
        assert child.poll() is None
        assert processes.send(found, signal.SIGKILL)
