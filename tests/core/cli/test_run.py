"""`flowctl run` as people and scripts meet it: in a process of its own, through pipes and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Command, Project

FLOW = """
import os, sys, subprocess, time
from flowctl import flow, task, get_run_logger

@task
def double(n):
    get_run_logger().info("doubling %s", n)
    return n * 2

@task(retries=1, retry_delay_seconds=0.01)
def broken():
    raise ValueError("[/] \\x1b[31mno\\x1b[0m \\u202e")

@task
def nap(seconds):
    open("napping", "w").close()
    time.sleep(seconds)

@flow
def etl(n: int = 3, fail: bool = False):
    print("printed by the flow")
    total = sum(double.map(range(n)).result())
    if fail:
        broken()
    return {"total": total}

@flow
def crash():
    sys.exit("gone")

@flow
def sleepy(seconds: float = 30):
    nap(seconds)

@flow
def children():
    nap(0.3)
    subprocess.run([sys.executable, "-c", "print('said by a child')"])
    nap(0.3)

@flow
def deadly():
    print("last words")
    nap(0.3)
    os._exit(9)

class Reports:
    @classmethod
    @flow
    def weekly(cls, days: int = 7):
        return f"{cls.__name__} of {days} days"

    @flow
    def monthly(self): ...
"""


@pytest.fixture
def jobs(project: Project) -> Project:
    project.write("jobs.py", FLOW)
    return project


def test_a_pipe_gets_plain_lines_and_the_exit_code_is_zero(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "-p", "n=4", "--name", "first", "--tag", "a")

    assert done.returncode == 0, done.stderr
    assert "printed by the flow" in done.stdout
    assert "flow etl/first started" in done.stdout
    assert re.search(r"double-00\d │ doubling 3", done.stdout)
    assert re.search(r"✓ double  4/4  4 completed", done.stdout)
    assert re.search(r"✓ etl  first  completed in ", done.stdout)
    assert "result    {'total': 12}" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_a_failed_run_exits_with_1_and_shows_where(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "-p", "fail=yes")

    assert done.returncode == 1
    assert "ValueError: [/] no <U+202E>" in done.stdout
    assert "▸ jobs.py:24 in etl" in done.stdout
    assert "▸ jobs.py:12 in broken" in done.stdout
    assert 'raise ValueError("' in done.stdout
    assert re.search(r"flowctl runs retry [0-9a-f]{8}", done.stdout)
    assert "\x1b" not in done.stdout


def test_a_class_method_is_a_flow_as_any_other_and_a_method_needs_its_object(
    jobs: Project, flowctl_command: Command
) -> None:
    assert "'Reports of 5 days'" in flowctl_command("run", "jobs.py:Reports.weekly", "-p", "days=5").stdout

    done = flowctl_command("run", "jobs.py:Reports.monthly")

    assert done.returncode == 2
    assert "Flow 'monthly' is a method of Reports and needs an object." in done.stderr


@pytest.mark.parametrize(("flow", "code", "state"), [("crash", 3, "CRASHED"), ("etl", 0, "COMPLETED")])
def test_the_exit_code_tells_the_state(
    jobs: Project, flowctl_command: Command, flow: str, code: int, state: str
) -> None:
    done = flowctl_command("run", f"jobs.py:{flow}", "--json")

    assert (done.returncode, json.loads(done.stdout)["state"]) == (code, state)


def test_json_is_alone_on_stdout_and_everything_else_on_stderr(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "--json")

    found = json.loads(done.stdout)
    assert found["result"] == {"total": 6}
    assert found["tasks"] == {"total": 3, "completed": 3}
    assert "printed by the flow" in done.stderr
    assert "✓ etl" in done.stderr


def test_children_of_the_flow_do_not_write_into_the_json(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:children", "--json")

    assert json.loads(done.stdout)["state"] == "COMPLETED"
    assert "said by a child" in done.stderr


def test_events_are_json_lines_and_end_with_the_summary(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "--events", "--quiet")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "flow_run.created"
    assert [event["message"] for event in events if event.get("task_run_id") and event["event"] == "log"][:1] == [
        "doubling 0"
    ]
    assert (events[-1]["event"], events[-1]["state"]) == ("summary", "COMPLETED")


def test_nothing_is_run_when_parameters_do_not_fit(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "-p", "n=many", "--json")

    assert done.returncode == 2
    assert "printed by the flow" not in done.stderr
    assert "n: Input should be a valid integer" in done.stderr
    assert json.loads(done.stdout)["error"]["type"] == "CommandError"


def test_a_target_that_cannot_be_had_is_a_sentence_and_exit_2(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jbos.py")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: There is no file 'jbos.py'. Did you mean 'jobs.py'?\n"


def test_a_file_that_raises_shows_the_users_frames(project: Project, flowctl_command: Command) -> None:
    project.write("bad.py", "def inner():\n    return {}['key \\x1b[31m']\n\ninner()\n")

    done = flowctl_command("run", "bad.py")

    assert done.returncode == 2
    assert "bad.py raises while it is imported: KeyError" in done.stderr
    assert "▸ bad.py:2 in inner" in done.stderr
    assert "\x1b" not in done.stderr
    assert "importlib" not in done.stderr


def test_quiet_says_one_line_when_all_is_well(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "-q")

    assert len(done.stdout.splitlines()) == 2  # what the flow itself prints is its own
    assert done.stdout.splitlines()[1].startswith("✓ etl")


def test_the_log_level_hides_what_is_below_it(jobs: Project, flowctl_command: Command) -> None:
    assert "doubling" not in flowctl_command("run", "jobs.py:etl", "--log-level", "warning").stdout
    assert flowctl_command("run", "jobs.py:etl", "--log-level", "loud").returncode == 2


def test_colours_come_only_where_they_are_asked_for(jobs: Project, flowctl_command: Command) -> None:
    assert "\x1b[" in flowctl_command("run", "jobs.py:etl", FORCE_COLOR="1").stdout
    assert "\x1b[" not in flowctl_command("run", "jobs.py:etl", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_an_output_that_is_not_utf_8_gets_ascii_glyphs(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", PYTHONIOENCODING="ascii")

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "+ etl" in done.stdout


def test_github_actions_gets_a_group_and_an_annotation(jobs: Project, flowctl_command: Command) -> None:
    done = flowctl_command("run", "jobs.py:etl", "-p", "fail=1", GITHUB_ACTIONS="true", GITHUB_WORKSPACE="")

    lines = done.stdout.splitlines()
    assert any(line.startswith("::group::flow etl/") for line in lines)
    assert "::error file=jobs.py,line=12,title=flow etl failed::ValueError: [/] no <U+202E>" in lines


def test_a_reader_that_goes_away_does_not_stop_the_run(jobs: Project, home: object) -> None:
    command = f"{sys.executable} -m flowctl run jobs.py:etl -p n=2000 | head -n 1"

    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=jobs.path, capture_output=True, text=True)

    assert done.returncode == 0
    assert "BrokenPipe" not in done.stderr


class Terminal:
    """A flowctl process on a pseudo-terminal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[3])}
        environment.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", *words],
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def read_until(self, wanted: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while wanted not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{wanted!r} did not come: {self.seen!r}"
            if select.select([self.master], [], [], left)[0] and not self._read():
                assert wanted in self.seen, f"{wanted!r} did not come: {self.seen!r}"

    def end(self) -> int:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], 1)[0] and not self._read():
                break
        os.close(self.master)
        return self.process.wait(30)

    def _read(self) -> bool:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # Linux says so when the last process is gone
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


def test_a_terminal_gets_the_live_display_and_is_left_clean(jobs: Project) -> None:
    terminal = Terminal(jobs.path, "run", "jobs.py:sleepy", "-p", "seconds=0.5")

    terminal.read_until("ctrl+c cancels")
    assert terminal.end() == 0

    assert "sleepy" in terminal.seen
    assert "completed" in terminal.seen
    assert terminal.seen.rfind("\x1b[?25h") > terminal.seen.rfind("\x1b[?25l")


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 4, "cancelled"), (signal.SIGTERM, 3, "crashed")])
def test_a_stopped_run_leaves_the_terminal_clean(jobs: Project, number: signal.Signals, code: int, word: str) -> None:
    terminal = Terminal(jobs.path, "run", "jobs.py:sleepy")
    terminal.read_until("ctrl+c cancels")

    terminal.process.send_signal(number)

    assert terminal.end() == code
    assert f"1 {word}" in terminal.seen
    assert re.search(r"was at.*jobs\.py:\d+", terminal.seen)
    assert "Interrupted" not in terminal.seen and "Terminated" not in terminal.seen
    assert terminal.seen.rfind("\x1b[?25h") > terminal.seen.rfind("\x1b[?25l")


def test_what_children_write_on_a_terminal_is_shown_and_not_drawn_over(jobs: Project) -> None:
    terminal = Terminal(jobs.path, "run", "jobs.py:children")

    assert terminal.end() == 0

    assert re.search(r"said by a child\x1b\[K", terminal.seen)


def test_what_was_printed_before_a_sudden_end_is_on_the_terminal(jobs: Project) -> None:
    terminal = Terminal(jobs.path, "run", "jobs.py:deadly")

    assert terminal.end() == 3

    assert "last words" in terminal.seen
    assert "The flow ended its process with os._exit(9), so the run crashed." in terminal.seen
