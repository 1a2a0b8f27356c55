"""The query language once more, slowly and plainly over records: what the SQL is compared with."""

from __future__ import annotations

import fnmatch
import json
import operator
import re
import string
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from flowctl.store.query_language import And, Node, Not, Or, Term, Value
from flowctl.store.query_words import STATE_WORDS, read_day, read_duration
from flowctl.store.records import FlowRunRow

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
}


def fits(node: Node, run: FlowRunRow, now: datetime, typical: Mapping[str, float]) -> bool:
    """Tell whether a run fits."""
    match node:
        case And(parts):
            return all(fits(part, run, now, typical) for part in parts)
        case Or(parts):
            return any(fits(part, run, now, typical) for part in parts)
        case Not(part):
            return not fits(part, run, now, typical)
        case Term():
            if node.field in ("param", "retries", "attempt") and node.operator == "!=":
                return not any(_one(node, "=", value, run, now, typical) for value in node.values)
            return any(_one(node, node.operator, value, run, now, typical) for value in node.values)


def _one(term: Term, sign: str, value: Value, run: FlowRunRow, now: datetime, typical: Mapping[str, float]) -> bool:
    text = value.text
    match term.field:
        case None:
            error = f"{run.error.type_name}: {run.error.text}" if run.error else ""
            places = [run.name, run.flow_name, run.id, run.message or "", error]
            places += [json.dumps(run.tags, ensure_ascii=False, separators=(",", ":"))]
            places += [json.dumps(run.parameters, ensure_ascii=False, separators=(",", ":"))]
            return any(_has(place, text) for place in places)
        case "state":
            word = STATE_WORDS.get(text.translate(_LOWER))
            if word is None:
                return run.state_name.translate(_LOWER) == text.translate(_LOWER)
            named = not word.names or run.state_name in word.names
            return run.state_type in word.types and named and run.state_name not in word.but
        case "flow":
            return _is(run.flow_name, value)
        case "name":
            return _is(run.name, value)
        case "id":
            return run.id.startswith(text.translate(_LOWER))
        case "tag":
            return any(_is(tag, value) for tag in run.tags)
        case "deployment":
            return False
        case "by":
            return text.lower() == "hand"
        case "age":
            seconds = round((read_duration(text) or 0) * 1e6)
            return _COMPARE[sign]((now - run.created_at) // timedelta(microseconds=1), seconds)
        case "created":
            at = read_day(text, now)
            return at is not None and _COMPARE[sign]((run.created_at - at) / timedelta(microseconds=1), 0)
        case "took":
            if run.started_at is None:
                return False
            took = ((run.ended_at or now) - run.started_at) / timedelta(microseconds=1)
            if not text.endswith("x"):
                return _COMPARE[sign](took, round((read_duration(text) or 0) * 1e6))
            usual = typical.get(run.flow_name)
            return usual is not None and _COMPARE[sign](took, float(text[:-1]) * usual * 1e6)
        case "retries":
            return _COMPARE[sign](max(run.run_count - 1, 0), float(text))
        case "attempt":
            return _COMPARE[sign](run.attempt, float(text))
        case "param":
            return term.key in run.parameters and _parameter(run.parameters[term.key], sign, value)
        case "error":
            return run.error is not None and _has(f"{run.error.type_name}: {run.error.text}", text)
        case _:
            raise AssertionError(term)


def _parameter(found: object, sign: str, value: Value) -> bool:
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    try:
        number = None if value.is_quoted else float(value.text)
    except ValueError:
        number = None
    if sign in ("=", ":"):
        if isinstance(found, bool):
            shown = "true" if found else "false"
        elif found is None:
            shown = "null"
        elif isinstance(found, str):
            shown = found
        elif is_number:
            # SQLite compares a number and a text as different, whatever they look like; its GLOB writes the number.
            has_sign = not value.is_quoted and any(each in value.text for each in "*?")
            return number == found or (has_sign and _is(str(found), value))
        else:
            shown = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        return _is(shown, value)
    if number is not None:
        return is_number and _COMPARE[sign](found, number)  # type: ignore[arg-type]  # a number, as just seen
    compare: Callable[[object, object], bool] = _COMPARE[sign]  # type: ignore[assignment]  # text has an order as well
    return isinstance(found, str) and compare(found, value.text)


def _is(text: str, value: Value) -> bool:
    if value.is_quoted or not any(sign in value.text for sign in "*?"):
        return text == value.text
    # fnmatch knows brackets too, which GLOB is not given.
    pattern = fnmatch.translate(value.text.replace("[", "[[]"))
    return re.match(pattern, text) is not None


def _has(text: str, part: str) -> bool:
    return part.translate(_LOWER) in text.translate(_LOWER)
