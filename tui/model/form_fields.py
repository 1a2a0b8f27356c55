"""One parameter in a form: what may be typed for it, what that means, what is wrong with it; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Final, NamedTuple, cast

from flowctl.core.authoring.secret_names import MASK, is_secret
from flowctl.tui.model.schema_checks import Schema, branches, kind_words, problem_of, resolved, shown

#: In the place of a value: there is none.
MISSING: Final = object()
_LONGEST_DEFAULT: Final = 40
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}


class Kind(Enum):
    """How a field is filled in."""

    TEXT = "text"
    #: By the space bar: true or false.
    TOGGLE = "toggle"
    #: One of a few values, by the arrows.
    CHOICE = "choice"


class Reading(NamedTuple):
    """What a typed text comes to."""

    #: `MISSING`: nothing is given, and the default is taken.
    value: object = MISSING
    problem: str | None = None
    #: What is to be said of a value that fits: the day of a date, say.
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter of a flow, or something else that a form asks for."""

    name: str
    schema: Schema
    #: What holds the definitions that the schema refers to.
    root: Schema
    is_required: bool = False
    #: `MISSING` where there is none, or it cannot be shown.
    default: object = MISSING
    description: str = ""
    #: In the place of what the schema says of its kind.
    said: str = ""

    @property
    def kind(self) -> Kind:
        found = [each for each in self._branches() if each.get("type") != "null"]
        if len(found) == 1 and found[0].get("type") == "boolean" and not self.is_nullable:
            return Kind.TOGGLE
        return Kind.CHOICE if self.choices else Kind.TEXT

    @property
    def is_nullable(self) -> bool:
        return any(each.get("type") == "null" for each in self._branches())

    @property
    def is_secret(self) -> bool:
        return is_secret(self.name)

    @property
    def choices(self) -> tuple[object, ...]:
        """The values that it can have, where these are few and known."""
        found: list[object] = []
        for each in self._branches():
            if each.get("type") == "null":
                found.append(None)
            elif isinstance(each.get("enum"), list):
                found += each["enum"]
            elif "const" in each:
                found.append(each["const"])
            elif each.get("type") == "boolean" and self.is_nullable:
                found += [True, False]
            else:
                return ()
        return tuple(found) if any(each is not None for each in found) else ()

    @property
    def words(self) -> str:
        """Say what is wanted, and what is taken where nothing is given."""
        if self.said:
            return self.said
        if self.kind is Kind.TOGGLE:
            words = "yes or no"
        elif self.choices:
            words = f"one of {len(self.choices)}"
        else:
            kinds = dict.fromkeys(kind_words(each, self.root) for each in self._branches())
            words = " or ".join(kind.removeprefix("a ").removeprefix("an ") for kind in kinds)
        if self.is_required and self.default is MISSING:
            return f"{words} · required"
        return words if self.default is MISSING else f"{words} · default {self.default_words}"

    @property
    def words_of_empty(self) -> str:
        """Say what is wanted where the default stands in the field already."""
        if self.said or self.default is MISSING or self.is_secret:
            return self.words
        return self.words.removesuffix(self.default_words).rstrip()

    @property
    def default_words(self) -> str:
        """Write the default, without a secret."""
        if self.default is MISSING:
            return ""
        if self.is_secret and self.default is not None:
            return MASK
        text = self.text_of(self.default)
        text = text if text else '""'
        return text if len(text) <= _LONGEST_DEFAULT else f"{text[: _LONGEST_DEFAULT - 1]}…"

    def text_of(self, value: object) -> str:
        """Write a value as it would be typed."""
        if value is MISSING:
            return ""
        if isinstance(value, str):
            # What would be read as something else stands in quotes.
            return value if value and self.read(value, None).value == value else json.dumps(value)
        if self._is_list_of_words(value):
            return ", ".join(cast("list[str]", value))
        return json.dumps(value, ensure_ascii=False, default=str)

    def read(self, text: str, now: datetime | None) -> Reading:
        """Tell what a typed text means; empty means the default."""
        words = text.strip()
        if not words:
            if self.is_required and self.default is MISSING:
                return Reading(problem="needs a value")
            return Reading()
        problems: list[str] = []
        for value in self._candidates(words, now):
            problem = problem_of(value, self.schema, self.root)
            if problem is None:
                return Reading(value, None, _remark(value, self._branches(), now))
            problems.append(problem)
        return Reading(problem=problems[0])

    def _candidates(self, text: str, now: datetime | None) -> list[object]:
        """Give what a text may mean, the likeliest first; whether it fits is for the schema to say."""
        types = {each.get("type") for each in self._branches()}
        formats = {each.get("format") for each in self._branches()}
        if "date" in formats and text.lower() in _DAYS and now is not None:
            return [(now + timedelta(days=_DAYS[text.lower()])).date().isoformat()]
        choices = [choice for choice in self.choices if text == self._choice_text(choice)]
        if choices:
            return choices
        whole = _json(text)
        found: list[object] = []
        if types == {"string"}:
            # A number or a word in JSON is what is meant by its text; only quotes are taken off.
            return [whole] if isinstance(whole, str) else [text]
        if whole is not MISSING:
            found.append(whole)
        if whole is MISSING and "boolean" in types and text.lower() in ("true", "false", "yes", "no"):
            found.append(text.lower() in ("true", "yes"))
        if whole is MISSING and "null" in types and text.lower() in ("none", "null"):
            found.append(None)
        if "array" in types and not isinstance(whole, list):
            found.insert(0, self._list_of(text, now))
        if "string" in types or None in types or whole is MISSING:
            found.append(text)
        return found

    def _choice_text(self, choice: object) -> str:
        return choice if isinstance(choice, str) else json.dumps(choice)

    def _list_of(self, text: str, now: datetime | None) -> list[object]:
        """Read `a, b` by what the items are."""
        schema = next(each for each in self._branches() if each.get("type") == "array")
        heads = cast("list[object]", schema.get("prefixItems") or [])
        inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        parts = [part.strip() for part in inner.split(",")]
        found: list[object] = []
        for place, part in enumerate(part for part in parts if part):
            of_item = resolved(heads[place] if place < len(heads) else schema.get("items", {}), self.root)
            item = Field(name="", schema=of_item, root=self.root)
            read = item.read(part, now)
            found.append(part if read.value is MISSING else read.value)
        return found

    def _is_list_of_words(self, value: object) -> bool:
        if not (isinstance(value, list) and value):
            return False
        words = cast("list[object]", value)
        if not all(isinstance(each, str) and each.strip() == each and "," not in each for each in words):
            return False
        text = ", ".join(cast("list[str]", words))
        return not text.startswith("[") and self.read(text, None).value == words

    def _branches(self) -> list[Schema]:
        return branches(resolved(self.schema, self.root), self.root)


def fields_of(schema: Mapping[str, Any] | None) -> tuple[Field, ...]:
    """Give the fields of a flow's parameters, in the order of its signature."""
    root: Schema = schema or {}
    properties = root.get("properties")
    if not isinstance(properties, Mapping):
        return ()
    known = {
        name: cast("Schema", each)
        for name, each in cast("Mapping[str, object]", properties).items()
        if isinstance(each, Mapping)
    }
    required = cast("list[str]", root.get("required") or [])
    places = {name: each.get("position", 0) for name, each in known.items()}
    return tuple(
        Field(
            name=name,
            schema={key: value for key, value in known[name].items() if key not in ("title", "description")},
            root=root,
            is_required=name in required,
            default=known[name].get("default", MISSING),
            description=str(known[name].get("description") or ""),
        )
        for name in sorted(known, key=lambda name: places[name] if isinstance(places[name], int) else 0)
    )


def _remark(value: object, found: list[Schema], now: datetime | None) -> str:
    formats = {each.get("format") for each in found}
    if isinstance(value, str) and "date" in formats:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return ""
        return f"{day:%A}" if now is None else f"{day:%A}{_distance(day, now.date())}"
    if isinstance(value, list):
        items = cast("list[object]", value)
        return f"{len(items)} item{'' if len(items) == 1 else 's'}"
    return ""


def _distance(day: date, today: date) -> str:
    days = (day - today).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    if days in near:
        return f", {near[days]}"
    return f", in {days} days" if days > 0 else f", {-days} days ago"


def _json(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return MISSING


__all__ = ["MISSING", "Field", "Kind", "Reading", "fields_of", "shown"]
