"""What stands behind `run_deployment(…)`: the daemon is asked for a run, and its end is waited for."""

from __future__ import annotations

import time
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from flowctl.core.authoring.exceptions import ResultMissing
from flowctl.core.authoring.requested_runs import RequestedRun
from flowctl.core.authoring.states import State
from flowctl.core.daemon.client import Client, DaemonSilent
from flowctl.core.engine.results import load
from flowctl.store import plan_queries
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType

#: A daemon that went away is looked for again after so long.
_AGAIN_S = 1.0


def request_run(
    name: str,
    parameters: dict[str, Any],
    *,
    at: datetime | None,
    run_name: str | None,
    tags: list[str],
    key: str | None,
    timeout_s: float | None,
) -> RequestedRun:
    """Ask for a run of a deployment; wait for its end so long, or with None until it comes."""
    home = Home.default()
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    fields: dict[str, Any] = {"parameters": parameters, "tags": tags}
    if at is not None:
        fields["at"] = at.astimezone().isoformat()
    if run_name is not None:
        fields["name"] = run_name
    with Client.connect(home) as client:
        fields["deployment"] = _known_as(home, name)
        if key is None:
            run_id = str(client.ask("run", **fields)["run_id"])
        else:
            request_id = sha256(f"run {fields['deployment']} {key}".encode()).hexdigest()[:32]
            run_id = str(client.ask_as(request_id, "run", fields)["run_id"])
    while not _awaited(home, run_id, deadline):
        time.sleep(_AGAIN_S)
    with Reader.open(home) as reader:
        row = reader.flow_run(run_id)
        return RequestedRun(
            id=row.id,
            name=row.name,
            flow_name=row.flow_name,
            parameters=dict(row.parameters),
            tags=row.tags,
            state=State(row.state_type, row.state_name, row.message, _data(reader, row)),
        )


def _known_as(home: Home, name: str) -> str:
    """Take `flow/deployment` for the deployment, unless one has that whole name."""
    short = name.rpartition("/")[2]
    if not short or short == name:
        return name
    with Reader.open(home) as reader:
        found = reader.read_with(lambda connection: plan_queries.deployment_named(connection, name))
    return short if found is None else name


def _awaited(home: Home, run_id: str, deadline: float | None) -> bool:
    """Wait for the end of a run; False where the daemon went away, and is to be looked for again."""
    try:
        with Client.connect(home) as client:
            client.ask("subscribe")
            while True:
                left_s = None if deadline is None else deadline - time.monotonic()
                with Reader.open(home) as reader:
                    if reader.flow_run(run_id).is_final or (left_s is not None and left_s <= 0):
                        return True
                if client.news(within_s=left_s) is None:
                    return True
    except (DaemonSilent, OSError):
        return deadline is not None and time.monotonic() >= deadline


def _data(reader: Reader, row: FlowRunRow) -> Any:  # what the user's flow returned, or why there is nothing
    if row.state_type is not StateType.COMPLETED:
        return None
    stored = reader.result(row.id)
    if stored is None:
        return None
    path = None if stored.path is None else Path(stored.path)
    record = [stored.serializer, stored.data, None if path is None else path.name, None]
    try:
        return load(record, folder="" if path is None else str(path.parent))
    except ResultMissing:
        return None
