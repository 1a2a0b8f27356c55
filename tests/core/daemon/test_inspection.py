"""Looking into files of the user's, with real children: whatever a file does, the answer comes, and nobody is left."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowctl.core.daemon.inspection import Inspected, Inspectors, Surroundings
from tests.conftest import Project

WITHIN_S = 30.0

Look = Callable[..., Inspected]


@pytest.fixture
def inspectors() -> Iterator[Inspectors]:
    inspectors = Inspectors(seconds=5.0)
    yield inspectors
    inspectors.close()


@pytest.fixture
def look(project: Project, inspectors: Inspectors) -> Look:
    """Look into a file with the text that is given."""

    def run(text: str, name: str = "jobs.py", *, python: str = sys.executable, is_known: bool = False) -> Inspected:
        file = project.write(name, text)
        surroundings = Surroundings(python=python, cwd=str(project.path))
        found = inspectors.ask(str(file), surroundings, is_known=is_known, now_s=time.monotonic())
        return found or answers(inspectors, 1)[0]

    return run


def answers(inspectors: Inspectors, count: int) -> list[Inspected]:
    deadline = time.monotonic() + WITHIN_S
    found: list[Inspected] = []
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} answers"
        found += inspectors.answers(time.monotonic())
        select.select([], [], [], 0.002)
    return found


def test_a_file_that_went_before_it_was_loaded_is_gone_and_not_broken(inspectors: Inspectors, tmp_path: Path) -> None:
    surroundings = Surroundings(python=sys.executable, cwd=str(tmp_path))

    inspectors.ask(str(tmp_path / "gone.py"), surroundings, is_known=True, now_s=time.monotonic())
    (found,) = answers(inspectors, 1)

    assert (found.is_gone, found.problem) == (True, None)


def test_flows_are_told_with_schema_schedules_and_the_files_they_are_made_of(look: Look, project: Project) -> None:
    helper = project.write("parts/scale.py", "FACTOR = 3\n")
    project.write("parts/__init__.py", "")

    found = look(
        "from flowctl import Cron, flow\nfrom parts.scale import FACTOR\n\n"
        "@flow(schedule=Cron('0 2 * * *', timezone='Europe/Berlin'))\n"
        "def nightly(day: str, limit: int = FACTOR):\n    '''Load a day.'''\n"
    )

    assert found.problem is None
    (flow,) = found.flows
    assert (flow["attribute"], flow["name"], flow["line"]) == ("nightly", "nightly", 4)
    assert flow["description"] == "Load a day."
    assert flow["required"] == ["day"]
    assert flow["schema"]["properties"]["limit"]["default"] == 3
    assert flow["schedules"][0]["expression"] == "0 2 * * *"
    assert flow["schedules"][0]["timezone"] == "Europe/Berlin"
    assert set(found.files) == {str(project.path / "jobs.py"), str(helper), str(helper.with_name("__init__.py"))}


def test_a_module_that_is_imported_late_is_known_by_the_text(look: Look, project: Project) -> None:
    late = project.write("late.py", "")

    found = look("from flowctl import flow\n@flow\ndef a():\n    import late\n")

    assert str(late) in found.named
    assert str(late) not in found.files


def test_a_script_that_has_no_flows_is_never_run(look: Look, project: Project) -> None:
    found = look("open('ran', 'w')\n# from flowctl\n")

    assert (found.flows, found.problem) == ([], None)
    assert not (project.path / "ran").exists()


def test_a_syntax_error_is_told_with_line_and_caret(look: Look) -> None:
    found = look("from flowctl import flow\n\ndef f(:\n    pass\n")

    assert found.problem is not None
    assert (found.problem["kind"], found.problem["line"]) == ("SyntaxError", 3)
    assert found.problem["code"].splitlines() == ["def f(:", "      ^"]


def test_an_error_of_the_import_is_told_at_the_innermost_line_of_the_users(look: Look, project: Project) -> None:
    module = project.write("parts.py", "def load():\n    import json\n    return json.loads('{')\n\nload()\n")

    found = look("from flowctl import flow\nimport parts\n")

    assert found.problem is not None
    assert found.problem["kind"] == "JSONDecodeError"
    assert (found.problem["file"], found.problem["line"]) == (str(module), 3)


def test_a_flow_called_while_its_file_is_imported_is_not_run(look: Look, project: Project) -> None:
    found = look("from flowctl import flow\n@flow\ndef a():\n    open('ran', 'w')\na()\n")

    assert found.problem is not None
    assert found.problem["kind"] == "CalledOnImport"
    assert found.problem["line"] == 5
    assert "__main__" in found.problem["message"]
    assert not (project.path / "ran").exists()


def test_serving_while_a_file_is_imported_does_nothing(look: Look) -> None:
    found = look("from flowctl import flow\n@flow\ndef a(): ...\na.serve(cron='0 0 * * *')\na.deploy()\n")

    assert found.problem is None
    assert [flow["name"] for flow in found.flows] == ["a"]


@pytest.mark.parametrize(("status", "words"), [(0, "exit status 0"), (7, "exit status 7")])
def test_a_file_that_ends_the_process_is_told_with_its_last_words(look: Look, status: int, words: str) -> None:
    found = look(f"from flowctl import flow\nimport os\nprint('last words')\nos._exit({status})\n")

    assert found.problem is not None
    assert words in found.problem["message"]
    assert "last words" in found.problem["message"]


def test_a_file_that_is_killed_is_told_with_the_signal(look: Look) -> None:
    found = look("from flowctl import flow\nimport os\nos.kill(os.getpid(), 11)\n")

    assert found.problem is not None
    assert "SIGSEGV" in found.problem["message"]


def test_a_file_that_exits_is_told(look: Look) -> None:
    found = look("from flowctl import flow\nraise SystemExit('no')\n")

    assert found.problem is not None
    assert found.problem["kind"] == "SystemExit"


def test_a_file_that_hangs_is_ended_with_all_that_it_started(
    look: Look, inspectors: Inspectors, project: Project
) -> None:
    inspectors.seconds = 1.0

    found = look(
        "from flowctl import flow\nimport subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'], start_new_session=True)\n"
        "open('child', 'w').write(str(child.pid))\ntime.sleep(100)\n"
    )

    assert found.problem is not None
    assert found.problem["kind"] == "TimedOut"
    child = int((project.path / "child").read_text())
    _once(lambda: not Path(f"/proc/{child}").exists())


def test_output_without_end_and_a_closed_stdout_hurt_nobody(look: Look, inspectors: Inspectors) -> None:
    inspectors.seconds = 1.0

    endless = look("from flowctl import flow\nwhile True: print('x' * 1000)\n", "endless.py")
    closed = look("from flowctl import flow\nimport sys\nsys.stdout.close()\n@flow\ndef a(): ...\n", "closed.py")

    assert endless.problem is not None
    assert endless.problem["kind"] == "TimedOut"
    assert [flow["name"] for flow in closed.flows] == ["a"]


def test_too_much_memory_is_refused(look: Look, inspectors: Inspectors) -> None:
    inspectors.memory = 300 << 20

    found = look("from flowctl import flow\nx = []\nwhile True: x.append(bytearray(10_000_000))\n")

    assert found.problem is not None
    assert found.problem["kind"] == "MemoryError"


def test_threads_that_a_file_starts_do_not_hold_the_answer_up(look: Look) -> None:
    started = time.monotonic()

    found = look(
        "from flowctl import flow\nimport threading, time\n"
        "threading.Thread(target=time.sleep, args=(100,)).start()\n@flow\ndef a(): ...\n"
    )

    assert [flow["name"] for flow in found.flows] == ["a"]
    assert time.monotonic() - started < 5.0


def test_a_default_that_json_cannot_hold_is_left_out(look: Look) -> None:
    found = look(
        "from flowctl import flow\n@flow\ndef a(x: int = 1, y: object = object(), z: float = float('nan')): ...\n"
    )

    assert found.problem is None
    assert found.flows[0]["required"] == []


def test_of_many_files_at_once_each_has_its_own_modules_and_its_own_fate(
    project: Project, inspectors: Inspectors
) -> None:
    here = Surroundings(python=sys.executable, cwd=str(project.path))
    inspectors.seconds = 5.0
    for number in range(80):
        text = f"from flowctl import flow\nfrom near import WHO\n@flow(name=f'{{WHO}}-{number}')\ndef a(): ...\n"
        if number % 20 == 7:
            text = "from flowctl import flow\nimport os\nos._exit(3)\n"
        file = project.write(f"folder{number}/jobs.py", text)
        project.write(f"folder{number}/near.py", f"WHO = 'near-{number}'\n")
        inspectors.ask(str(file), here, is_known=False, now_s=time.monotonic())

    found = {inspected.path: inspected for inspected in answers(inspectors, 80)}

    assert len(found) == 80
    for number in range(80):
        inspected = found[str(project.path / f"folder{number}" / "jobs.py")]
        if number % 20 == 7:
            assert inspected.problem is not None
            assert "exit status 3" in inspected.problem["message"]
        else:
            assert [flow["name"] for flow in inspected.flows] == [f"near-{number}-{number}"]
            assert set(inspected.files) == {
                inspected.path,
                str(project.path / f"folder{number}" / "near.py"),
            }


def test_an_inspector_that_is_killed_is_replaced(look: Look, inspectors: Inspectors) -> None:
    look("from flowctl import flow\n@flow\ndef a(): ...\n")
    (pid,) = inspectors.pids

    os.kill(pid, 9)
    found = look("from flowctl import flow\n@flow\ndef b(): ...\n")

    assert [flow["name"] for flow in found.flows] == ["b"]
    assert inspectors.pids != [pid]


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false"])
def test_an_interpreter_that_cannot_do_it_is_told(look: Look, python: str) -> None:
    found = look("from flowctl import flow\n", python=python)

    assert found.problem is not None
    assert found.problem["kind"] == "NoInterpreter"
    assert python in found.problem["message"]


def test_when_the_one_who_asked_is_killed_nobody_is_left(project: Project) -> None:
    hanging = project.write(
        "hang.py",
        "from flowctl import flow\nimport os, time\nopen('pids', 'w').write(f'{os.getpid()} {os.getppid()} ')\n"
        "time.sleep(100)\n",
    )
    script = (
        "import sys, time\nfrom flowctl.core.daemon.inspection import Inspectors, Surroundings\n"
        "inspectors = Inspectors(seconds=90)\nhere = Surroundings(python=sys.executable, cwd='.')\n"
        f"inspectors.ask({str(hanging)!r}, here, is_known=True, now_s=0)\ntime.sleep(100)\n"
    )
    asker = subprocess.Popen([sys.executable, "-c", script], cwd=project.path)
    pids = project.path / "pids"
    _once(lambda: pids.exists() and pids.read_text().endswith(" "))

    asker.kill()
    asker.wait()

    places = [Path(f"/proc/{pid}") for pid in pids.read_text().split()]
    _once(lambda: not any(place.exists() for place in places))


def _once(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)
