"""The query language for runs: `state:problem age<1d took>1.5x flow:etl* param.day=2026-11-23 -tag:test "timed out"`.

A space means and; `or`, `-` (or `not`) and brackets are there; commas give a field several values, any of which fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NamedTuple

from flowctl.store.problems import StoreError
from flowctl.store.query_words import FIELDS, STARTERS, STATE_WORDS, Field, read_duration

#: Longer and deeper than anybody types; SQLite has its own limits beyond.
LONGEST: Final = 2000
_DEEPEST: Final = 40
_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")
_HEAD: Final = re.compile(r"([A-Za-z_]\w*)((?:\.[^\s:<>=!,()\"]*)?)(:|!=|<=|>=|<|>|=)")
_TIMES: Final = re.compile(r"\d{1,6}(?:\.\d{1,6})?x")


class QueryError(StoreError):
    """A query that makes no sense; `start` and `end` are the columns, from 0, of what is wrong in it."""

    def __init__(self, problem: str, start: int, end: int) -> None:
        super().__init__(problem)
        self.start = start
        self.end = max(end, start + 1)


class Value(NamedTuple):
    """One value as it was typed; in quotes, nothing in it has a meaning of its own."""

    text: str
    is_quoted: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Term:
    """One thing asked of a run. Without a field: text that is to stand somewhere in it."""

    field: str | None
    #: The name of the parameter, for `param`.
    key: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What does not fit."""

    part: Node


@dataclass(frozen=True, slots=True)
class And:
    """What fits all of some; of none, everything."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What fits one of some."""

    parts: tuple[Node, ...]


Node = Term | Not | And | Or


class Query(NamedTuple):
    """A query that was understood."""

    text: str
    root: Node
    #: Words asked for as states that flowctl itself never gives: somebody's own, or a slip.
    strange_states: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.root == And(())


EVERYTHING: Final = Query("", And(()))


def parse(text: str) -> Query:
    """Understand a query; raise `QueryError` with the column of what is wrong."""
    if len(text) > LONGEST:
        raise QueryError(f"A query has at most {LONGEST} characters.", LONGEST, len(text))
    for place, letter in enumerate(text):
        if "\ud800" <= letter <= "\udfff" or letter == "\0":
            raise QueryError("There is a character in it that is none.", place, place + 1)
    reading = _Reading(text)
    root = reading.alternatives(0)
    if reading.place < len(text):
        raise QueryError("This bracket closes nothing.", reading.place, reading.place + 1)
    strange = dict.fromkeys(
        value.text
        for term in terms(root)
        if term.field == "state"
        for value in term.values
        if value.text.lower() not in STATE_WORDS
    )
    return Query(text.strip(), root, tuple(strange))


def terms(node: Node) -> Iterator[Term]:
    """Give everything that is asked, however deep."""
    match node:
        case Term():
            yield node
        case Not(part):
            yield from terms(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from terms(part)


class _Reading:
    """A text and how far it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place: int = 0

    def alternatives(self, depth: int) -> Node:
        parts = [self._conjunction(depth)]
        while (word := self._word()) is not None and word.lower() == "or":
            place = self.place
            self.place += len(word)
            behind = self._conjunction(depth)
            self._check_neighbours(word, place, parts[-1], behind)
            parts.append(behind)
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self, depth: int) -> Node:
        parts: list[Node] = []
        while (word := self._word()) is not None and word.lower() != "or":
            if word.lower() == "and":
                place = self.place
                self.place += len(word)
                behind = self._word()
                has_both = parts and behind is not None and behind.lower() not in ("or", "and")
                self._check_neighbours(word, place, And((*parts,)) if has_both else And(()))
                continue
            parts.append(self._part(word, depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _part(self, word: str, depth: int) -> Node:
        start = self.place
        if depth > _DEEPEST:
            raise QueryError("This is nested too deeply.", start, start + 1)
        if word.lower() == "not" or (word[0] == "-" and (len(word) > 1 or self.text[start + 1 : start + 2] == "(")):
            self.place += 1 if word[0] == "-" else len(word)
            inner = self._word()
            if inner is None or inner.lower() in ("or", "and"):
                raise QueryError("Write behind this what must not fit.", start, self.place)
            return Not(self._part(inner, depth + 1))
        if word[0] == "(":
            self.place += 1
            node = self.alternatives(depth + 1)
            if self.text[self.place : self.place + 1] != ")":
                raise QueryError("This bracket is never closed.", start, start + 1)
            if node == And(()):
                raise QueryError("There is nothing between these brackets.", start, self.place + 1)
            self.place += 1
            return node
        return self._term()

    def _term(self) -> Term:
        head = _HEAD.match(self.text, self.place)
        if head is None:
            return Term(None, "", ":", (self._value(" "),))
        start, name, key, operator = self.place, head[1].lower(), head[2][1:], head[3]
        field = FIELDS.get(name)
        if field is None:
            near = get_close_matches(name, FIELDS, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f'Text is put in quotes: "{head[0]}…".'
            raise QueryError(f"No field is called {head[1]!r}. {remedy}", start, start + len(name))
        self._check_head(field, head)
        self.place = head.end()
        values = [self._value(",")]
        while self.text[self.place : self.place + 1] == ",":
            self.place += 1
            values.append(self._value(","))
        if len(values) > 1 and operator not in (":", "=", "!="):
            raise QueryError(f"Only one value can be compared by {operator}.", values[1].start, values[-1].end)
        for value in values:
            _check_value(field, value)
        return Term(name, key, operator, tuple(values))

    def _check_head(self, field: Field, head: re.Match[str]) -> None:
        start, end = head.start(), head.end()
        if field.kind == "value" and len(head[2]) < 2:
            raise QueryError("Which parameter? Write param.NAME=VALUE.", start, end)
        if field.kind != "value" and head[2]:
            raise QueryError(f"{field.name} has no parts. For example: {field.example}", start, end)
        if head[3] not in field.operators:
            known = " ".join(field.operators)
            raise QueryError(f"{field.name} goes with {known} only. For example: {field.example}", head.start(3), end)

    def _value(self, kind: str) -> Value:
        start: int = self.place
        if self.text[start : start + 1] == '"':
            end = start + 1
            letters: list[str] = []
            while end < len(self.text) and self.text[end] != '"':
                # A backslash only has a meaning before what would otherwise end the text, and before itself.
                if self.text[end] == "\\" and self.text[end + 1 : end + 2] in ('"', "\\"):
                    end += 1
                letters.append(self.text[end])
                end += 1
            if end >= len(self.text):
                raise QueryError("This quotation mark has no partner.", start, start + 1)
            self.place = end + 1
            if not letters:
                raise QueryError("There is nothing between these quotation marks.", start, self.place)
            return Value("".join(letters), True, start, self.place)
        end = start
        while end < len(self.text) and not self.text[end].isspace() and self.text[end] not in ("()" + kind.strip()):
            end += 1
        self.place = end
        if end == start:
            raise QueryError("A value is missing here.", start, start + 1)
        return Value(self.text[start:end], False, start, end)

    def _word(self) -> str | None:
        """Look at the next word; None at the end, or before a bracket that closes."""
        while self.text[self.place : self.place + 1].isspace():
            self.place += 1
        if self.text[self.place : self.place + 1] in ("", ")"):
            return None
        end = self.place + 1
        while end < len(self.text) and not self.text[end].isspace() and self.text[end] not in "()":
            end += 1
        return self.text[self.place : end]

    def _check_neighbours(self, word: str, place: int, *neighbours: Node) -> None:
        if And(()) in neighbours:
            problem = f"{word!r} stands between two things. As text it is put in quotes."
            raise QueryError(problem, place, place + len(word))


def _check_value(field: Field, value: Value) -> None:
    """Refuse a value that its field cannot have."""
    text, problem = value.text, ""
    match field.kind:
        case "age" if read_duration(text) is None:
            problem = f"{text!r} is no length of time. Write 30m, 12h, 1d, 2w."
        case "took" if read_duration(text) is None and not _TIMES.fullmatch(text):
            problem = f"{text!r} is no duration. Write 30s, 5m, 1h, or 1.5x for times the usual."
        case "number" if not _NUMBER.fullmatch(text):
            problem = f"{text!r} is no number."
        case "by" if text.lower() not in STARTERS:
            problem = f"{text!r} starts no runs. Write one of {', '.join(STARTERS)}."
        case "moment" if not re.fullmatch(r"today|yesterday|\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d)?)?)?", text):
            problem = f"{text!r} is no day. Write today, yesterday or 2026-11-23."
        case _:
            pass
    if problem:
        raise QueryError(problem, value.start, value.end)
