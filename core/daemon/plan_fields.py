"""Reads what a request about a deployment says: every field is what somebody sent, until it was looked at here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from flowctl.core.daemon.occurrences import spec_of
from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.core.daemon.upkeep_requests import text, texts
from flowctl.store.plan_records import FlowReference, ScheduleSpec

MOST_SCHEDULES: Final = 100
LARGEST_SCHEMA: Final = 1 << 20
_LONGEST_NAME: Final = 200
_MOST_TAGS: Final = 100
_MOST_RUNS: Final = 100_000
_LARGEST_PARAMETERS: Final = 1 << 20
_ATTRIBUTE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_Word = TypeVar("_Word", bound=StrEnum)


def read_name(fields: Fields) -> str:
    """Read the name of a deployment."""
    name = text(fields, "name")
    if len(name) > _LONGEST_NAME or not name.isprintable() or name.strip() != name or name.startswith("-"):
        raise Refused(
            "bad_request",
            f"A deployment's name has 1 to {_LONGEST_NAME} printable characters, with no blank around them and no "
            f"hyphen before them, not {name!r:.80}.",
        )
    return name


def read_reference(fields: Fields) -> FlowReference:
    """Read where a flow is, and in what it is loaded."""
    attribute = text(fields, "flow")
    if not _ATTRIBUTE.fullmatch(attribute) or "__" in attribute:
        raise Refused("bad_request", f"{attribute!r:.80} can be no flow's name in a file.")
    file, module = fields.get("file"), fields.get("module")
    if file is not None:
        file = text(fields, "file")
        if not os.path.isabs(file) or "\0" in file or os.path.realpath(file) != file:
            raise Refused(
                "bad_request", f"The file has to be named by its real path, without `..` and links, not {file!r:.200}."
            )
        if not os.path.isfile(file):
            raise Refused("not_found", f"There is no file {file}.")
    elif module is None or not _ATTRIBUTE.fullmatch(text(fields, "module")):
        raise Refused("bad_request", "Say where the flow is: a `file`, or a `module`.")
    python, cwd = text(fields, "python"), text(fields, "cwd")
    if not (os.path.isabs(python) and os.access(python, os.X_OK)):
        raise Refused("bad_request", f"There is no interpreter {python!r:.200}.")
    if not os.path.isdir(cwd):
        raise Refused("bad_request", f"There is no folder {cwd!r:.200} to run it in.")
    return FlowReference(
        file=file,
        flow_attribute=attribute,
        module=cast("str | None", module),
        python=python,
        cwd=cwd,
        path0=None if fields.get("path0") is None else text(fields, "path0"),
    )


def read_schedules(
    fields: Fields, schema: Mapping[str, object] | None, parameters: Mapping[str, object]
) -> list[ScheduleSpec]:
    """Read a list of schedules that can run the flow."""
    given: Any = fields["schedules"]  # whatever somebody sent
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in cast("list[object]", given)):
        raise Refused("bad_request", "'schedules' has to be a list of objects: kind, expression, timezone, …")
    plain = cast("list[dict[str, Any]]", given)
    if len(plain) > MOST_SCHEDULES:
        raise Refused("bad_request", f"A deployment has at most {MOST_SCHEDULES} schedules, not {len(plain):,}.")
    try:
        found = [spec_of(each) for each in plain]
    except ValueError as error:
        raise Refused("bad_request", str(error)) from None
    if len({spec.slug for spec in found}) < len(found):
        raise Refused("bad_request", "Two schedules have the same name. Give each a `slug` of its own.")
    for spec in found:
        check_names("of the deployment", schema, spec.parameters)
        lacks = [name for name in _required(schema) if name not in parameters and name not in spec.parameters]
        if lacks:
            raise Refused(
                "bad_request",
                f"No schedule can run the flow: it needs a value for {', '.join(map(repr, lacks))}. "
                "Give it a default in the file, or a value with -p.",
            )
    return found


def _required(schema: Mapping[str, object] | None) -> Sequence[str]:
    return cast("Sequence[str]", (schema or {}).get("required") or ())


def check_names(flow_name: str, schema: Mapping[str, object] | None, parameters: Mapping[str, object]) -> None:
    """Refuse parameters that the flow does not have; values are judged where the flow is."""
    if not schema or schema.get("additionalProperties") is True:
        return
    known = cast("Mapping[str, object]", schema.get("properties") or {})
    strange = next((name for name in parameters if name not in known), None)
    if strange is not None:
        has = ", ".join(known) or "none"
        raise Refused("bad_request", f"The flow {flow_name} has no parameter {strange!r}. It has: {has}.")


def read_object(fields: Fields, name: str, largest: int = _LARGEST_PARAMETERS) -> dict[str, object]:
    """Read a field that is an object, empty where it is not given."""
    given: Any = fields.get(name) or {}  # whatever somebody sent
    if not isinstance(given, dict):
        raise Refused("bad_request", f"{name!r} has to be an object.")
    found = cast("dict[str, object]", given)
    if len(json.dumps(found)) > largest:
        raise Refused("bad_request", f"{name!r} may have {largest >> 20} MiB. Put more into a file.")
    return found


def read_tags(fields: Fields) -> list[str]:
    """Read the tags, each once."""
    found = texts(fields, "tags") if fields.get("tags") is not None else []
    if len(found) > _MOST_TAGS:
        raise Refused("bad_request", f"A deployment has at most {_MOST_TAGS} tags.")
    return list(dict.fromkeys(found))


def read_run_limit(fields: Fields) -> int | None:
    """Read how many runs may run at once."""
    limit: Any = fields.get("run_limit")  # whatever somebody sent
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= _MOST_RUNS):
        return limit
    raise Refused("bad_request", f"At most so many runs at once: a number from 1 to {_MOST_RUNS:,}.")


def read_flag(fields: Fields, name: str) -> bool | None:
    """Read a field that is true, false or not given."""
    value: Any = fields.get(name)  # whatever somebody sent
    if value is None or isinstance(value, bool):
        return value
    raise Refused("bad_request", f"{name!r} is true or false.")


def read_word(fields: Fields, name: str, words: type[_Word], default: _Word) -> _Word:
    """Read a field that is a word of an enumeration."""
    given = fields.get(name)
    if given is None:
        return default
    try:
        return words(given)
    except ValueError:
        known = ", ".join(word.value for word in words)
        raise Refused("bad_request", f"{name!r} is one of {known}, not {given!r:.40}.") from None


def read_moment(fields: Fields, name: str) -> datetime:
    """Read a field that is a time; one without a zone is meant in UTC."""
    given = text(fields, name)
    try:
        at = datetime.fromisoformat(given)
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Refused("bad_request", f"{given!r:.60} is no time. Write it as 2026-11-23T14:00:00+01:00.") from None
