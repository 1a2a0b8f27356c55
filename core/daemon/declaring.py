"""Puts the deployments that a settings file asks for into the database, and says what is wrong with the others."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Final

from flowctl.core.daemon.reloading import Reloaded
from flowctl.core.daemon.tables import Table, Tables
from flowctl.store import plan_queries, plans
from flowctl.store.flow_files import forget_flow_file, save_flow_file
from flowctl.store.plan_problems import NameTaken
from flowctl.store.plan_records import DeploymentRow, DeploymentSpec, FlowReference, Origin
from flowctl.store.sqlite import sqlite3

_GONE: Final = "Its table is gone from"


def take_tables(
    connection: sqlite3.Connection, path: str, found: Tables | None, python: str, now: datetime, *, digest: str | None
) -> Reloaded:
    """Make the deployments of a settings file as it is now; of one that is gone (None), let all rest."""
    tables, problems = ([], []) if found is None else found
    folder = os.path.dirname(path)
    problems = list(problems)
    for table in tables:
        try:
            _declare(connection, folder, table, python, now)
        except NameTaken as error:
            problems.append((f"deployments.{table.name}: {error}", 0))
    # A table that is wrong just now is none that was taken away.
    if not problems or tables:
        _let_rest(connection, path, {table.name for table in tables}, problems, now)
    if not tables and not problems:
        forget_flow_file(connection, path)
        return Reloaded(path, "empty", "It asks for no deployments.")
    told = None
    if problems:
        words, line = problems[0]
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        told = {"kind": "Table", "message": f"{words}{more}", "file": path, "line": line}
    save_flow_file(
        connection,
        path,
        hash_=digest,
        good_hash=None,
        problem=told,
        flows=[{"name": table.name, "attribute": table.attribute, "file": table.file} for table in tables],
        now=now,
    )
    names = ", ".join(table.name for table in tables) or "none"
    words = " ".join(text for text, _ in problems)
    return Reloaded(path, "broken" if problems else "reloaded", f"deployments: {names}. {words}".rstrip())


def _declare(connection: sqlite3.Connection, folder: str, table: Table, python: str, now: datetime) -> None:
    known = plan_queries.deployment_named(connection, table.name)
    if known is not None and not _is_of(known, folder):
        flow = known.reference
        raise NameTaken(table.name, f"{flow.file or flow.module}:{flow.flow_attribute}", known.origin.value)
    file = plan_queries.flow_file(connection, table.file)
    source_hash = None if file is None else file.good_hash
    problem = None if known is None or (known.problem or "").startswith(_GONE) else known.problem
    spec = DeploymentSpec(
        name=table.name,
        flow_name=table.attribute if known is None else known.flow_name,
        reference=FlowReference(
            file=table.file, flow_attribute=table.attribute, python=python, cwd=folder, source_hash=source_hash
        ),
        parameters=table.parameters,
        tags=table.tags,
        description=table.description,
        paused=table.paused,
        run_limit=table.run_limit,
        overlap=table.overlap,
        origin=Origin.TOML,
        parameter_schema=None if known is None else known.parameter_schema,
        problem=problem,
    )
    plans.set_schedules(connection, plans.save_deployment(connection, spec, now), table.schedules, now)


def _let_rest(
    connection: sqlite3.Connection, path: str, names: set[str], problems: list[tuple[str, int]], now: datetime
) -> None:
    wrong = {text.partition(": ")[0].removeprefix("deployments.") for text, _ in problems}
    for row in plan_queries.deployments(connection):
        if row.name not in names | wrong and _is_of(row, os.path.dirname(path)):
            words = (
                f"{_GONE} {path}. Put it back, or delete the deployment: `flowctl deployment delete {row.name}`. "
                "Its schedules rest."
            )
            plans.set_problem(connection, row.id, words, now)


def _is_of(row: DeploymentRow, folder: str) -> bool:
    return row.origin is Origin.TOML and row.reference.cwd == folder
