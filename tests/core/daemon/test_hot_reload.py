"""Hot reload with a daemon in a process of its own: what was saved is what runs, and runs under way keep their code."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowctl.core.daemon.client import Client
from flowctl.store import file_queries, plan_queries
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.daemon.waiting import once, until

FLOW = """from flowctl import flow
from parts import WHO

@flow
def etl(gate: str = ""):
    import time
    from pathlib import Path
    if gate:
        Path(gate).touch()
        while Path(gate).exists():
            time.sleep(0.01)
    import late
    return f"{WHO} {late.WHO} 1"
"""


@pytest.fixture
def client(home: Home, daemon: int) -> Iterator[Client]:
    with Client.connect(home, start=False) as client:
        yield client


@pytest.fixture
def etl(project: Project, client: Client) -> Path:
    project.write("parts.py", "WHO = 'a'\n")
    project.write("late.py", "WHO = 'late'\n")
    file = project.write("etl.py", FLOW)
    client.ask("deploy", name="etl", flow="etl", file=str(file), python=sys.executable, cwd=str(project.path))
    _settled(client)
    return file


def _settled(client: Client) -> None:
    once(lambda: not client.ask("watch_status")["is_busy"], "the watcher has nothing to do")


def _reloaded(client: Client, before: int) -> None:
    once(lambda: client.ask("watch_status")["reloads"] > before, "the reload")
    _settled(client)


def _ran(home: Home, run_id: str) -> FlowRunRow:
    def find() -> FlowRunRow | None:
        with Reader.open(home) as reader:
            run = reader.flow_run(run_id)
        return run if run.is_final else None

    return until(find, f"the end of run {run_id}")


def test_a_saved_module_is_what_the_next_run_runs(home: Home, client: Client, etl: Path) -> None:
    first = _ran(home, client.ask("run", deployment="etl")["run_id"])
    before = client.ask("watch_status")["reloads"]

    etl.with_name("parts.py").write_text("WHO = 'b'\n")
    _reloaded(client, before)

    second = _ran(home, client.ask("run", deployment="etl")["run_id"])
    assert (first.value, second.value) == ("'a late 1'", "'b late 1'")


@pytest.mark.parametrize("name", ["etl.py", "parts.py", "late.py"])
def test_of_a_broken_file_the_last_good_version_runs(home: Home, client: Client, etl: Path, name: str) -> None:
    etl.with_name(name).write_text("broken(")
    once(lambda: _problem(home, etl) is not None, "the problem")

    run = _ran(home, client.ask("run", deployment="etl")["run_id"])

    assert (run.state_type, run.value) == (StateType.COMPLETED, "'a late 1'")
    assert (_problem(home, etl) or {})["file"] == str(etl.with_name(name))


def test_a_run_under_way_keeps_the_code_that_it_started_with(home: Home, client: Client, etl: Path) -> None:
    gate = etl.with_name("gate")
    run_id = client.ask("run", deployment="etl", parameters={"gate": str(gate)})["run_id"]
    once(gate.exists, "the flow's body")

    before = client.ask("watch_status")["reloads"]
    etl.with_name("late.py").write_text("WHO = 'changed'\n")
    _reloaded(client, before)
    gate.unlink()

    assert _ran(home, run_id).value == "'a late 1'"
    assert _ran(home, client.ask("run", deployment="etl")["run_id"]).value == "'a changed 1'"


SERVED = """from flowctl import flow, serve

@flow
def beep(n: int = 1):
    return n

@flow
def boop(): ...

if __name__ == "__main__":
    serve(beep.to_deployment("beeper", interval=1, parameters={"n": 5}), boop)
"""


def test_a_served_flow_runs_by_its_schedule_and_pauses_with_its_process(
    home: Home, daemon: int, project: Project
) -> None:
    file = project.write("served.py", SERVED)
    process = subprocess.Popen([sys.executable, str(file)], cwd=project.path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    try:
        # It tells of a run some time after the database does.
        while "Completed" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
    finally:
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=20)[1]

    run = until(lambda: _completed(home, "beep"), "a run")
    assert (run.value, process.returncode) == ("5", 0)
    assert "Deployed beeper: every second." in said
    assert "Deployed boop: runs when asked" in said
    assert re.search(r"beep/\S+ Completed", said)
    with Reader.open(home) as reader:
        rows = {row.name: row for row in reader.read_with(plan_queries.deployments)}
    assert {name: row.paused for name, row in rows.items()} == {"beeper": True, "boop": True}
    assert rows["beeper"].reference.file == str(file)


def test_a_flow_deploys_itself_and_goes_on(home: Home, daemon: int, project: Project) -> None:
    text = "from flowctl import flow\n@flow\ndef a(n: int): ...\nif __name__ == '__main__':\n"
    file = project.write("a.py", text + "    print(a.deploy('mine', cron='0 2 * * *', parameters={'n': 1}, limit=2))\n")

    done = subprocess.run([sys.executable, str(file)], cwd="/", capture_output=True, text=True, timeout=50)

    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    with Reader.open(home) as reader:
        (row,) = reader.read_with(plan_queries.deployments)
    assert (row.name, row.run_limit, row.parameters, row.reference.cwd) == ("mine", 2, {"n": 1}, "/")
    assert [each.expression for each in row.schedules] == ["0 2 * * *"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("a.deploy(parameters={'m': 1})", "has no parameter 'm'"),
        ("a.deploy(cron='0 2 30 2 *')", "never"),
        ("a.deploy(corn='0 2 * * *')", "no option 'corn'"),
        ("a.deploy(overlap='some')", "`overlap` is one of skip"),
        ("a.deploy(cron='0 2 * * *')", "needs a value for 'n'"),
        ("(lambda: __import__('flowctl').flow(lambda n: n).deploy('x'))()", "made inside a function"),
    ],
)
def test_a_deployment_that_cannot_be_is_refused(
    home: Home, daemon: int, project: Project, call: str, words: str
) -> None:
    file = project.write(
        "a.py", f"from flowctl import flow\n@flow\ndef a(n: int): ...\nif __name__ == '__main__':\n    {call}\n"
    )

    done = subprocess.run([sys.executable, str(file)], cwd="/", capture_output=True, text=True, timeout=50)

    assert done.returncode == 1
    assert words in done.stderr


def _problem(home: Home, path: Path) -> dict[str, object] | None:
    with Reader.open(home) as reader:
        file = reader.read_with(lambda connection: file_queries.flow_file(connection, str(path)))
    return None if file is None else file.problem


def _completed(home: Home, flow: str) -> FlowRunRow | None:
    with Reader.open(home) as reader:
        return next((run for run in reader.runs(flow=flow) if run.state_type is StateType.COMPLETED), None)
