"""The query language: what is understood, where an error points, and that the SQL says what a plain reading says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.store import reading
from flowctl.store.query_language import And, Node, Not, Or, Query, QueryError, Term, Value, parse, terms
from flowctl.store.query_sql import compile_query
from flowctl.store.query_words import FIELDS, STATE_WORDS
from flowctl.store.records import FlowRunRow
from flowctl.store.sqlite import sqlite3
from tests.store.databases import in_memory
from tests.store.query_oracle import fits

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
TYPICAL = {"etl": 60.0, "report*": 1.0}


def test_a_space_means_and_and_commas_mean_or() -> None:
    query = parse("state:failed,crashed  age<1d text")

    assert isinstance(query.root, And)
    state, age, text = (part for part in query.root.parts if isinstance(part, Term))
    assert [value.text for value in state.values] == ["failed", "crashed"]
    assert (age.field, age.operator, age.values[0].text) == ("age", "<", "1d")
    assert (text.field, text.values[0].text) == (None, "text")


def test_or_and_brackets_and_minus_group() -> None:
    query = parse('flow:a or -(tag:b not "c d")')

    assert isinstance(query.root, Or)
    second = query.root.parts[1]
    assert isinstance(second, Not)
    assert isinstance(second.part, And)
    assert isinstance(second.part.parts[1], Not)


def test_nothing_fits_everything() -> None:
    assert parse("   ").is_empty


def test_quotes_take_every_sign_its_meaning() -> None:
    assert parse(r'"state:failed or \"x\" \\ (*"').root == Term(
        None, "", ":", (Value('state:failed or "x" \\ (*', True, 0, 29),)
    )


@pytest.mark.parametrize(
    ("text", "start", "end", "says"),
    [
        ("stat:failed", 0, 4, "Did you mean state?"),
        ("flow:a http://x", 7, 11, "put in quotes"),
        ("age<1d took>fast", 12, 16, "no duration"),
        ("age<tomorrow", 4, 12, "no length of time"),
        ("age:1d", 3, 4, "goes with < > <= >= only"),
        ("flow:", 5, 6, "value is missing"),
        ("flow:a,,b", 7, 8, "value is missing"),
        ("flow:a (b", 7, 8, "never closed"),
        ("a )", 2, 3, "closes nothing"),
        ("()", 0, 2, "nothing between"),
        ('a "b', 2, 3, "no partner"),
        ('""', 0, 2, "nothing between"),
        ("a or", 2, 4, "stands between"),
        ("or a", 0, 2, "stands between"),
        ("a or or b", 2, 4, "stands between"),
        ("a and", 2, 5, "stands between"),
        ("not", 0, 3, "must not fit"),
        ("param=3", 0, 6, "Which parameter?"),
        ("flow.x:3", 0, 7, "has no parts"),
        ("age<1d,2d", 7, 9, "Only one value"),
        ("retries>x", 8, 9, "no number"),
        ("by:magic", 3, 8, "starts no runs"),
        ("created>soon", 8, 12, "no day"),
        ("a\ud800", 1, 2, "that is none"),
        ("(" * 60 + "a", 41, 42, "nested too deeply"),
        ("a" * 2001, 2000, 2001, "at most 2000"),
    ],
)
def test_an_error_points_at_its_place(text: str, start: int, end: int, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)

    assert (caught.value.start, caught.value.end) == (start, max(end, start + 1))
    assert says in str(caught.value)


def test_state_names_of_the_users_own_are_let_through_and_told() -> None:
    assert parse("state:failed,Napping").strange_states == ("Napping",)


def test_every_example_of_the_help_can_be_understood() -> None:
    for field in FIELDS.values():
        assert [term.field for term in terms(parse(field.example).root)] == [field.name]


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from('ab:<>=!,.*?"\\()- ornt1dx') | st.characters(), max_size=40))
def test_any_text_is_a_query_or_an_error_that_points_into_it(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        assert 0 <= error.start < error.end <= len(text) + 2
    else:
        compile_query(query, now=NOW)


def test_far_too_many_things_are_refused() -> None:
    with pytest.raises(QueryError):
        compile_query(parse(" ".join(["a"] * 301)), now=NOW)


# The SQL against the oracle.

NAMES = ["etl", "report*", "Etl", "a b", "x[1]", 'q"q', "100%", "a_c", "ünï", "é"]
WORDS = [*NAMES, "1", "1.0", "01", "true", "null", "timeout", "et", "*l", "?tl", "r*", "x[1*", "[", "a_", "%", "\\"]
TYPES = [(type_, name) for word in STATE_WORDS.values() for type_ in word.types for name in (*word.names, "Own")]
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")

values = st.builds(Value, st.sampled_from(WORDS), st.booleans(), st.just(0), st.just(0))
state_values = st.builds(
    Value, st.sampled_from([*STATE_WORDS, "OWN", "awaitingretry"]), st.just(False), st.just(0), st.just(0)
)


def some(texts: Sequence[str]) -> st.SearchStrategy[tuple[Value, ...]]:
    return st.tuples(st.builds(Value, st.sampled_from(texts), st.just(False), st.just(0), st.just(0)))


order = st.sampled_from(["<", ">", "<=", ">="])
equal = st.sampled_from(["=", "!=", ":"])
leaves: st.SearchStrategy[Node] = st.one_of(
    st.builds(
        Term, st.just("state"), st.just(""), st.just(":"), st.lists(state_values, min_size=1, max_size=3).map(tuple)
    ),
    st.builds(
        Term,
        st.sampled_from([None, "flow", "name", "tag", "error", "id", "deployment"]),
        st.just(""),
        st.just(":"),
        st.lists(values, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(
        Term, st.just("param"), st.sampled_from(["n", "day", "zz"]), equal, st.lists(values, min_size=1).map(tuple)
    ),
    st.builds(Term, st.just("param"), st.sampled_from(["n", "day"]), order, st.tuples(values)),
    st.builds(Term, st.just("age"), st.just(""), order, some(["0s", "1m", "1h", "2h", "1d"])),
    st.builds(Term, st.just("created"), st.just(""), order, some(["today", "yesterday", "2026-11-23T12:00"])),
    st.builds(Term, st.just("took"), st.just(""), order, some(["1s", "1m", "1x", "1.5x", "0.5x"])),
    st.builds(Term, st.sampled_from(["retries", "attempt"]), st.just(""), order | equal, some(["0", "1", "2"])),
    st.builds(Term, st.just("by"), st.just(""), st.just(":"), some(["hand", "schedule", "deployment"])),
)
nodes: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=5,
)
parameters = st.dictionaries(
    st.sampled_from(["n", "day"]),
    st.sampled_from([1, 1.0, 2, -3.5, True, False, None, [1, 2], {"a": "é"}, *NAMES, "2026-11-23", "1"]),
)
errors = st.none() | st.sampled_from(NAMES).map(lambda text: {"type": "TimeoutError", "text": text})


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    type_, name = draw(st.sampled_from(TYPES))
    created = NOW - timedelta(seconds=draw(st.sampled_from([0, 1, 60, 3600, 7200, 86400, 100_000])))
    started = draw(st.none() | st.just(created))
    took = timedelta(seconds=draw(st.sampled_from([0, 1, 30, 60, 90, 120])))
    return {
        "name": draw(st.sampled_from(NAMES)),
        "flow_name": draw(st.sampled_from(NAMES)),
        "attempt": draw(st.integers(1, 3)),
        "state_type": type_.value,
        "state_name": name,
        "message": draw(st.none() | st.sampled_from(WORDS)),
        "run_count": draw(st.integers(0, 3)),
        "created_at": reading.microseconds(created),
        "started_at": None if started is None else reading.microseconds(started),
        "ended_at": reading.microseconds(created + took) if type_.value in FINAL else None,
        "parameters": json.dumps(draw(parameters), ensure_ascii=False, separators=(",", ":")),
        "tags": json.dumps(
            draw(st.lists(st.sampled_from(NAMES), max_size=2)), ensure_ascii=False, separators=(",", ":")
        ),
        "error": None if (error := draw(errors)) is None else json.dumps(error, ensure_ascii=False),
    }


def insert(connection: sqlite3.Connection, rows: list[dict[str, Any]]) -> list[FlowRunRow]:
    connection.execute("DELETE FROM flow_run")
    for number, row in enumerate(rows, 1):
        whole = {
            **row,
            "run": number,
            "root": number,
            "number": 0,
            "id": f"{number:08x}-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
            "source": "{}",
        }
        marks = ", ".join("?" * len(whole))
        connection.execute(f"INSERT INTO flow_run ({', '.join(whole)}) VALUES ({marks})", tuple(whole.values()))
    return [reading.flow_run(row, {}) for row in connection.execute(f"{reading.FLOW_RUN} ORDER BY f.run").fetchall()]


def found(connection: sqlite3.Connection, query: Query) -> list[str]:
    condition = compile_query(query, now=NOW)
    usual = json.dumps({flow: seconds * 1e6 for flow, seconds in TYPICAL.items()})
    sql = (
        "WITH typical (flow, us) AS (SELECT key, value FROM json_each(?)) "
        f"SELECT f.id FROM flow_run f WHERE {condition.sql} ORDER BY f.run"
    )
    return [id_ for (id_,) in connection.execute(sql, (usual, *condition.values)).fetchall()]


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    return in_memory()


@settings(max_examples=400, deadline=None)
@given(nodes, st.lists(runs(), min_size=1, max_size=6))
def test_the_sql_finds_what_a_plain_reading_finds(
    connection: sqlite3.Connection, node: Node, rows: list[dict[str, Any]]
) -> None:
    records = insert(connection, rows)

    assert found(connection, Query("", node)) == [run.id for run in records if fits(node, run, NOW, TYPICAL)]


@settings(max_examples=200, deadline=None)
@given(nodes, st.lists(runs(), min_size=1, max_size=4))
def test_what_does_not_fit_is_exactly_the_rest(
    connection: sqlite3.Connection, node: Node, rows: list[dict[str, Any]]
) -> None:
    records = insert(connection, rows)

    fitting, rest = found(connection, Query("", node)), found(connection, Query("", Not(node)))

    assert sorted([*fitting, *rest]) == [run.id for run in records]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("100%", ["100%"]),
        ("0_", []),
        ("a_c", ["a_c"]),
        ("flow:x[1]", ["x[1]"]),
        ("flow:x[1*", ["x[1]"]),
        ("flow:[a-z]*", []),
        ("flow:report*", ["report*", "reports"]),
        ('flow:"report*"', ["report*"]),
        ("flow:?tl", ["etl"]),
        ("ETL", ["etl"]),
        ("flow:ETL", []),
    ],
)
def test_signs_mean_what_they_say(connection: sqlite3.Connection, text: str, names: list[str]) -> None:
    flows = ["100%", "1000", "a_c", "abc", "x[1]", "x1", "report*", "reports", "etl"]
    row = {"name": "n", "attempt": 1, "state_type": "RUNNING", "state_name": "Running", "run_count": 1}
    row |= {"created_at": 1, "parameters": "{}", "tags": "[]"}
    records = insert(connection, [{**row, "flow_name": flow} for flow in flows])
    ids = found(connection, parse(text))

    assert [run.flow_name for run in records if run.id in ids] == names


def test_parameters_that_are_no_json_spoil_no_query(connection: sqlite3.Connection) -> None:
    insert(connection, [])
    connection.execute(
        "INSERT INTO flow_run (run, root, number, id, name, flow_name, attempt, state_type, state_name, run_count, "
        f"created_at, parameters, tags, source, error) VALUES (1, 1, 0, '{'a' * 36}', 'n', 'f', 1, "
        "'RUNNING', 'Running', 1, 1, '{n:', 'no', '{}', 'oops')"
    )

    assert found(connection, parse("-tag:a -param.n=1 -error:x")) == ["a" * 36]
