"""Runs in processes of a fork server: where they run, what becomes of their output, how their end is told."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from flowctl.core.daemon import processes
from flowctl.store.home import Home
from flowctl.store.output import output_path
from tests.conftest import Project
from tests.core.daemon.stepped import Stepped, processes_of

_WAITS = """
import os, time
from pathlib import Path
from flowctl import flow
@flow
def waits():
    Path("began").write_text(str(os.getpid()))
    while not Path("go").exists():
        time.sleep(0.01)
    return 7
"""


def _began(project: Project) -> bool:
    return (project.path / "began").exists()


def test_a_run_finds_its_folder_its_neighbours_and_its_arguments(stepped: Stepped, project: Project) -> None:
    project.write("neighbour.py", "WORD = 'hello'\n")
    file = project.write(
        "jobs.py",
        "import os, sys\nfrom neighbour import WORD\nfrom flowctl import flow\n"
        "@flow\ndef where(n: int):\n    return f'{WORD} {n + 1} {os.getcwd()} {os.getsid(0) == os.getpid()}'\n",
    )

    run_id = stepped.plan(file, "where", {"n": "4"}, tags=["a"])
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed"
    assert stepped.one("SELECT value FROM flow_run WHERE id = ?", run_id) == f"'hello 5 {project.path} True'"
    assert stepped.one("SELECT exit_code FROM flow_run WHERE id = ?", run_id) == 0
    assert stepped.one("SELECT max_memory FROM flow_run WHERE id = ?", run_id) > 1_000_000
    assert stepped.one("SELECT count(*) FROM planned_run WHERE run_id = ?", run_id) == 0


def test_output_of_the_whole_tree_becomes_log_lines_with_stream_and_task(
    stepped: Stepped, project: Project, home: Home
) -> None:
    file = project.write(
        "jobs.py",
        "import os, subprocess, sys\nfrom flowctl import flow, task\n"
        "@task\ndef speak():\n    print('from a task'); print('no end', end='')\n"
        "@flow\ndef talk():\n"
        "    print('from the flow', file=sys.stderr)\n    speak()\n"
        "    subprocess.run(['sh', '-c', 'echo child out; echo child err >&2; (echo grandchild &) '])\n"
        "    os.write(1, b'0%\\r50%\\r100%\\n\\xff raw\\n')\n",
    )

    run_id = stepped.plan(file, "talk")
    stepped.until_over(run_id)

    lines = [(logger, message, task) for logger, message, task in stepped.logs(run_id) if logger.startswith("std")]
    assert ("stdout", "from a task", 1) in lines
    assert ("stdout", "no end", 1) in lines
    assert ("stderr", "from the flow", None) in lines
    assert ("stdout", "child out", None) in lines
    assert ("stderr", "child err", None) in lines
    assert ("stdout", "grandchild", None) in lines
    assert ("stdout", "100%", None) in lines
    assert ("stdout", "\ufffd raw", None) in lines
    assert len(lines) == 8
    assert not Path(output_path(home.run_folder(run_id), "stdout", 1)).exists()


def test_what_a_killed_process_wrote_last_is_kept(stepped: Stepped, project: Project) -> None:
    file = project.write(
        "jobs.py",
        "import os, signal\nfrom flowctl import flow\n"
        "@flow\ndef dies():\n    os.write(2, b'last words\\nand a half')\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )

    run_id = stepped.plan(file, "dies")
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CRASHED/Crashed"
    assert "SIGKILL" in stepped.message(run_id)
    assert [message for logger, message, _ in stepped.logs(run_id) if logger == "stderr"] == [
        "last words",
        "and a half",
    ]


def test_a_line_without_end_is_cut_and_costs_little_memory(stepped: Stepped, project: Project) -> None:
    file = project.write(
        "jobs.py",
        "import subprocess, sys\nfrom flowctl import flow\n"
        "@flow\ndef floods():\n"
        "    writes = 'import os\\nfor _ in range(128): os.write(1, b\"x\" * (1 << 20))'\n"
        "    subprocess.run([sys.executable, '-c', writes])\n"
        "    subprocess.run(['sh', '-c', 'echo; echo end'])\n",
    )

    run_id = stepped.plan(file, "floods")
    stepped.until_over(run_id)

    lines = [message for logger, message, _ in stepped.logs(run_id) if logger == "stdout"]
    assert len(lines) == 2
    assert len(lines[0]) < 70_000
    assert "[cut: the line is longer than 64 KiB]" in lines[0]
    assert lines[1] == "end"
    assert stepped.one("SELECT max_memory FROM flow_run WHERE id = ?", run_id) < 100 << 20


@pytest.mark.parametrize(
    ("body", "state", "message", "code"),
    [
        ("os._exit(0)", "CRASHED/Crashed", "exit status 0 before the flow did", 0),
        ("os._exit(3)", "CRASHED/Crashed", "exit status 3 before the flow did", 3),
        ("os.kill(os.getpid(), 11)", "CRASHED/Crashed", "killed by SIGSEGV", -11),
        ("raise ValueError('no')", "FAILED/Failed", "ValueError: no", 1),
        ("os.kill(os.getpid(), 15); time.sleep(9)", "CRASHED/Crashed", "termination signal", 3),
    ],
)
def test_the_end_of_a_process_is_told(
    stepped: Stepped, project: Project, body: str, state: str, message: str, code: int
) -> None:
    file = project.write("jobs.py", f"import os, time\nfrom flowctl import flow\n@flow\ndef ends():\n    {body}\n")

    run_id = stepped.plan(file, "ends")
    stepped.until_over(run_id)

    assert stepped.state(run_id) == state
    assert message in stepped.message(run_id)
    assert stepped.one("SELECT exit_code FROM flow_run WHERE id = ?", run_id) == code


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("def broken(:\n", {}, "invalid syntax"),
        ("raise RuntimeError('at import')\n", {}, "at import"),
        ("from flowctl import flow\n@flow\ndef other(): pass\n", {}, "has no flow 'job'"),
        ("from flowctl import flow\n@flow\ndef job(): pass\n", {"n": 1}, "'n'"),
        ("import os\nos._exit(5)\n", {}, "exit status 5"),
    ],
)
def test_a_flow_that_cannot_be_called_says_why(
    stepped: Stepped, project: Project, text: str, arguments: dict[str, int], message: str
) -> None:
    file = project.write("jobs.py", text)

    run_id = stepped.plan(file, "job", arguments)
    stepped.until_over(run_id)

    assert stepped.state(run_id).split("/")[0] in ("FAILED", "CRASHED")
    assert message in stepped.message(run_id)


def test_a_folder_that_is_gone_says_so(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", "from flowctl import flow\n@flow\ndef job(): pass\n")

    run_id = stepped.plan(file, "job", cwd=str(project.path / "gone"))
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "FAILED/Failed"
    assert "working folder" in stepped.message(run_id)


def test_an_interpreter_that_cannot_run_flows_fails_the_run(stepped: Stepped, project: Project) -> None:
    file = project.write("jobs.py", "from flowctl import flow\n@flow\ndef job(): pass\n")

    missing = stepped.plan(file, "job", python="/no/such/python")
    wrong = stepped.plan(file, "job", python="/bin/false")
    stepped.until_over(missing, wrong)

    assert stepped.state(missing) == stepped.state(wrong) == "FAILED/Failed"
    assert "/no/such/python" in stepped.message(missing)
    assert "/bin/false" in stepped.message(wrong)


def test_a_killed_fork_server_leaves_its_runs_alone_and_is_started_anew(
    stepped: Stepped, project: Project, home: Home
) -> None:
    file = project.write("jobs.py", _WAITS)
    living = stepped.plan(file, "waits")
    stepped.until(lambda: _began(project), "the flow has begun")
    (server,) = stepped.dispatcher.servers.pids

    os.kill(server, signal.SIGKILL)
    quick = project.write("quick.py", "from flowctl import flow\n@flow\ndef quick(): return 1\n")
    later = [stepped.plan(quick, "quick") for _ in range(3)]
    stepped.until_over(*later)

    assert stepped.state(living) == "RUNNING/Running"
    (project.path / "go").touch()
    stepped.until_over(living)
    assert stepped.state(living) == "COMPLETED/Completed"
    assert {stepped.state(run_id) for run_id in later} == {"COMPLETED/Completed"}


def test_starts_are_neither_lost_nor_doubled_when_the_fork_server_is_killed_again_and_again(
    stepped: Stepped, project: Project
) -> None:
    file = project.write(
        "jobs.py",
        "from flowctl import flow\n@flow\ndef marks(n: int):\n"
        "    with open('marks', 'a') as file:\n        file.write(f'{n}\\n')\n",
    )
    runs = [stepped.plan(file, "marks", {"n": number}) for number in range(12)]

    for _ in range(4):
        began = len((project.path / "marks").read_text().splitlines()) if (project.path / "marks").exists() else 0
        stepped.until(
            lambda began=began: (
                (  # type: ignore[misc]
                    (project.path / "marks").exists() and len((project.path / "marks").read_text().splitlines()) > began
                )
                or stepped.one("SELECT count(*) FROM flow_run WHERE ended_at IS NULL") == 0
            ),
            "one more run has begun",
        )
        for pid in stepped.dispatcher.servers.pids:
            os.kill(pid, signal.SIGKILL)
    stepped.until_over(*runs)

    assert sorted(map(int, (project.path / "marks").read_text().split())) == list(range(12))
    assert {stepped.state(run_id) for run_id in runs} == {"COMPLETED/Completed"}


def test_a_crashed_run_leaves_no_process_behind(stepped: Stepped, project: Project, home: Home) -> None:
    file = project.write(
        "jobs.py",
        "import multiprocessing, os, signal, subprocess, time\nfrom pathlib import Path\nfrom flowctl import flow\n"
        "def stay():\n    os.setsid()\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(600)\n"
        "@flow\ndef leaves():\n"
        "    multiprocessing.get_context('fork').Process(target=stay).start()\n"
        "    subprocess.Popen(['setsid', 'sleep', '600'])\n    subprocess.Popen(['sleep', '600'])\n"
        "    Path('began').touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )

    run_id = stepped.plan(file, "leaves")
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CRASHED/Crashed"
    servers = set(stepped.dispatcher.servers.pids)
    assert [seen for seen in processes_of(home) if seen.process.pid not in servers] == []


def test_a_run_whose_fork_server_was_killed_leaves_no_process_behind(
    stepped: Stepped, project: Project, home: Home
) -> None:
    file = project.write(
        "jobs.py",
        "import subprocess, time\nfrom pathlib import Path\nfrom flowctl import flow\n"
        "@flow\ndef stays():\n"
        "    subprocess.Popen(['setsid', 'sleep', '600'])\n    subprocess.Popen(['sleep', '600'])\n"
        "    Path('began').touch()\n    time.sleep(600)\n",
    )
    run_id = stepped.plan(file, "stays")
    stepped.until(lambda: _began(project), "the flow has begun")
    stepped.until_state(run_id, "RUNNING/Running")
    process = stepped.dispatcher.runs[run_id].process
    assert process is not None

    for pid in (*stepped.dispatcher.servers.pids, process.pid):
        os.kill(pid, signal.SIGKILL)
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "CRASHED/Crashed"
    stepped.until(lambda: processes_of(home) == [], "nobody is left")


def test_a_child_of_its_own_session_survives_a_good_end_and_others_do_not(
    stepped: Stepped, project: Project, home: Home
) -> None:
    file = project.write(
        "jobs.py",
        "import subprocess\nfrom pathlib import Path\nfrom flowctl import flow\n"
        "@flow\ndef leaves():\n"
        "    own = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "    other = subprocess.Popen(['sleep', '601'])\n    Path('pids').write_text(f'{own.pid} {other.pid}')\n",
    )

    run_id = stepped.plan(file, "leaves")
    stepped.until_over(run_id)

    own, other = (processes.find(int(pid)) for pid in (project.path / "pids").read_text().split())
    assert other is None
    assert own is not None
    assert processes.send(own, signal.SIGKILL)


def test_a_process_is_spawned_where_forking_is_unsafe(
    stepped: Stepped, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.write(
        "jobs.py",
        "import sys, subprocess\nfrom flowctl import flow\n"
        "@flow\ndef spawned(n):\n    subprocess.run(['echo', 'out'])\n    return n, 'forkserver' in sys.argv\n",
    )

    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        run_id = stepped.plan(file, "spawned", {"n": [1, "é"]})
        stepped.step()
    stepped.until_over(run_id)

    assert stepped.state(run_id) == "COMPLETED/Completed", stepped.message(run_id)
    assert ("stdout", "out", None) in stepped.logs(run_id)
