"""Whether the process of a run lives, and what becomes of a run whose process does not.

A run process holds the lock of its run from before its first record to its death, however it dies; so a free lock and
no final state in the journal means that the run crashed. No heartbeat, nothing to wait for, true after a reboot too.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Final, NamedTuple

from flowctl.store.aftermath import Exit, add_output
from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.ingest import STRETCH_BYTES, Ingested, damage_behind, ingest_journal
from flowctl.store.locks import run_lock_if_free
from flowctl.store.sqlite import sqlite3

_HAS_OPEN: Final = """
    WITH root AS (SELECT run FROM flow_run WHERE id = ?)
    SELECT EXISTS (SELECT 1 FROM flow_run WHERE root = (SELECT run FROM root) AND ended_at IS NULL)
        OR EXISTS (
            SELECT 1 FROM task_run
            WHERE root = (SELECT run FROM root) AND ended_at IS NULL AND state_name <> 'NotReady'
        )
"""
_STORE_EXIT: Final = (
    "UPDATE flow_run SET exit_code = ?, max_memory = max(coalesce(max_memory, 0), ?), cpu_us = ? "
    "WHERE id = ? AND attempt = ?"
)


class Look(NamedTuple):
    """What a look at an active run found."""

    run_id: str
    #: The newest attempt that has a journal; 0 where none has.
    attempt: int
    #: The run is over and wholly in the database: its marker may go, see `clear_marker`.
    is_settled: bool
    #: Why its journal cannot be read to the end.
    problem: str | None


def is_alive(home: Home, run_id: str) -> bool:
    """Tell whether the process of a root run lives, this very process included."""
    with run_lock_if_free(home, run_id) as is_free:
        return not is_free


def attempts(home: Home, run_id: str) -> list[int]:
    """List the attempts of a root run that have a journal, in order."""
    try:
        names = os.listdir(home.run_folder(run_id))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name[8:]) for name in names if name.startswith("journal.") and name[8:].isdecimal())


def look_at_run(
    connection: sqlite3.Connection, home: Home, run_id: str, *, stretch_bytes: int = STRETCH_BYTES
) -> Generator[Ingested, None, Look]:
    """Ingest what is new of a run, and record its crash if its process died without a word.

    It yields after each stretch, where the caller may commit and begin anew.
    """
    # In this order: the process of a lock that is free writes no more, so what is read after it is all there is. An
    # attempt that begins in between is not among the known ones, and not taken for dead.
    known = attempts(home, run_id)
    is_dead = not is_alive(home, run_id)
    problem: str | None = None
    last: Ingested | None = None
    for attempt in known:
        while True:
            last = ingest_journal(connection, home, run_id, attempt, stretch_bytes=stretch_bytes)
            yield last
            if last.at_end:
                break
        problem = last.problem
    if not known or last is None:
        return Look(run_id, 0, is_settled=is_dead, problem=None)
    if is_dead:
        is_whole = problem is None and not (last.is_torn and damage_behind(home, run_id, known[-1], last.offset))
        while is_whole and add_output(connection, home, run_id, known[-1], last.offset):
            last = ingest_journal(connection, home, run_id, known[-1])
            yield last
            problem = last.problem
            is_whole = problem is None
        problem = _settle(connection, home, run_id, known[-1], last) or problem
        # A journal that cannot be read from its first record on waits for a flowctl that can.
        is_dead = problem is None or _is_recorded(connection, run_id)
    return Look(run_id, known[-1], is_settled=is_dead, problem=problem)


def clear_marker(home: Home, look: Look) -> None:
    """Remove the marker of a settled run, unless a new attempt has begun; to be called after the commit."""
    with run_lock_if_free(home, look.run_id) as is_free:
        # The lock keeps an attempt from beginning just now: it would find the marker, and lose it.
        if is_free and (attempts(home, look.run_id) or [0])[-1] == look.attempt:
            try:
                os.unlink(home.active_marker(look.run_id))
            except FileNotFoundError:
                pass


def _settle(connection: sqlite3.Connection, home: Home, run_id: str, attempt: int, last: Ingested) -> str | None:
    """Close what a dead process left open; return what is wrong with the end of its journal, if anything is."""
    problem = damage_behind(home, run_id, attempt, last.offset) if last.is_torn and last.problem is None else None
    if problem is not None:
        query = "UPDATE journal SET problem = coalesce(problem, ?) WHERE run_id = ? AND attempt = ?"
        connection.execute(query, (problem, run_id, attempt))
    ending = Exit.read(home, run_id, attempt)
    if ending is not None:
        connection.execute(_STORE_EXIT, (ending.code, ending.memory, ending.cpu_us, run_id, attempt))
    if connection.execute(_HAS_OPEN, (run_id,)).fetchone()[0]:
        fold = Fold(connection, run_id, attempt)
        fold.conclude(attempt, ending)
        fold.write()
    return problem


def _is_recorded(connection: sqlite3.Connection, run_id: str) -> bool:
    return connection.execute("SELECT 1 FROM flow_run WHERE id = ?", (run_id,)).fetchone() is not None
