"""What can be asked of the daemon: each verb is a function of the daemon and the fields of the request.

All requests that are there at one time are carried out in one transaction, each undone by itself where it is refused,
and none is answered before that transaction is on the disk. A request that comes again under its id (its sender did
not get the answer) is not carried out again.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon.protocol import Fields, Refused, Request, write_answer, write_refusal
from flowctl.core.daemon.server import Connection
from flowctl.store.plan_problems import DeploymentNotFound, PlanProblem, ScheduleNotFound
from flowctl.store.problems import AmbiguousRun, NotARootRun, RunAlive, RunNotFound, StoreError

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon

Verb = Callable[["Daemon", Fields], Fields]

#: Modules with a table `VERBS`, and one `QUICK` of verbs that write nothing; those that are not there are passed over.
_MODULES: Final = tuple(
    f"flowctl.core.daemon.{name}"
    for name in (
        "daemon_requests",
        "upkeep_requests",
        "run_requests",
        "control_requests",
        "cancel",
        "plan_requests",
        "watch_requests",
    )
)
#: Of what was asked so much is kept, for people who look back.
_LONGEST_BODY: Final = 20_000

VERBS: Final[dict[str, Verb]] = {}
QUICK: Final[dict[str, Verb]] = {}


def load_verbs() -> None:
    """Fill the tables from the modules that there are."""
    for name in _MODULES:
        if importlib.util.find_spec(name) is not None:
            module = importlib.import_module(name)
            VERBS.update(getattr(module, "VERBS", {}))
            QUICK.update(getattr(module, "QUICK", {}))


def answer_all(daemon: Daemon, taken: Sequence[tuple[Connection, Request]]) -> None:
    """Carry out requests and answer them."""
    answers: dict[int, bytes] = {}
    writing: list[tuple[int, Request]] = []
    for place, (connection, request) in enumerate(taken):
        if request.verb == "subscribe":
            connection.is_subscribed = True
            answers[place] = write_answer(request.id, {"changed": daemon.changes})
        elif request.verb in QUICK:
            answers[place] = _line(request, _look(daemon, request))
        elif request.verb in VERBS:
            writing.append((place, request))
        else:
            known = ", ".join(sorted({*VERBS, *QUICK, "subscribe"}))
            answers[place] = _line(request, Refused("bad_request", f"{request.verb!r} is no verb. There are: {known}."))
    if writing:
        answers.update(_write_all(daemon, writing))
    for place, (connection, _) in enumerate(taken):
        connection.answer(answers[place])


def _look(daemon: Daemon, request: Request) -> Fields | Refused:
    try:
        return _outcome(daemon, QUICK[request.verb], request)
    except StoreError as error:
        return Refused("busy", str(error))


def _write_all(daemon: Daemon, writing: Sequence[tuple[int, Request]]) -> dict[int, bytes]:
    outcomes: dict[int, tuple[Request, Fields | Refused]] = {}
    daemon.afterwards.clear()
    try:
        with daemon.store.transaction(durable=True):
            for place, request in writing:
                outcomes[place] = request, _once(daemon, request)
    except StoreError as error:
        # Nothing of it is on the disk, so nothing of it was promised.
        daemon.report("requests", error)
        daemon.afterwards.clear()
        refused = Refused("busy", f"The daemon cannot write it down, so it was not accepted. {error}")
        return {place: write_refusal(request.id, refused) for place, request in writing}
    daemon.recovered("requests")
    for action in daemon.afterwards:
        daemon.guarded("requests", action)
    daemon.afterwards.clear()
    return {place: _line(*outcome) for place, outcome in outcomes.items()}


def _once(daemon: Daemon, request: Request) -> Fields | Refused:
    """Carry out a request, unless it was carried out under its id before."""
    connection = daemon.store.connection
    query = "SELECT kind, outcome, message FROM request WHERE id = ?"
    if (known := connection.execute(query, (request.id,)).fetchone()) is not None:
        kind, _, text = known
        if kind != request.verb:
            return Refused("bad_request", f"The id {request.id!r:.60} was used for another request ({kind}) already.")
        if known[1] != "ok":
            return Refused(known[1], text)
        answer: Fields = json.loads(text)
        return answer
    pending = len(daemon.afterwards)
    try:
        with daemon.store.transaction():
            carried_out = _outcome(daemon, VERBS[request.verb], request)
            if isinstance(carried_out, Refused):
                raise carried_out
    except Refused as refused:
        del daemon.afterwards[pending:]
        carried_out = refused
    if isinstance(carried_out, Refused):
        outcome, message = carried_out.kind, carried_out.message
    else:
        outcome, message = "ok", json.dumps(carried_out, ensure_ascii=False, default=str)
    body = json.dumps(_without_values(request.fields), ensure_ascii=False, default=str)
    connection.execute(
        "INSERT INTO request (id, kind, at, subject, body, outcome, message) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (request.id, request.verb, daemon.clock(), _subject(request.fields), body[:_LONGEST_BODY], outcome, message),
    ).close()
    return carried_out


def _outcome(daemon: Daemon, verb: Verb, request: Request) -> Fields | Refused:
    try:
        return verb(daemon, request.fields)
    except Refused as refused:
        return refused
    except (RunNotFound, AmbiguousRun, DeploymentNotFound, ScheduleNotFound) as error:
        return Refused("not_found", str(error))
    except (PlanProblem, RunAlive, NotARootRun) as error:
        return Refused("refused", str(error))
    except StoreError:
        raise
    except FlowctlError as error:
        return Refused("refused", str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the daemon: one request must not end it
        daemon.log_defect(f"request {request.verb}", error)
        return Refused("refused", f"The daemon failed at this ({type(error).__name__}: {error!s:.200}). See its log.")


def _line(request: Request, outcome: Fields | Refused) -> bytes:
    if isinstance(outcome, Refused):
        return write_refusal(request.id, outcome)
    return write_answer(request.id, outcome)


def _without_values(fields: Fields) -> Fields:
    """Leave out the values of parameters: some are secrets, and this is kept."""
    given: Any = fields.get("parameters")  # whatever somebody sent
    return {**fields, "parameters": sorted(cast("dict[str, object]", given))} if isinstance(given, dict) else fields


def _subject(fields: Fields) -> str | None:
    for name in ("run_id", "deployment", "name", "path"):
        value: Any = fields.get(name)  # whatever somebody sent
        if isinstance(value, str):
            return value[:500]
    return None
