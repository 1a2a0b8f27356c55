"""Puts the deployments that a settings file asks for into the database, and says what is wrong with the others."""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import Final

from flowctl.core.daemon.problem_places import lines_around
from flowctl.core.daemon.reloading import Reloaded
from flowctl.core.daemon.tables import Table, Tables
from flowctl.store import file_queries, plan_queries, plans, source_versions
from flowctl.store.flow_files import Loaded, forget_flow_file, keep_source, save_loaded, save_problem
from flowctl.store.plan_problems import NameTaken
from flowctl.store.plan_records import DeploymentRow, DeploymentSpec, FlowReference, Origin
from flowctl.store.sqlite import sqlite3

_GONE: Final = "Its table is gone from"
_MOST_TOLD: Final = 50
_COLUMN: Final = re.compile(r"\bcolumn (\d+)")


def take_tables(
    connection: sqlite3.Connection,
    path: str,
    found: Tables | None,
    python: str,
    now: datetime,
    *,
    digest: str | None,
    version: bytes | None = None,
    diff: str = "",
) -> Reloaded:
    """Make the deployments of a settings file as it is now; of one that is gone (None), let all rest."""
    tables, problems = ([], []) if found is None else found
    folder = os.path.dirname(path)
    problems = list(problems)
    for table in tables:
        try:
            _declare(connection, folder, table, python, now)
        except NameTaken as error:
            problems.append((f"deployments.{table.name}: {error}", table.line))
    # A table that is wrong just now is none that was taken away.
    if not problems or tables:
        _let_rest(connection, path, {table.name for table in tables}, problems, now)
    if not tables and not problems:
        forget_flow_file(connection, path)
        return Reloaded(path, "empty", "It asks for no deployments.")
    flows = [{"name": table.name, "attribute": table.attribute, "file": table.file} for table in tables]
    names = ", ".join(table.name for table in tables) or "none"
    words = f"deployments: {names}. {' '.join(text for text, _ in problems)}".rstrip()
    told = _told(path, problems, version, diff, is_whole=not tables) if problems else None
    if told is not None and not tables:
        save_problem(connection, path, told, now, hash_=digest)
        return Reloaded(path, "broken", words)
    good_hash = None if version is None else keep_source(connection, version)
    save_loaded(connection, path, Loaded(flows), now, hash_=digest, good_hash=good_hash, problem=told)
    return Reloaded(path, "broken" if problems else "reloaded", words)


def _told(
    path: str, problems: list[tuple[str, int]], version: bytes | None, diff: str, *, is_whole: bool
) -> dict[str, object]:
    """Describe what is wrong: with the whole file, or with some of its tables while the others are in force."""
    words, line = problems[0]
    lines = [] if version is None else lines_around(source_versions.unpack(version).get(path, b""), line)
    column = _COLUMN.search(words) if is_whole else None
    caret = None if column is None else [int(column[1]) - 1, int(column[1])]
    code = next((text for number, text in lines if number == line), "")
    return {
        "kind": "TOML" if is_whole else "Table",
        "message": words,
        "more": [{"message": text, "line": line} for text, line in problems[1:_MOST_TOLD]],
        "file": path,
        "line": line,
        "code": code.strip(),
        "lines": [list(pair) for pair in lines],
        "caret": caret,
        "diff": diff if is_whole else "",
    }


def _declare(connection: sqlite3.Connection, folder: str, table: Table, python: str, now: datetime) -> None:
    known = plan_queries.deployment_named(connection, table.name)
    if known is not None and not _is_of(known, folder):
        flow = known.reference
        raise NameTaken(table.name, f"{flow.file or flow.module}:{flow.flow_attribute}", known.origin.value)
    file = file_queries.flow_file(connection, table.file)
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
