"""Reads the deployments that a settings file asks for: `[deployments.NAME]` in flowctl.toml, with the flow's place.

[deployments.nightly]
flow = "etl.py:etl"
cron = "0 2 * * *"
timezone = "Europe/Berlin"
parameters = { limit = 20 }
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from flowctl.core.authoring.schedules import read_length
from flowctl.core.daemon.occurrences import spec_of
from flowctl.store.plan_records import CatchUp, Overlap, ScheduleKind, ScheduleSpec

#: Settings files, and where in them the tables stand.
FILES: Final[dict[str, tuple[str, ...]]] = {
    "flowctl.toml": ("deployments",),
    "pyproject.toml": ("tool", "flowctl", "deployments"),
}
_KEYS: Final = frozenset(
    {"flow", "cron", "interval", "rrule", "schedules", "timezone", "catchup", "parameters", "tags", "description"}
    | {"paused", "limit", "overlap"}
)
_PLACE: Final = re.compile(r"line (\d+)")


class Table(NamedTuple):
    """A deployment as a settings file has it."""

    name: str
    #: Real path of the flow's file, and its name there.
    file: str
    attribute: str
    schedules: list[ScheduleSpec]
    parameters: Mapping[str, object]
    tags: list[str]
    description: str | None
    paused: bool | None
    run_limit: int | None
    overlap: Overlap
    #: Where it begins; 0: not known.
    line: int = 0


class Tables(NamedTuple):
    """The deployments of a settings file, and what is wrong with the others."""

    tables: list[Table]
    #: Sentence and line, the line 0 where it is not known.
    problems: list[tuple[str, int]]


class _Wrong(ValueError):
    """A table asks for something that cannot be meant."""


def may_have_tables(path: str, text: bytes) -> bool:
    """Tell by a glance whether a settings file asks for deployments."""
    return os.path.basename(path) in FILES and b"deployments" in text


def place_of(folder: str, name: str) -> tuple[str, int] | None:
    """Find the settings file of a folder and the line in it that a deployment's table begins at."""
    for file in FILES:
        path = os.path.join(folder, file)
        try:
            with open(path, "rb") as opened:
                line = _line_of(opened.read(), name)
        except OSError:
            continue
        if line:
            return path, line
    return None


def read_tables(path: str, text: bytes, roots: tuple[str, ...]) -> Tables:
    """Read a settings file; flows have to be in its own folder or in one that is watched."""
    try:
        document: Any = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = _PLACE.search(str(error))
        return Tables([], [(f"It is not valid TOML: {error}", int(place[1]) if place else 0)])
    for key in FILES[os.path.basename(path)]:
        document = cast("dict[str, Any]", document).get(key, {}) if isinstance(document, dict) else {}
    found: list[Table] = []
    problems: list[tuple[str, int]] = []
    if not isinstance(document, dict):
        return Tables([], [("`deployments` has to hold tables: [deployments.NAME]", 0)])
    for name, table in cast("dict[str, object]", document).items():
        try:
            found.append(_table(path, name, table, roots)._replace(line=_line_of(text, name)))
        except ValueError as error:
            problems.append((f"deployments.{name}: {error}", _line_of(text, name)))
    return Tables(found, problems)


def _table(path: str, name: str, given: object, roots: tuple[str, ...]) -> Table:
    if not isinstance(given, dict):
        raise _Wrong("has to be a table.")
    table = cast("dict[str, Any]", given)  # whatever TOML has
    if unknown := sorted(table.keys() - _KEYS):
        raise _Wrong(f"there is no {unknown[0]!r}. There are: {', '.join(sorted(_KEYS))}.")
    file, attribute = _flow(path, table.get("flow"), roots)
    limit, paused, tags = table.get("limit"), table.get("paused"), table.get("tags", [])
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise _Wrong(f"`limit` is a whole number from 1, not {limit!r:.40}.")
    if not (paused is None or isinstance(paused, bool)):
        raise _Wrong(f"`paused` is true or false, not {paused!r:.40}.")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in cast("list[object]", tags)):
        raise _Wrong("`tags` is a list of texts.")
    parameters = table.get("parameters", {})
    if not isinstance(parameters, dict):
        raise _Wrong("`parameters` is a table: parameter = value.")
    description = table.get("description")
    return Table(
        name=name,
        file=file,
        attribute=attribute,
        schedules=_schedules(table),
        parameters=cast("dict[str, object]", parameters),
        tags=sorted(set(cast("list[str]", tags))),
        description=None if description is None else str(description)[:4000],
        paused=paused,
        run_limit=limit,
        overlap=_word(table, "overlap", Overlap, Overlap.SKIP),
    )


def _flow(path: str, given: object, roots: tuple[str, ...]) -> tuple[str, str]:
    place, _, attribute = given.rpartition(":") if isinstance(given, str) else ("", "", "")
    if not place.endswith(".py") or not all(part.isidentifier() for part in attribute.split(".")) or "__" in attribute:
        raise _Wrong(f'`flow` says where the flow is: "etl.py:etl", not {given!r:.100}.')
    folder = os.path.dirname(path)
    file = os.path.realpath(os.path.join(folder, place))
    if not any(file.startswith(f"{root.rstrip('/')}/") or file == root for root in (folder, *roots)):
        raise _Wrong(f"{place} leads out of {folder}, to {file}. Watch that folder, and name the flow there.")
    if not os.path.isfile(file):
        raise _Wrong(f"there is no file {file}.")
    return file, attribute


def _schedules(table: Mapping[str, Any]) -> list[ScheduleSpec]:
    zone, catchup = table.get("timezone"), _word(table, "catchup", CatchUp, CatchUp.LATEST).value
    plain: list[dict[str, Any]] = []
    for kind in ScheduleKind:
        given = table.get(kind.value)
        each_given = cast("list[object]", given) if isinstance(given, list) else [] if given is None else [given]
        plain += [{"kind": kind.value, "expression": str(each)} for each in each_given]
    more = table.get("schedules", [])
    if not isinstance(more, list) or not all(isinstance(each, dict) for each in cast("list[object]", more)):
        raise _Wrong('`schedules` is a list of tables: { cron = "0 2 * * *", timezone = "Europe/Berlin" }.')
    plain += [_named(each) for each in cast("list[dict[str, Any]]", more)]
    found = [spec_of({"timezone": zone, "catchup": catchup, **_length(each)}) for each in plain]
    if len({spec.slug for spec in found}) < len(found):
        raise _Wrong("two schedules have the same name. Give each a `slug` of its own.")
    return found


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """Take `{ cron = "0 2 * * *" }` for the kind and the expression that it says."""
    words = dict(given)
    named = [kind.value for kind in ScheduleKind if kind.value in words]
    if len(named) == 1 and "expression" not in words:
        words |= {"kind": named[0], "expression": str(words.pop(named[0]))}
    return words


def _length(words: dict[str, Any]) -> dict[str, Any]:
    """Read an interval that is written as `15m`."""
    if words.get("kind") == ScheduleKind.INTERVAL.value:
        every = read_length(str(words.get("expression")))
        if every is None:
            raise _Wrong(f"`interval` is seconds or a length as 15m, 2h, 1d, not {words.get('expression')!r:.40}.")
        words = {**words, "expression": str(every.total_seconds())}
    return words


def _word(table: Mapping[str, Any], key: str, words: Any, default: Any) -> Any:  # any of the enumerations
    given = table.get(key)
    if given is None:
        return default
    try:
        return words(given)
    except ValueError:
        raise _Wrong(f"`{key}` is one of {', '.join(word.value for word in words)}, not {given!r:.40}.") from None


def _line_of(text: bytes, name: str) -> int:
    """Find the line of a table; TOML's reader keeps none."""
    pattern = re.compile(rf"^\s*\[.*deployments\.[\"']?{re.escape(name)}[\"']?\s*\]")
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), start=1):
        if pattern.match(line):
            return number
    return 0
