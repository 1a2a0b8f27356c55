"""`flowctl runs logs`: whose lines, in which order, and until when."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from flowctl.core.cli.runs_logs import log_lines
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.store.queries import Reader
from tests.core.cli.conftest import Say
from tests.store.journals import NOON, an_id, flow_created, flow_state, opened, write_journal

RUN = an_id(9)


@contextmanager
def alive(home: Home) -> Generator[None]:
    """Be the process of the run."""
    with open(home.run_lock(RUN)) as lock:  # noqa: PTH123 - the lock needs a descriptor
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def line(text: str, *, level: int = 20, logger: str = "flowctl.flow_runs") -> LogLine:
    return LogLine(NOON, 0, None, level, logger, text)


def begun(*more: Record) -> list[Record]:
    return [opened(RUN), flow_created(RUN), flow_state("RUNNING"), *more]


def test_lines_of_subflows_and_tasks_are_there_with_their_sources(runs: Home, say: Say) -> None:
    first, second, third = say("runs", "logs", "calm-heron").out.splitlines()

    assert first[8] == "." and first[12:].strip() == "WARNING  draw-00b  drawing slowly"
    assert second == " " * 15 + "line two"
    assert third[13:] == "INFO     calm-heron  urllib3: connection closed"


@pytest.mark.parametrize(
    ("options", "count"),
    [([], 5), (["--level", "info"], 4), (["--level", "WARNING"], 3), (["--level", "40"], 2), (["-l", "critical"], 1)],
)
def test_the_level_is_a_least_one(options: list[str], count: int, home: Home, say: Say) -> None:
    write_journal(home, RUN, begun(*(line("x", level=level) for level in (10, 20, 30, 40, 50))))

    assert len(say("runs", "logs", *options).out.splitlines()) == count


def test_a_level_that_is_none_is_a_usage_error(runs: Home, say: Say) -> None:
    said = say("runs", "logs", "--level", "wrning")

    assert (said.code, said.err) == (2, "Error: --level 'wrning' is no level. Did you mean 'WARNING'?\n")


@pytest.mark.parametrize("task", ["load-007", "load", "7"])
def test_lines_of_one_task_are_chosen_by_any_of_its_names(task: str, runs: Home, say: Say) -> None:
    out = say("runs", "logs", "brave-otter", "--task", task).out

    assert out.splitlines()[0].endswith("ERROR    load-007  no such table: orders")


def test_a_task_that_is_not_there_is_not_found_with_a_hint(runs: Home, say: Say) -> None:
    said = say("runs", "logs", "brave-otter", "--task", "lod")

    assert (said.code, said.err) == (5, "Error: Run brave-otter has no task 'lod'. Did you mean 'load'?\n")


def test_json_is_one_object_a_line(runs: Home, say: Say) -> None:
    lines = [json.loads(text) for text in say("runs", "logs", "calm-heron", "--json").out.splitlines()]

    assert [each["message"] for each in lines] == ["drawing slowly\n  line two", "connection closed"]
    assert list(lines[0]) == ["at", "level", "level_number", "logger", "message", "flow_run_id", "task_run_id"]


def test_following_gives_new_lines_until_the_run_has_ended(home: Home) -> None:
    write_journal(home, RUN, begun(line("one")))
    said: list[list[Record]] = [
        [line("two")],
        [],
        [line("three"), flow_state("COMPLETED", at=NOON + 5), line("last words")],
    ]
    pauses = iter(said)
    written = 4

    def pause() -> None:
        nonlocal written
        records = next(pauses)
        write_journal(home, RUN, records, first_sequence=written)
        written += len(records)
        catch_up(home)

    with alive(home):
        catch_up(home)
        with Reader.open(home) as reader:
            seen = [each.message for each in log_lines(reader, reader.find_run("-"), least=0, pause=pause)]

    assert seen == ["one", "two", "three", "last words"]


def test_ctrl_c_ends_following_quietly(home: Home, project: object) -> None:
    write_journal(home, RUN, begun(line("one")))
    with alive(home):
        process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "runs", "logs", "-f"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ,
            text=True,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert first.endswith("one\n")
    assert (process.returncode, out, err) == (0, "", "")


def test_a_reader_that_goes_away_is_no_error(home: Home) -> None:
    write_journal(
        home, RUN, [*begun(*(line(f"line {number}" * 50) for number in range(5_000))), flow_state("COMPLETED", at=NOON)]
    )

    process = subprocess.Popen(
        [sys.executable, "-m", "flowctl", "runs", "logs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(timeout=30) in (141, -signal.SIGPIPE)
    assert process.stderr.read() == ""
    process.stderr.close()


def test_the_time_is_that_of_the_user(home: Home, say: Say) -> None:
    write_journal(home, RUN, begun(line("now")))

    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=NOON)
    assert say("runs", "logs").out.startswith(at.astimezone().strftime("%H:%M:%S.000 "))
