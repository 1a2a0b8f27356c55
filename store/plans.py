"""Writes deployments and their schedules; each function works inside a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flowctl.store.fold import to_json
from flowctl.store.plan_problems import DeploymentNotFound, NameTaken, ScheduleNotFound
from flowctl.store.plan_records import DeploymentSpec, Outcome, ScheduleSpec
from flowctl.store.planned_runs import columns_of
from flowctl.store.reading import microseconds
from flowctl.store.sqlite import sqlite3

#: As `schedule.next_at`: it never fires again. The last instant that a calendar has.
NEVER_US: Final = 253_402_300_799_999_999

_UNREADABLE: Final = "It cannot be worked out:"
_MEANT: Final = (
    "flow_name, file, flow_attribute, module, python, cwd, path0, source_hash, parameters, tags, description, "
    "paused, run_limit, overlap, origin, parameter_schema, problem"
)
_SCHEDULE: Final = "kind, expression, timezone, anchor_at, parameters, catchup, active, problem"


def save_deployment(
    connection: sqlite3.Connection, spec: DeploymentSpec, now: datetime, *, replace: bool = True
) -> int:
    """Make a deployment, or change the one of that name; return its id.

    Raise `NameTaken` where that one starts another flow and is not to be replaced.
    """
    at = microseconds(now)
    query = f"SELECT id, {_MEANT} FROM deployment WHERE name = ?"
    known: tuple[object, ...] | None = connection.execute(query, (spec.name,)).fetchone()
    if known is None:
        values = _meant(spec, paused=bool(spec.paused))
        marks = ", ".join("?" * len(values))
        query = (
            f"INSERT INTO deployment (name, {_MEANT}, created_at, updated_at, version) "
            f"VALUES (?, {marks}, ?, ?, 1) RETURNING id"
        )
        ((made,),) = connection.execute(query, (spec.name, *values, at, at)).fetchall()
        return int(made)
    deployment_id, flow_name, file, attribute, module, *_ = known
    assert isinstance(deployment_id, int)
    if not replace and (file, attribute, module) != columns_of(spec.reference)[:3]:
        raise NameTaken(spec.name, f"{file or module}:{attribute} ({flow_name})", str(known[15]))
    was_paused = bool(known[12])
    values = _meant(spec, paused=was_paused if spec.paused is None else spec.paused)
    if values != known[1:]:
        assignments = ", ".join(f"{column} = ?" for column in _MEANT.split(", "))
        query = f"UPDATE deployment SET {assignments}, updated_at = ?, version = version + 1 WHERE id = ?"
        connection.execute(query, (*values, at, deployment_id)).close()
        if was_paused and not spec.paused and spec.paused is not None:
            _skip_to(connection, at, "deployment_id = ?", deployment_id)
    return deployment_id


def set_schedules(
    connection: sqlite3.Connection, deployment_id: int, specs: Sequence[ScheduleSpec], now: datetime
) -> None:
    """Give a deployment exactly these schedules; one that stays as it was goes on where it is."""
    for spec in specs:
        save_schedule(connection, deployment_id, spec, now)
    marks = ", ".join("?" * len(specs))
    connection.execute(
        f"DELETE FROM schedule WHERE deployment_id = ? AND slug NOT IN ({marks})",
        (deployment_id, *(spec.slug for spec in specs)),
    ).close()


def save_schedule(connection: sqlite3.Connection, deployment_id: int, spec: ScheduleSpec, now: datetime) -> int:
    """Add a schedule to a deployment or change the one of that name; return its id.

    One that fires at other instants than before begins now: what it would have meant in the past is not caught up.
    """
    at = microseconds(now)
    anchor_at = None if spec.anchor_at is None else microseconds(spec.anchor_at)
    when = (spec.kind.value, spec.expression, spec.timezone, anchor_at)
    values = (*when, to_json(dict(spec.parameters)), spec.catchup.value, int(spec.active), spec.problem)
    query = f"SELECT id, {_SCHEDULE} FROM schedule WHERE deployment_id = ? AND slug = ?"
    known: tuple[object, ...] | None = connection.execute(query, (deployment_id, spec.slug)).fetchone()
    if known is None:
        query = (
            f"INSERT INTO schedule (deployment_id, slug, {_SCHEDULE}, checked_until, version) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) RETURNING id"
        )
        ((made,),) = connection.execute(query, (deployment_id, spec.slug, *values, at)).fetchall()
        return int(made)
    schedule_id = known[0]
    assert isinstance(schedule_id, int)
    if values != known[1:]:
        assignments = ", ".join(f"{column} = ?" for column in _SCHEDULE.split(", "))
        query = f"UPDATE schedule SET {assignments}, version = version + 1 WHERE id = ?"
        connection.execute(query, (*values, schedule_id)).close()
        is_awake_again = not known[7] and spec.active
        if when != known[1:5] or is_awake_again:
            _skip_to(connection, at, "id = ?", schedule_id)
    return schedule_id


def delete_schedule(connection: sqlite3.Connection, deployment: str, slug: str) -> None:
    """Take a schedule from a deployment, with the record of its occurrences."""
    connection.execute("DELETE FROM schedule WHERE id = ?", (schedule_id_of(connection, deployment, slug),)).close()


def toggle_schedule(connection: sqlite3.Connection, deployment: str, slug: str, now: datetime, *, active: bool) -> None:
    """Have a schedule fire, from now on, or not."""
    schedule_id = schedule_id_of(connection, deployment, slug)
    query = "UPDATE schedule SET active = ?, version = version + 1 WHERE id = ? AND active <> ?"
    if connection.execute(query, (int(active), schedule_id, int(active))).rowcount and active:
        _skip_to(connection, microseconds(now), "id = ?", schedule_id)


def pause_deployment(connection: sqlite3.Connection, name: str, now: datetime, *, paused: bool) -> bool:
    """Stop all schedules of a deployment, or let them go on from now; tell whether that was a change."""
    deployment_id, at = deployment_id_of(connection, name), microseconds(now)
    changed = connection.execute(
        "UPDATE deployment SET paused = ?, updated_at = ?, version = version + 1 WHERE id = ? AND paused <> ?",
        (int(paused), at, deployment_id, int(paused)),
    ).rowcount
    if changed and not paused:
        _skip_to(connection, at, "deployment_id = ?", deployment_id)
    return bool(changed)


def set_problem(connection: sqlite3.Connection, deployment_id: int, problem: str | None, now: datetime) -> bool:
    """Say why a deployment cannot be started now, or that it can again; tell whether that is news.

    Its schedules rest as long as there is a problem, and what they would have asked for is not made up for.
    """
    at = microseconds(now)
    changed = connection.execute(
        "UPDATE deployment SET problem = ?, updated_at = ?, version = version + 1 WHERE id = ? AND problem IS NOT ?",
        (problem, at, deployment_id, problem),
    ).rowcount
    if changed and problem is None:
        _skip_to(connection, at, "deployment_id = ?", deployment_id)
    return bool(changed)


def set_schedule_problem(connection: sqlite3.Connection, schedule_id: int, problem: str | None) -> None:
    """Say why a schedule does not fire."""
    connection.execute(
        "UPDATE schedule SET problem = ?, version = version + 1 WHERE id = ? AND problem IS NOT ?",
        (problem, schedule_id, problem),
    ).close()


def delete_deployment(connection: sqlite3.Connection, name: str) -> None:
    """Delete a deployment with its schedules; its runs stay, and those that wait are the caller's to cancel."""
    connection.execute("DELETE FROM deployment WHERE id = ?", (deployment_id_of(connection, name),)).close()


def deployment_id_of(connection: sqlite3.Connection, name: str) -> int:
    """Find a deployment by its name; raise `DeploymentNotFound`."""
    row = connection.execute("SELECT id FROM deployment WHERE name = ?", (name,)).fetchone()
    if row is None:
        rows = connection.execute("SELECT name FROM deployment ORDER BY name LIMIT 1000").fetchall()
        raise DeploymentNotFound(name, [known for (known,) in rows])
    return int(row[0])


def schedule_id_of(connection: sqlite3.Connection, deployment: str, slug: str) -> int:
    """Find a schedule by the names of its deployment and its own; raise `ScheduleNotFound`."""
    deployment_id = deployment_id_of(connection, deployment)
    query = "SELECT slug, id FROM schedule WHERE deployment_id = ? ORDER BY id"
    known: dict[str, int] = dict(connection.execute(query, (deployment_id,)).fetchall())
    if slug not in known:
        raise ScheduleNotFound(deployment, slug, list(known))
    return known[slug]


def record_occurrence(
    connection: sqlite3.Connection,
    schedule_id: int,
    at: datetime,
    outcome: Outcome,
    now: datetime,
    *,
    local_at: str | None = None,
    reason: str | None = None,
    run_id: str | None = None,
) -> bool:
    """Put an occurrence on record; False: it is there already, by its instant or by its time of day."""
    return bool(
        connection.execute(
            "INSERT OR IGNORE INTO occurrence (schedule_id, at, local_at, outcome, reason, run_id, recorded_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (schedule_id, microseconds(at), local_at, outcome.value, reason, run_id, microseconds(now)),
        ).rowcount
    )


def name_run(connection: sqlite3.Connection, schedule_id: int, at: datetime, run_id: str) -> None:
    """Say which run an occurrence on record led to."""
    query = "UPDATE occurrence SET run_id = ? WHERE schedule_id = ? AND at = ?"
    connection.execute(query, (run_id, schedule_id, microseconds(at))).close()


def make_up_for(
    connection: sqlite3.Connection,
    schedule_id: int,
    at: datetime,
    run_id: str,
    now: datetime,
    *,
    local_at: str | None,
) -> bool:
    """Say that an occurrence which passed has got a run now; False: it had one."""
    record_occurrence(connection, schedule_id, at, Outcome.SKIPPED, now, local_at=local_at)
    query = (
        "UPDATE occurrence SET outcome = 'queued', reason = 'Backfilled.', run_id = ? "
        "WHERE schedule_id = ? AND at = ? AND run_id IS NULL AND outcome = 'skipped'"
    )
    return bool(connection.execute(query, (run_id, schedule_id, microseconds(at))).rowcount)


def has_cursor_beyond(connection: sqlite3.Connection, limit: datetime) -> bool:
    """Tell whether a schedule was looked after up to a time that is still far away: the clock was wrong then."""
    query = "SELECT EXISTS (SELECT 1 FROM schedule WHERE checked_until > ?)"
    return bool(connection.execute(query, (microseconds(limit),)).fetchone()[0])


def bring_cursors_back(connection: sqlite3.Connection, now: datetime, limit: datetime) -> None:
    """Have schedules with such a cursor begin anew; what is on record does not fire again."""
    query = "UPDATE schedule SET checked_until = ?, next_at = NULL WHERE checked_until > ?"
    connection.execute(query, (microseconds(now), microseconds(limit))).close()


def move_cursor(
    connection: sqlite3.Connection, schedule_id: int, checked_until: datetime, next_at: datetime | None
) -> None:
    """Remember up to where a schedule's occurrences are on record, and the first after that (None: there is none)."""
    connection.execute(
        "UPDATE schedule SET checked_until = ?, next_at = ? WHERE id = ?",
        (microseconds(checked_until), NEVER_US if next_at is None else microseconds(next_at), schedule_id),
    ).close()


def set_unreadable(connection: sqlite3.Connection, schedule_id: int, why: str) -> None:
    """Say that a schedule cannot be worked out on this machine now: its zone is not known, say."""
    set_schedule_problem(connection, schedule_id, f"{_UNREADABLE} {why}")


def forget_next(connection: sqlite3.Connection) -> None:
    """Have the next occurrences of all schedules worked out anew, as with other rules of their zones."""
    connection.execute("UPDATE schedule SET next_at = NULL WHERE next_at IS NOT NULL").close()
    query = "UPDATE schedule SET problem = NULL, version = version + 1 WHERE problem LIKE ?"
    connection.execute(query, (f"{_UNREADABLE}%",)).close()


def prune_occurrences(connection: sqlite3.Connection, before: datetime, *, limit: int = 500) -> int:
    """Delete some of the occurrences before a time; return how many."""
    return connection.execute(
        "DELETE FROM occurrence WHERE (schedule_id, at) IN "
        "(SELECT schedule_id, at FROM occurrence WHERE at < ? LIMIT ?)",
        (microseconds(before), limit),
    ).rowcount


def _skip_to(connection: sqlite3.Connection, at: int, where: str, key: int) -> None:
    # Never backwards: after a clock was set back, what is on record stays on record.
    query = f"UPDATE schedule SET checked_until = max(checked_until, ?), next_at = NULL WHERE {where}"
    connection.execute(query, (at, key)).close()


def _meant(spec: DeploymentSpec, *, paused: bool) -> tuple[object, ...]:
    """Give the values of `_MEANT`."""
    schema = None if spec.parameter_schema is None else to_json(dict(spec.parameter_schema))
    return (
        spec.flow_name,
        *columns_of(spec.reference),
        to_json(dict(spec.parameters)),
        to_json(list(spec.tags)),
        spec.description,
        int(paused),
        spec.run_limit,
        spec.overlap.value,
        spec.origin.value,
        schema,
        spec.problem,
    )
