"""`flowctl deployment run` and `backfill`: runs of a deployment, now, later, or for times of the past."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from rich.console import Console
from rich.text import Text

from flowctl.core.cli.asking import ask
from flowctl.core.cli.deployment_words import in_zone
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, OK, QUIET, is_plain
from flowctl.core.cli.parameter_values import grouped, json_object
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.schedule_words import read_delay, read_time
from flowctl.core.cli.wording import ago, counted, moment
from flowctl.store import plan_queries
from flowctl.store.home import Home
from flowctl.store.plan_records import DeploymentRow
from flowctl.store.states import StateType

_EXITS: Final = {
    StateType.COMPLETED: Exit.OK,
    StateType.CRASHED: Exit.CRASHED,
    StateType.CANCELLED: Exit.CANCELLED,
}
_MOST_SHOWN: Final = 20


def run_deployment(
    name: str,
    *,
    assignments: Sequence[str],
    params_json: str | None,
    at: str | None,
    delay: str | None,
    run_name: str | None,
    tags: Sequence[str],
    watch: bool,
    as_json: bool,
    no_daemon: bool,
) -> Exit:
    """Ask for a run of a deployment; with `watch`, follow it to its end."""
    if at is not None and delay is not None:
        raise CommandError("--at and --in both say when. Give one of them.")
    due_at = None
    if at is not None:
        due_at = read_time("--at", at)
    elif delay is not None:
        due_at = datetime.now(UTC) + read_delay("--in", delay)
    with open_reader(Home.default()) as reader:
        row = reader.read_with(lambda connection: plan_queries.deployment(connection, name))
    parameters = {} if params_json is None else json_object(params_json, "--params-json")
    parameters |= _assigned(row, assignments)
    fields: dict[str, Any] = {"deployment": row.name, "parameters": parameters, "tags": list(tags)}
    if run_name is not None:
        fields["name"] = run_name
    if due_at is not None:
        fields["at"] = due_at.isoformat()
    answer = ask("run", no_daemon=no_daemon, **fields)
    run_id = str(answer["run_id"])
    if as_json and not watch:
        print_json({"run_id": run_id, "name": answer["name"], "due_at": answer["due_at"]})
        return Exit.OK
    console = make_console()
    if not as_json:
        _print_planned(console, str(answer["name"]), run_id, due_at, watch=watch)
    return _watched(console, run_id, as_json=as_json) if watch else Exit.OK


def backfill_deployment(
    name: str,
    *,
    start: str,
    end: str | None,
    slug: str | None,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
    no_daemon: bool,
) -> Exit:
    """Ask for runs of the times of a span that got none."""
    until = datetime.now(UTC) if end is None else read_time("--to", end)
    answer = ask(
        "deployment_backfill",
        no_daemon=no_daemon,
        deployment=name,
        start=read_time("--from", start).isoformat(),
        end=until.isoformat(),
        slug=slug,
        limit=limit,
        dry_run=dry_run,
    )
    if as_json:
        print_json({key: value for key, value in answer.items() if key not in ("v", "id", "ok")})
        return Exit.OK
    times: list[dict[str, str]] = answer["occurrences"]
    console = make_console()
    if not times:
        console.print("Every time of that span has got its run.")
        return Exit.OK
    with open_reader(Home.default()) as reader:
        row = reader.read_with(lambda connection: plan_queries.deployment(connection, name))
    zones = {schedule.slug: schedule.timezone for schedule in row.schedules}
    for each in times[:_MOST_SHOWN]:
        at = in_zone(datetime.fromisoformat(each["at"]), zones.get(each["slug"], "UTC"))
        console.print(Text.assemble("  ", at, "  ", safe(each["slug"], QUIET)))
    if len(times) > _MOST_SHOWN:
        console.print(Text(f"  and {len(times) - _MOST_SHOWN:,} more", QUIET))
    words = "would be planned" if dry_run else "are planned, one after the other" if len(times) > 1 else "is planned"
    console.print(Text(f"{counted(len(times), 'run')} {words}."))
    if answer["left"]:
        console.print(Text(f"{counted(answer['left'], 'time')} left; a higher --limit takes more.", QUIET))
    return Exit.OK


def _assigned(row: DeploymentRow, assignments: Sequence[str]) -> dict[str, object]:
    """Read `name=value` by the schema on record: text where the flow wants text, else JSON, else text."""
    properties = cast("Mapping[str, Mapping[str, object]]", (row.parameter_schema or {}).get("properties") or {})
    found: dict[str, object] = {}
    for name, texts in grouped(assignments).items():
        kind = properties.get(name, {}).get("type")
        values = [text if kind == "string" else _json_or_text(text) for text in texts]
        if len(values) > 1 and kind not in (None, "array"):
            raise CommandError(f"-p {name} is given {len(values)} times, but {name!r} takes one value. Give it once.")
        for text, value in zip(texts, values, strict=True):
            _check_number(name, kind, text, value)
        is_list = len(values) > 1 or (kind == "array" and not isinstance(values[0], list))
        found[name] = values if is_list else values[0]
    return found


def _check_number(name: str, kind: object, text: str, value: object) -> None:
    """Refuse what can be no number where the flow wants one; all else is judged where the flow is."""
    if kind not in _NUMBERS or isinstance(value, (int, float)) or value is None:
        return
    raise CommandError(f"-p {name}={text}: {name!r} takes {_NUMBERS[str(kind)]}, not {text!r:.60}.")


_NUMBERS: Final = {"integer": "a whole number", "number": "a number"}


def _json_or_text(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return text


def _print_planned(console: Console, name: str, run_id: str, due_at: datetime | None, *, watch: bool) -> None:
    mark = "+" if is_plain() else "✓"
    when = "" if due_at is None else f"  starts {moment(due_at)}, {ago(due_at, datetime.now(UTC))}"
    console.print(
        Text.assemble((f"{mark} ", OK), safe(name, "bold"), (f"  {run_id[:8]}", QUIET), " is planned", (when, QUIET))
    )
    if console.is_terminal and not watch:
        console.print(Text.assemble(("  watch it: ", QUIET), (f"flowctl runs watch {run_id[:8]}", ACCENT)))


def _watched(console: Console, run_id: str, *, as_json: bool) -> Exit:
    from flowctl.core.cli.run_json import flow_run_json
    from flowctl.core.cli.runs_logs import print_logs

    if not as_json:
        print_logs(run_id, follow=True, level="INFO", task=None, as_json=False)
    with open_reader(Home.default()) as reader:
        run = reader.flow_run(run_id)
    if as_json:
        print_json(flow_run_json(run, datetime.now(UTC)))
    elif run.is_final:
        console.print(Text.assemble(safe(run.name, "bold"), f" is {run.state_name}"))
    return _EXITS.get(run.state_type, Exit.FAILED if run.is_final else Exit.OK)
