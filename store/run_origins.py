"""What a run was made of, for whoever wants another attempt of it, or another run like it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from flowctl.store.rows import FINAL_TYPES
from flowctl.store.sqlite import sqlite3


class RunOrigin(NamedTuple):
    """A run as it stands, and how it came about."""

    id: str
    name: str
    flow_name: str
    state_type: str
    state_name: str
    state_version: int
    is_root: bool
    #: See `journal.FlowRunCreated`.
    source: dict[str, Any]
    #: JSON object: as shown, with secrets masked.
    parameters: str
    tags: list[str]
    #: The arguments are on record, pickled.
    has_arguments: bool
    #: JSON object: those of a run that waits to be started.
    planned_arguments: bytes | None
    deployment_id: int | None

    @property
    def is_final(self) -> bool:
        return self.state_type in FINAL_TYPES


def origin_of(connection: sqlite3.Connection, run_id: str) -> RunOrigin | None:
    """Read what a run was made of; None where there is no such run."""
    row = connection.execute(
        "SELECT f.id, f.name, f.flow_name, f.state_type, f.state_name, f.state_version, f.number = 0, f.source, "
        "f.parameters, f.tags, f.arguments IS NOT NULL, p.arguments, f.deployment_id "
        "FROM flow_run f LEFT JOIN planned_run p ON p.run_id = f.id WHERE f.id = ?",
        (run_id,),
    ).fetchone()
    if row is None:
        return None
    run_id, name, flow_name, type_, state_name, version, is_root, source, parameters, tags, has, planned, of = row
    return RunOrigin(
        run_id,
        name,
        flow_name,
        type_,
        state_name,
        version,
        bool(is_root),
        json.loads(source),
        parameters,
        json.loads(tags),
        bool(has),
        planned,
        of,
    )
