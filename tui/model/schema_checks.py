"""Whether a value fits a JSON schema, in a sentence that says what is wrong; no code of the user's is asked. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final, cast
from uuid import UUID

Schema = Mapping[str, Any]

_DEEPEST: Final = 12
_LONGEST_SHOWN: Final = 40
_DURATION: Final = re.compile(
    r"[+-]?P(?!$)(\d+(?:\.\d+)?Y)?(\d+(?:\.\d+)?M)?(\d+(?:\.\d+)?W)?(\d+(?:\.\d+)?D)?"
    r"(T(?=\d)(\d+(?:\.\d+)?H)?(\d+(?:\.\d+)?M)?(\d+(?:\.\d+)?S)?)?"
)
_CLOCK: Final = re.compile(r"[+-]?(\d+ days?,? ?)?\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
#: Patterns of this length are the user's own, and short; others may take for ever.
_LONGEST_PATTERN: Final = 200
_NEARLY: Final = 1e-9


def resolved(schema: object, root: Schema) -> Schema:
    """Follow a reference into the definitions; what is no schema means anything."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, Mapping):
            return {}
        found = cast("Schema", schema)
        place = found.get("$ref")
        if not isinstance(place, str):
            return found
        target: object = root
        for part in place.removeprefix("#/").split("/"):
            target = cast("Mapping[str, object]", target).get(part) if isinstance(target, Mapping) else None
        schema = target
    return {}


def branches(schema: Schema, root: Schema) -> list[Schema]:
    """Give the kinds of value that a schema allows: the members of a union, else itself."""
    members: object = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(members, list):
        return [schema]
    return [each for member in cast("list[object]", members) for each in branches(resolved(member, root), root)]


def problem_of(value: object, schema: Schema, root: Schema, depth: int = 0) -> str | None:
    """Say why a value does not fit; None where it does, or where only the flow itself can tell."""
    schema = resolved(schema, root)
    if depth > _DEEPEST:
        return None
    found = branches(schema, root)
    if len(found) > 1 or found[0] is not schema:
        problems = [problem_of(value, each, root, depth + 1) for each in found]
        if None in problems:
            return None
        kinds = " or ".join(dict.fromkeys(kind_words(each, root) for each in found))
        fitting = [
            problem
            for each, problem in zip(found, problems, strict=True)
            if problem is not None and _has_type(value, each)
        ]
        return fitting[0] if fitting else f"not {kinds}: {shown(value)}"
    if "enum" in schema or "const" in schema:
        choices = cast("Sequence[object]", schema.get("enum", [schema.get("const")]))
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            return f"not one of {', '.join(map(shown, choices))}: {shown(value)}"
        return None
    if not _has_type(value, schema):
        return f"not {kind_words(schema, root)}: {shown(value)}"
    return _inside(value, schema, root, depth)


def kind_words(schema: Schema, root: Schema) -> str:
    """Say what kind of value a schema means: `a whole number`."""
    schema = resolved(schema, root)
    format_ = schema.get("format")
    if isinstance(format_, str) and format_ in _FORMATS:
        return _FORMATS[format_][0]
    if "enum" in schema:
        return "one of " + ", ".join(map(shown, cast("Sequence[object]", schema["enum"])))
    type_ = schema.get("type")
    if type_ == "array" and isinstance(schema.get("items"), Mapping):
        items = kind_words(cast("Schema", schema["items"]), root).removeprefix("a ").removeprefix("an ")
        return "a list" if items == "any value" else f"a list of {items}"
    return _TYPES.get(type_, "any value") if isinstance(type_, str) else "any value"


def shown(value: object) -> str:
    """Write a value as Python has it, not too long."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _inside(value: object, schema: Schema, root: Schema, depth: int) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number_problem(value, schema)
    if isinstance(value, str):
        return _text_problem(value, schema)
    if isinstance(value, list):
        return _list_problem(cast("list[object]", value), schema, root, depth)
    if isinstance(value, dict):
        return _object_problem(cast("dict[str, object]", value), schema, root, depth)
    return None


def _number_problem(value: float, schema: Schema) -> str | None:
    for name, is_wrong, words in _BOUNDS:
        bound = schema.get(name)
        if isinstance(bound, int | float) and is_wrong(value, bound):
            return f"{words} {bound}: {shown(value)}"
    return None


def _text_problem(value: str, schema: Schema) -> str | None:
    format_ = schema.get("format")
    if isinstance(format_, str) and format_ in _FORMATS:
        words, is_one = _FORMATS[format_]
        if not is_one(value):
            return f"not {words}: {shown(value)}"
    least, most, pattern = schema.get("minLength"), schema.get("maxLength"), schema.get("pattern")
    if isinstance(least, int) and len(value) < least:
        return f"shorter than {least} characters" if value else "empty"
    if isinstance(most, int) and len(value) > most:
        return f"longer than {most} characters"
    if isinstance(pattern, str) and len(pattern) <= _LONGEST_PATTERN and len(value) <= _LONGEST_PATTERN:
        try:
            if re.search(pattern, value) is None:
                return f"does not look like {pattern}: {shown(value)}"
        except re.error:
            return None  # another dialect: the flow will tell
    return None


def _list_problem(value: list[object], schema: Schema, root: Schema, depth: int) -> str | None:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if isinstance(least, int) and len(value) < least:
        return f"{_items(value)}, and needs {least}"
    if isinstance(most, int) and len(value) > most:
        return f"{_items(value)}, and may have {most}"
    if schema.get("uniqueItems") and any(each in value[:place] for place, each in enumerate(value)):
        return "has an item twice"
    heads = cast("Sequence[object]", schema.get("prefixItems") or ())
    for place, each in enumerate(value):
        of_item = heads[place] if place < len(heads) else schema.get("items", {})
        problem = problem_of(each, resolved(of_item, root), root, depth + 1)
        if problem is not None:
            return f"item {place + 1} is {problem}"
    return None


def _items(value: list[object]) -> str:
    return f"has {len(value)} item{'' if len(value) == 1 else 's'}"


def _object_problem(value: dict[str, object], schema: Schema, root: Schema, depth: int) -> str | None:
    known = cast("Mapping[str, object]", schema.get("properties") or {})
    for name in cast("Sequence[str]", schema.get("required") or ()):
        if name not in value:
            return f"lacks {name!r}"
    others: object = schema.get("additionalProperties", True)
    for name, each in value.items():
        if name not in known and others is False:
            return f"has {name!r}, which is not known"
        problem = problem_of(each, resolved(known.get(name, others), root), root, depth + 1)
        if problem is not None:
            return f"{name} is {problem}"
    return None


def _has_type(value: object, schema: Schema) -> bool:
    type_: object = schema.get("type")
    types = cast("list[object]", type_) if isinstance(type_, list) else [type_]
    return any(not isinstance(each, str) or each not in _IS or _IS[each](value) for each in types)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_no_multiple(value: float, step: float) -> bool:
    return step != 0 and abs(value / step - round(value / step)) > _NEARLY


def _reads(read: Any, text: str) -> bool:  # whatever reads a text, or raises ValueError
    try:
        read(text)
    except ValueError:
        return False
    return True


_TYPES: Final = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "empty",
    "array": "a list",
    "object": "an object",
}
_IS: Final[dict[str, Callable[[object], bool]]] = {
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_BOUNDS: Final[tuple[tuple[str, Callable[[float, float], bool], str], ...]] = (
    ("minimum", operator.lt, "less than"),
    ("maximum", operator.gt, "more than"),
    ("exclusiveMinimum", operator.le, "not more than"),
    ("exclusiveMaximum", operator.ge, "not less than"),
    ("multipleOf", _is_no_multiple, "not a multiple of"),
)
_FORMATS: Final[dict[str, tuple[str, Callable[[str], bool]]]] = {
    "date": ("a date", lambda text: _reads(date.fromisoformat, text)),
    "date-time": ("a date and time", lambda text: _reads(datetime.fromisoformat, text)),
    "time": ("a time of day", lambda text: _reads(time.fromisoformat, text)),
    "duration": ("a length of time", lambda text: bool(_DURATION.fullmatch(text) or _CLOCK.fullmatch(text))),
    "uuid": ("a UUID", lambda text: _reads(UUID, text)),
}
