"""`flowctl runs result`: what a run, or one of its tasks, returned."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from flowctl.core.authoring.exceptions import ResultMissing
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError, warn
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.naming import find_task
from flowctl.core.cli.output import print_json, to_json
from flowctl.core.cli.wording import size
from flowctl.core.engine.results import load, read_private
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, StoredResult, TaskRunRow
from flowctl.store.states import FINAL, StateType
from flowctl.store.text import safe_text

Subject = FlowRunRow | TaskRunRow


class Loaded(NamedTuple):
    """A value, or why there is none."""

    value: Any  # whatever the user's code returned
    problem: str | None = None


def print_result(spec: str, task_spec: str | None, *, raw: Path | None, as_json: bool) -> Exit:
    """Print a value on record: text as it is, plain data as JSON, anything else as its repr."""
    with open_reader(Home.default()) as reader:
        run = reader.find_run(spec)
        subject: Subject = run if task_spec is None else find_task(reader, run, task_spec)
        stored = _stored(reader, subject)
    if stored is None:
        raise CommandError(_why_not(subject), Exit.NOT_FOUND)
    if raw is not None:
        _write_raw(stored, raw)
        return Exit.OK
    loaded = _load(stored)
    if loaded.problem and subject.value is None:
        raise CommandError(loaded.problem, Exit.NOT_FOUND)
    if loaded.problem:
        warn(f"{loaded.problem} Shown is its preview; --raw FILE writes the stored bytes.")
    if as_json:
        head = {"run_id": subject.id, "name": subject.name, "serializer": stored.serializer}
        print_json(head | _json_fields(loaded, subject))
    else:
        sys.stdout.write(_worded(loaded, subject) + "\n")
    return Exit.OK


def _stored(reader: Reader, subject: Subject) -> StoredResult | None:
    if isinstance(subject, TaskRunRow):
        return reader.result(subject.flow_run_id, subject.number)
    return reader.result(subject.id)


def _why_not(subject: Subject) -> str:
    kind = "Task run" if isinstance(subject, TaskRunRow) else "Run"
    if subject.state_type not in FINAL:
        return f"{kind} {subject.name} is {subject.state_name}; it has no result yet."
    if subject.state_type is not StateType.COMPLETED:
        return f"{kind} {subject.name} is {subject.state_name}; only completed runs have a result."
    preview = f" Its preview: {subject.value}" if subject.value is not None else ""
    return (
        f"The result of {kind.lower()} {subject.name} was not kept: it was too large, or could not be pickled. "
        f"Say persist_result=True in its decorator to keep it next time.{preview}"
    )


def _write_raw(stored: StoredResult, target: Path) -> None:
    try:
        data = stored.data if stored.data is not None else read_private(str(stored.path), what="The result")
        target.write_bytes(data)
    except ResultMissing as error:
        raise CommandError(str(error), Exit.NOT_FOUND) from error
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
    sys.stderr.write(f"Wrote {size(len(data))} ({stored.serializer}) to {safe_text(str(target))}.\n")


def _load(stored: StoredResult) -> Loaded:
    path = Path(stored.path) if stored.path is not None else None
    record = [stored.serializer, stored.data, path.name if path else None, None]
    try:
        return Loaded(load(record, folder=str(path.parent) if path else ""))
    except ResultMissing as error:
        return Loaded(None, str(error))


def _worded(loaded: Loaded, subject: Subject) -> str:
    if loaded.problem:
        return safe_text(str(subject.value))
    if isinstance(loaded.value, str):
        return safe_text(loaded.value)
    if _is_json(loaded.value):
        return to_json(loaded.value)
    return safe_text(_repr(loaded.value, subject))


def _json_fields(loaded: Loaded, subject: Subject) -> dict[str, Any]:
    if not loaded.problem and _is_json(loaded.value):
        return {"value": loaded.value, "repr": None}
    return {"value": None, "repr": subject.value if loaded.problem else _repr(loaded.value, subject)}


def _is_json(value: Any) -> bool:  # whatever the user's code returned
    """Tell whether JSON gives the same value back, so that nothing is lost by writing it so."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except Exception:  # noqa: BLE001 - comparing and walking the user's value runs the user's code
        return False


def _repr(value: Any, subject: Subject) -> str:  # as above
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - so does its repr
        return subject.value or f"<{type(value).__qualname__} whose repr raises {type(error).__name__}>"
