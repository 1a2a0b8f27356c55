"""Queries as SQL over `flow_run f`: every value is bound, and each condition is true or false, never unknown."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Final, NamedTuple, assert_never

from flowctl.store.query_language import And, Node, Not, Or, Query, QueryError, Term, Value, terms
from flowctl.store.query_words import STATE_WORDS, StateWord, read_day, read_duration
from flowctl.store.reading import microseconds

#: ASCII alone, as SQLite's own `lower` and LIKE do it.
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: SQLite breaks off an expression of more than 1000 levels.
_MOST_TERMS: Final = 300
_INDEXED: Final = frozenset({"state", "flow", "age", "created"})


class Condition(NamedTuple):
    """A part of a WHERE clause and what is bound to its marks."""

    sql: str
    values: tuple[object, ...]
    #: Whether it speaks of the table `typical (flow, us)`.
    needs_typical: bool = False


def compile_query(query: Query, *, now: datetime) -> Condition:
    """Make the condition that a row of `flow_run f` fits a query; raise `QueryError` for one that is far too long."""
    asked = list(terms(query.root))
    if sum(len(term.values) for term in asked) > _MOST_TERMS:
        raise QueryError(f"A query asks for at most {_MOST_TERMS} things.", 0, len(query.text))
    bound: list[object] = []
    sql = _Compiling(now, bound).node(query.root)
    return Condition(sql, tuple(bound), any(_is_relative(term) for term in asked))


def is_indexed(query: Query) -> bool:
    """Tell whether indices answer a query: for others every run may have to be looked at."""
    return all(term.field in _INDEXED for term in terms(query.root))


def lowered(text: str) -> str:
    """Fold case as the database does."""
    return text.translate(_LOWER)


def state_sql(word: StateWord) -> str:
    """Make the condition that a row is in one of the states that a word stands for."""
    # Constants of our own, so that SQLite can choose an index that holds some states only.
    sql = f"f.state_type IN ({_listed(word.types)})"
    if word.names:
        sql += f" AND f.state_name IN ({_listed(word.names)})"
    if word.but:
        sql += f" AND f.state_name NOT IN ({_listed(word.but)})"
    return f"({sql})"


def _is_relative(term: Term) -> bool:
    return term.field == "took" and term.values[0].text.endswith("x")


class _Compiling:
    def __init__(self, now: datetime, bound: list[object]) -> None:
        self._now = now
        self._now_us = microseconds(now)
        self._bound = bound

    def node(self, node: Node) -> str:
        match node:
            case Term():
                return self._term(node)
            case Not(part):
                return f"NOT {self.node(part)}"
            case And(parts):
                return "(" + " AND ".join(map(self.node, parts)) + ")" if parts else "TRUE"
            case Or(parts):
                return "(" + " OR ".join(map(self.node, parts)) + ")"
            case _:
                assert_never(node)

    def _term(self, term: Term) -> str:
        if term.operator == "!=":
            # A parameter that is not there is not equal either.
            return f"NOT {self._any(Term(term.field, term.key, '=', term.values))}"
        return self._any(term)

    def _any(self, term: Term) -> str:
        return "(" + " OR ".join(self._one(term, value) for value in term.values) + ")"

    def _one(self, term: Term, value: Value) -> str:
        match term.field:
            case None:
                return self._anywhere(value)
            case "state":
                return self._state(value)
            case "flow":
                return self._text("f.flow_name", value)
            case "name":
                return self._text("f.name", value)
            case "id":
                self._bound += [lowered(value.text), lowered(value.text)]
                return "(f.id >= ? AND f.id < ? || 'g')"
            case "tag":
                return (
                    f"EXISTS (SELECT 1 FROM json_each({_json('f.tags', '[]')}) t WHERE {self._text('t.value', value)})"
                )
            case "deployment":
                name = self._text("d.name", value)
                return f"EXISTS (SELECT 1 FROM deployment d WHERE d.id = f.deployment_id AND {name})"
            case "by":
                return _BY[lowered(value.text)]
            case "age":
                self._bound.append(self._now_us - round((read_duration(value.text) or 0) * 1e6))
                return f"f.created_at {_TURNED[term.operator]} ?"
            case "created":
                at = read_day(value.text, self._now)
                self._bound.append(microseconds(at or datetime.max.replace(tzinfo=UTC)))
                return f"f.created_at {term.operator} ?"
            case "took":
                return self._took(term.operator, value)
            case "retries":
                return self._number("max(f.run_count - 1, 0)", term.operator, value)
            case "attempt":
                return self._number("f.attempt", term.operator, value)
            case "param":
                return self._parameter(term, value)
            case "error":
                return self._in(_ERROR, value)
            case "log":
                found = self._in("l.message", value)
                return f"EXISTS (SELECT 1 FROM log l WHERE l.root = f.root AND {found})"
            case unknown:
                raise AssertionError(unknown)  # `parse` lets no other through

    def _state(self, value: Value) -> str:
        word = STATE_WORDS.get(lowered(value.text))
        if word is None:
            self._bound.append(value.text)
            return "f.state_name = ? COLLATE NOCASE"
        return state_sql(word)

    def _text(self, column: str, value: Value) -> str:
        """A whole text, in which `*` and `?` stand for anything unless it was quoted."""
        if value.is_quoted or not any(sign in value.text for sign in "*?"):
            self._bound.append(value.text)
            return f"{column} = ?"
        self._bound.append(value.text.replace("[", "[[]"))
        return f"{column} GLOB ?"

    def _in(self, column: str, value: Value) -> str:
        self._bound.append(_like(value.text))
        return f"ifnull({column} LIKE ? ESCAPE '\\', 0)"

    def _anywhere(self, value: Value) -> str:
        pattern = _like(value.text)
        self._bound += [pattern] * len(_PLACES)
        return "(" + " OR ".join(f"ifnull({place} LIKE ? ESCAPE '\\', 0)" for place in _PLACES) + ")"

    def _took(self, operator: str, value: Value) -> str:
        self._bound.append(self._now_us)
        took = "(ifnull(f.ended_at, ?) - f.started_at)"
        if value.text.endswith("x"):
            self._bound.append(float(value.text[:-1]))
            usual = "(SELECT y.us FROM typical y WHERE y.flow = f.flow_name)"
            return f"ifnull({took} {operator} ? * {usual}, 0)"
        self._bound.append(round((read_duration(value.text) or 0) * 1e6))
        return f"ifnull({took} {operator} ?, 0)"

    def _number(self, column: str, operator: str, value: Value) -> str:
        self._bound.append(float(value.text))
        return f"{column} {'=' if operator == ':' else operator} ?"

    def _parameter(self, term: Term, value: Value) -> str:
        self._bound.append(term.key)
        number = None if value.is_quoted else _number_or_none(value.text)
        if term.operator in ("=", ":"):
            same = self._text(_SHOWN, value)
            if number is not None:
                self._bound.append(number)
                same = f"({same} OR (p.type IN ('integer', 'real') AND p.value = ?))"
        else:
            # Numbers are compared with numbers, text with text: days as ISO writes them come out right.
            kinds = "'integer', 'real'" if number is not None else "'text'"
            self._bound.append(value.text if number is None else number)
            same = f"(p.type IN ({kinds}) AND p.value {term.operator} ?)"
        object_ = _json("f.parameters", "{}")
        return f"EXISTS (SELECT 1 FROM json_each({object_}) p WHERE p.key = ? AND {same})"


_TURNED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_BY: Final = {
    "schedule": "f.scheduled_for IS NOT NULL",
    "deployment": "f.deployment_id IS NOT NULL",
    "hand": "(f.scheduled_for IS NULL AND f.deployment_id IS NULL)",
}
#: Of a JSON value: text as it is, `true`, `false` and `null` by their words, all else as JSON.
_SHOWN: Final = "CASE p.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null' ELSE p.value END"
_ERROR: Final = (
    "CASE WHEN json_valid(f.error) "
    "THEN ifnull(json_extract(f.error, '$.type'), '') || ': ' || ifnull(json_extract(f.error, '$.text'), '') END"
)
#: Where plain text is looked for. Not in the log, which may have a million lines: `log:` does that.
_PLACES: Final = ("f.name", "f.flow_name", "f.id", "f.message", _ERROR, "f.tags", "f.parameters")


def _json(column: str, instead: str) -> str:
    """What a foreign writer put there that is no JSON would end the whole query."""
    return f"CASE WHEN json_valid({column}) THEN {column} ELSE '{instead}' END"


def _listed(words: frozenset[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _number_or_none(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None
