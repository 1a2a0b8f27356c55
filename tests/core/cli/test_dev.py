"""`flowctl dev` with real files, real processes and the ways in which editors save."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.conftest import Command, Project
from tests.core.cli.dev_session import Session, wait_until
from tests.core.daemon.saving import WAYS, in_place

FLOW = """
import time
from pathlib import Path
from flowctl import flow, task
from parts import scale

@flow
def etl(n: int = 1, nap: float = 0):
    print(f"version 1 gives {scale(n)}")
    Path("started").touch()
    time.sleep(nap)
"""
PARTS = "def scale(n):\n    return n * 10\n"

Dev = Callable[..., Session]


@pytest.fixture
def etl(project: Project) -> Path:
    project.write("parts.py", PARTS)
    return project.write("etl.py", FLOW)


@pytest.fixture
def dev(project: Project) -> Iterator[Dev]:
    sessions: list[Session] = []

    def start(*words: str, is_terminal: bool = False) -> Session:
        sessions.append(Session(project.path, *words, is_terminal=is_terminal))
        return sessions[-1]

    yield start
    for session in sessions:
        session.kill()


def version(number: int) -> str:
    return FLOW.replace("version 1", f"version {number}")


@pytest.mark.parametrize("save", WAYS)
def test_one_save_is_one_rerun_however_the_editor_saves(etl: Path, dev: Dev, save: Callable[[Path, str], None]) -> None:
    session = dev("etl.py")
    session.wait_for("version 1 gives 10")
    session.settle()

    save(etl, version(2))
    session.wait_for("version 2 gives 10")
    session.settle()
    in_place(etl, version(3))
    session.wait_for("version 3 gives 10")
    session.settle()

    assert session.count("version 2 gives 10") == 1
    assert session.count("saved · ") == 2
    assert session.end() == 0


def test_a_module_that_is_imported_is_watched_too(etl: Path, dev: Dev) -> None:
    session = dev("etl.py:etl", "-p", "n=3")
    session.wait_for("version 1 gives 30")
    session.settle()

    in_place(etl.with_name("parts.py"), PARTS.replace("10", "20"))

    session.wait_for("version 1 gives 60")
    session.wait_for("── parts.py saved")


def test_a_touch_is_no_save(etl: Path, dev: Dev) -> None:
    session = dev("etl.py")
    session.wait_for("version 1 gives 10")
    session.settle()

    etl.touch()
    in_place(etl, FLOW)
    etl.with_name("parts.py").chmod(0o600)
    etl.with_name("other.py").write_text("nobody imports this")
    in_place(etl, version(2))
    session.wait_for("version 2 gives 10")
    session.settle()

    assert session.count("saved · ") == 1


def test_a_save_cancels_the_run_under_way(etl: Path, dev: Dev, home: Home, flowctl_command: Command) -> None:
    session = dev("etl.py", "-p", "nap=60")
    session.wait_for("version 1 gives 10")
    wait_until(etl.with_name("started").exists, "the flow's body")

    in_place(etl, version(2))
    session.wait_for("version 2 gives 10")
    assert session.count("cancelled") >= 1
    session.wait_for("was at    etl.py:")
    assert session.count("Interrupted") == 0, "what flowctl throws is no error of the flow's"
    session.end()

    flowctl_command("runs")
    with closing(sqlite3.connect(home.database)) as database, database:
        states = [name for (name,) in database.execute("SELECT state_name FROM flow_run ORDER BY created_at")]
    assert states == ["Cancelled", "Cancelled"]


def test_a_run_that_does_not_end_is_killed_with_what_it_started(project: Project, dev: Dev) -> None:
    stubborn = """
        import signal, subprocess, sys, time
        from flowctl import flow

        @flow
        def stay():
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
            print("child", child.pid, flush=True)
            while True:
                try:
                    time.sleep(1)
                except BaseException:
                    pass
    """
    text = "\n".join(line[8:] for line in stubborn.splitlines())
    file = project.write("stay.py", text)
    session = dev("stay.py")
    session.wait_for("child ")
    wait_until(lambda: re.search(r"child (\d+)\s", session.text), "the child's number")
    found = re.search(r"child (\d+)\s", session.text)
    assert found is not None

    in_place(file, "from flowctl import flow\n@flow\ndef stay():\n    print('better now')\n")

    session.wait_for("better now")
    wait_until(lambda: not Path(f"/proc/{found[1]}").exists(), "the end of the child")


def test_a_syntax_error_is_shown_with_its_caret_until_it_is_mended(etl: Path, dev: Dev) -> None:
    session = dev("etl.py")
    session.wait_for("version 1 gives 10")
    session.settle()

    in_place(etl, FLOW.replace("time.sleep(nap)", "time.sleep(nap"))
    session.wait_for("SyntaxError: '(' was never closed")
    session.settle()
    assert re.search(r"etl\.py, line 11: SyntaxError.*\n +time\.sleep\(nap\n +\^", session.text)
    assert session.count("Mend the line and save.") == 1
    in_place(etl, version(2))

    session.wait_for("version 2 gives 10")
    assert session.process.poll() is None


def test_an_error_of_an_import_is_shown_and_mended_by_a_new_file(etl: Path, dev: Dev, project: Project) -> None:
    in_place(etl, FLOW.replace("from parts", "from bits"))
    session = dev("etl.py")
    session.wait_for("ModuleNotFoundError: No module named 'bits'")
    session.settle()

    project.write("bits.py", PARTS)

    session.wait_for("version 1 gives 10")
    session.settle()
    in_place(project.path / "bits.py", PARTS.replace("10", "11"))
    session.wait_for("version 1 gives 11")


def test_half_a_save_does_not_end_the_run_under_way(etl: Path, dev: Dev) -> None:
    session = dev("etl.py", "-p", "nap=60")
    session.wait_for("version 1 gives 10")

    with etl.open("w") as file:
        file.write(FLOW[:60] + "(")
        file.flush()
        wait_until(lambda: etl.stat().st_size == 61, "the first half")
        in_place(etl, FLOW)
    in_place(etl.with_name("parts.py"), PARTS.replace("10", "12"))

    session.wait_for("version 1 gives 12")
    assert session.count("Error") == 0
    assert session.count("saved · ") == 1


def test_a_wrong_parameter_is_shown_and_waits_for_a_flow_that_takes_it(etl: Path, dev: Dev) -> None:
    session = dev("etl.py", "-p", "m=3")
    session.wait_for("no parameter 'm'")
    session.settle()

    in_place(etl, FLOW.replace("n: int = 1", "m: int = 1").replace("scale(n)", "scale(m)"))

    session.wait_for("version 1 gives 30")


def test_a_target_that_no_save_can_mend_is_refused(project: Project, flowctl_command: Command) -> None:
    done = flowctl_command("dev", "nothing.py")

    assert done.returncode == 2
    assert "There is no file 'nothing.py'" in done.stderr


def test_a_link_is_followed_to_its_file(etl: Path, dev: Dev, project: Project) -> None:
    inner = project.path / "inner"
    inner.mkdir()
    etl.rename(inner / "real.py")
    (project.path / "parts.py").rename(inner / "parts.py")
    etl.symlink_to(inner / "real.py")
    session = dev("etl.py")
    session.wait_for("version 1 gives 10")
    session.settle()

    in_place(inner / "real.py", version(2))
    session.wait_for("version 2 gives 10")
    session.settle()
    (inner / "third.py").write_text(version(3))
    etl.with_name("new").symlink_to(inner / "third.py")
    etl.with_name("new").rename(etl)

    session.wait_for("version 3 gives 10")


@pytest.mark.skipif(not Path("/usr/bin/git").exists(), reason="needs git")
def test_a_checkout_of_another_branch_is_one_rerun(etl: Path, dev: Dev, project: Project) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *words], cwd=project.path, check=True, capture_output=True)

    git("init", "-q", "-b", "one")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "two")
    in_place(etl, version(2))
    in_place(etl.with_name("parts.py"), PARTS.replace("10", "20"))
    git("commit", "-qam", "two")
    session = dev("etl.py")
    session.wait_for("version 2 gives 20")
    session.settle()

    git("checkout", "-q", "one")

    session.wait_for("version 1 gives 10")
    session.settle()
    assert session.count("saved · ") == 1


def test_a_file_that_is_gone_is_told_so_and_waited_for(etl: Path, dev: Dev) -> None:
    session = dev("etl.py")
    session.wait_for("version 1 gives 10")
    session.settle()

    etl.rename(etl.with_name("kept.txt"))
    session.wait_for("It runs again when the file is back.")
    assert session.count("etl.py gone · ") == 1
    etl.with_name("kept.txt").rename(etl)

    session.wait_for("etl.py saved · ")


def test_a_process_that_dies_is_told(project: Project, dev: Dev) -> None:
    project.write("deadly.py", "import os\nfrom flowctl import flow\n@flow\ndef deadly():\n    os._exit(9)\n")
    session = dev("deadly.py")

    session.wait_for("os._exit(9)")
    session.settle()


def test_ctrl_c_on_a_terminal_cancels_the_run_and_ends(etl: Path, dev: Dev) -> None:
    session = dev("etl.py", "-p", "nap=60", is_terminal=True)
    wait_until(etl.with_name("started").exists, "the flow's body")

    session.press("\x03")

    assert session.process.wait(20) == 4
    session.wait_for("cancelled")


def test_ctrl_c_between_runs_ends(etl: Path, dev: Dev) -> None:
    session = dev("etl.py", is_terminal=True)
    session.wait_for("ctrl+c ends")

    session.press("\x03")

    assert session.process.wait(20) == 0


def test_a_terminal_shows_the_live_display_and_takes_a_problem_off_again(etl: Path, dev: Dev) -> None:
    session = dev("etl.py", is_terminal=True)
    session.wait_for("ctrl+c ends")
    in_place(etl, FLOW.replace("time.sleep(nap)", "time.sleep(nap"))
    session.wait_for("was never closed")
    wait_until(lambda: session.text.rstrip().endswith("ctrl+c ends\x1b[0m"), "the end of the problem's lines")
    before = len(session.text)

    in_place(etl, version(2))

    session.wait_for("version 2 gives 10")
    assert re.match(r"\s*\r\x1b\[\d+A\x1b\[J", session.text[before:])


def test_a_second_interrupt_kills(project: Project, dev: Dev) -> None:
    text = (
        "import time\nfrom flowctl import flow\n@flow\ndef stay():\n    print('stays', flush=True)\n    while True:\n"
    )
    project.write(
        "stay.py", text + "        try:\n            time.sleep(9)\n        except BaseException:\n            pass\n"
    )
    session = dev("stay.py")
    session.wait_for("stays")

    session.process.send_signal(signal.SIGINT)
    session.process.send_signal(signal.SIGINT)
    wait_until(lambda: _sent_again(session), "the end")

    assert session.process.returncode == 130


def _sent_again(session: Session) -> bool:
    """Two equal signals that arrive together are one."""
    if session.process.poll() is not None:
        return True
    os.kill(session.process.pid, signal.SIGINT)
    return False
