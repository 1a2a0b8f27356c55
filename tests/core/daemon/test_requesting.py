"""`run_deployment(…)` with a real daemon: asked for, waited for, its value had."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest

from flowctl import run_deployment
from flowctl.core.authoring import port
from flowctl.core.daemon.client import Client
from flowctl.core.daemon.protocol import Refused
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from tests.conftest import Project

FLOWS = """from flowctl import flow

@flow
def double(n: int = 1):
    return {"twice": 2 * n}

@flow
def fails():
    raise ValueError("no luck")
"""


@pytest.fixture
def deployed(home: Home, daemon: int, project: Project) -> None:
    """Two deployments with a daemon."""
    file = str(project.write("jobs.py", FLOWS))
    with Client.connect(home) as client:
        for name in ("double", "fails"):
            where = {"file": file, "flow": name, "flow_name": name, "python": sys.executable}
            schema = {"properties": {"n": {"type": "integer"}} if name == "double" else {}}
            about = {"cwd": str(project.path), "parameters": {}, "parameter_schema": schema}
            client.ask("deploy", name=f"my-{name}", **where, **about)


@pytest.mark.usefixtures("deployed")
def test_a_run_is_waited_for_and_its_value_is_had() -> None:
    run = run_deployment("my-double", {"n": 21}, flow_run_name="mine", tags=["asked"])

    assert (run.name, run.flow_name, run.parameters, run.tags) == ("mine", "double", {"n": 21}, ["asked"])
    assert run.state.is_completed()
    assert run.state.result() == {"twice": 42}
    failed = run_deployment("fails/my-fails")
    assert (failed.state_name, failed.state.is_failed()) == ("Failed", True)
    assert "no luck" in str(failed.state.message)


@pytest.mark.usefixtures("deployed")
def test_a_run_for_later_is_not_waited_for_and_one_key_makes_one_run(home: Home) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)

    first = run_deployment("my-double", scheduled_time=later, timeout=0, idempotency_key="k")
    again = run_deployment("my-double", scheduled_time=later, timeout=0.1, idempotency_key="k")

    assert first.state.is_scheduled()
    assert again.id == first.id
    with Reader.open(home) as reader:
        assert [row.id for row in reader.runs()] == [first.id]


@pytest.mark.usefixtures("deployed")
def test_in_a_coroutine_it_is_awaited() -> None:
    async def main() -> object:
        run = await run_deployment("my-double", {"n": 2})
        return run.state.result()

    assert asyncio.run(main()) == {"twice": 4}


@pytest.mark.usefixtures("deployed")
def test_what_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(Refused, match="Did you mean 'my-double'"):
        run_deployment("my-duble")
    with pytest.raises(Refused, match="no parameter 'm'"):
        run_deployment("my-double", {"m": 1})
    with port.loading(), pytest.raises(RuntimeError, match="while its file is imported"):
        run_deployment("my-double")
