"""Short texts for values: bounded, masked, and never raising."""

from __future__ import annotations

import collections
import datetime
import json
import threading
import time
import tracemalloc
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from flowctl.core.engine.previews import parameters_json, preview, preview_arguments


class Raises:
    def __repr__(self) -> str:
        raise ValueError("no")


class Exits:
    def __repr__(self) -> str:
        raise SystemExit(3)


class GivesNumber:
    def __repr__(self) -> str:
        return 5  # type: ignore[return-value] # pyright: ignore


class Giant:
    def __repr__(self) -> str:
        return "x" * 10_000_000


class Plain:
    pass


class Point(NamedTuple):
    x: int
    y: list[int]


@dataclass
class Login:
    name: str
    password: str
    rows: list[int]
    hidden: int = field(default=1, repr=False)


class Account(BaseModel):
    name: str
    api_token: str
    key: SecretStr


class Color(Enum):
    RED = "red"


def an_endless_list() -> list[Any]:
    endless: list[Any] = [1]
    endless.append(endless)
    return endless


TEXTS: list[Any] = [
    (None, "None"),
    (True, "True"),
    (5, "5"),
    (1.5, "1.5"),
    ("it's", '"it\'s"'),
    (b"ab", "b'ab'"),
    ([1, "a", None], "[1, 'a', None]"),
    ((1,), "(1,)"),
    ((), "()"),
    (set(), "set()"),
    (frozenset({1}), "frozenset({1})"),
    ({"a": [1, {}]}, "{'a': [1, {}]}"),
    (collections.deque([1, 2]), "deque([1, 2])"),
    (collections.OrderedDict(a=1), "OrderedDict({'a': 1})"),
    (Point(1, [2]), "Point(x=1, y=[2])"),
    (an_endless_list(), "[1, …]"),
    ([0, 1, "x" * 100], f"[0, 1, '{'x' * 100}']"),
    pytest.param(10**5000, "<int of 16,610 bits>", id="huge"),
    (Raises(), "<Raises repr raised ValueError>"),
    ([Raises()], "[<Raises repr raised ValueError>]"),
    (Exits(), "<Exits repr raised SystemExit>"),
    (GivesNumber(), "<GivesNumber repr raised TypeError>"),
    (Plain(), "<Plain object>"),
    (Color.RED, "<Color.RED: 'red'>"),
    (len, "<function len>"),
    (Plain, "<class Plain>"),
    (SecretStr("hunter2"), "SecretStr('**********')"),
    (pd.DataFrame({"a": range(1000)}), "DataFrame(shape=(1000, 1))"),
    (np.zeros((3, 4)), "ndarray(shape=(3, 4))"),
    (np.float64(3.5), "np.float64(3.5)"),
    (Login("a", "hunter2", [1]), "Login(name='a', password='********', rows=[1])"),
    (
        Account(name="a", api_token="t", key=SecretStr("k")),
        "Account(name='a', api_token='********', key=SecretStr('**********'))",
    ),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_value_has_a_short_text(value: Any, text: str) -> None:
    assert preview(value) == text


def test_a_long_container_tells_how_many_items_it_has() -> None:
    text = preview(list(range(1000)), 60)

    assert text.startswith("[0, 1, 2, ")
    assert text.endswith(", … 1000 items]")
    assert len(text) <= 60


def test_a_long_string_tells_how_long_it_is() -> None:
    text = preview("x" * 100_000, 50)

    assert text.startswith("'xxxx")
    assert text.endswith("x'… 100,000 characters")
    assert len(text) <= 50


_ANYTHING: Any = st.recursive(
    st.one_of(
        st.none(),
        st.integers(),
        st.floats(),
        st.text(max_size=300),
        st.binary(max_size=300),
        st.builds(Raises),
        st.builds(Plain),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(st.text(), inner),
        st.builds(Login, st.text(), st.text(), st.lists(st.integers())),
    ),
    max_leaves=30,
)


@given(value=_ANYTHING, limit=st.integers(24, 300))
def test_no_text_is_longer_than_its_limit(value: Any, limit: int) -> None:
    assert len(preview(value, limit)) <= limit
    assert len(preview_arguments({"a": value, "b": value, "c": 1}, limit=limit)) <= limit


def test_huge_values_take_neither_time_nor_memory() -> None:
    rows = [{"name": "x" * 1000, "values": list(range(1000))} for _ in range(1000)]
    huge: dict[str, Any] = {
        "rows": rows,
        "again": [rows] * 1000,
        "text": "y" * 100_000_000,
        "login": Login("a", "b", [1] * 10**6),
    }
    tracemalloc.start()
    began = time.perf_counter()

    for value in (huge, list(huge.values()), Giant()):
        assert len(preview(value)) <= 200
    assert len(parameters_json(huge)) < 10_000

    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 1
    assert peak < 50_000_000


def test_arguments_are_written_as_in_a_call() -> None:
    text = preview_arguments({"x": 3, "rows": list(range(1000)), "name": "n", "on": True}, limit=80)

    assert text.startswith("x=3, rows=[0, 1, ")
    assert ", … 1000 items], name='n', on=True" in text
    assert preview_arguments({}) == ""


def test_many_arguments_are_counted() -> None:
    text = preview_arguments({f"x{index}": "a" * 30 for index in range(30)})

    assert text.endswith(" more")
    assert len(text) <= 200


SECRETS: dict[str, Any] = {
    "password": "hunter2",
    "API-Key": "hunter2",
    "github_token": ["hunter2"],
    "settings": {"db": {"Secret": "hunter2"}, "n": [{"passwd": "hunter2"}]},
    "login": Login("a", "hunter2", []),
    "url": "postgresql://me:hunter2@host/db",
    "urls": ["see https://me:hunter2@host/ and redis://:hunter2@h", "a@b"],
}


@pytest.mark.parametrize("text", [preview_arguments(SECRETS, limit=2000), parameters_json(SECRETS)])
def test_secrets_are_masked_by_name_at_any_depth_and_in_addresses(text: str) -> None:
    assert "hunter2" not in text
    assert text.count("********") == 9
    assert "postgresql://me:********@host/db" in text


def test_a_missing_secret_is_shown_as_missing() -> None:
    assert preview_arguments({"password": None, "token": "t"}) == "password=None, token='********'"


def test_the_names_of_secrets_can_be_chosen() -> None:
    assert preview_arguments({"pin": 1234, "password": "p"}, ("pin",)) == "pin='********', password='p'"
    assert json.loads(parameters_json({"pin": 1234, "password": "p"}, ("pin",))) == {"pin": "********", "password": "p"}


def test_a_password_is_not_shown_where_a_long_address_is_cut() -> None:
    address = f"postgresql://user:{'hunter2' * 20}@host/db"

    for limit in range(20, 200):
        assert "hunter" not in preview(address, limit)


def test_parameters_are_json_as_given_where_json_has_a_word() -> None:
    given_values: dict[str, Any] = {"a": 1, "b": [1, 2.5, None, {"k": "é"}], "c": "x", "d": True, "e": {}}

    assert json.loads(parameters_json(given_values)) == given_values


def test_parameters_without_a_word_in_json_are_texts() -> None:
    found = json.loads(
        parameters_json(
            {
                "path": Path("/a/b"),
                "day": datetime.date(2024, 1, 2),
                "at": datetime.datetime(2024, 1, 2, 3, tzinfo=datetime.UTC),
                "id": uuid.UUID(int=1),
                "amount": Decimal("1.50"),
                "color": Color.RED,
                "pair": (1, 2),
                "nan": float("nan"),
                "big": 10**30,
                "lock": threading.Lock,
                "keys": {1: "a"},
                "endless": an_endless_list(),
                "odd": "a\ud800",
                "bad": Raises(),
                "long": "x" * 100_000,
            }
        )
    )

    assert found["path"] == "/a/b"
    assert found["day"] == "2024-01-02"
    assert found["at"] == "2024-01-02T03:00:00+00:00"
    assert found["id"] == "00000000-0000-0000-0000-000000000001"
    assert found["amount"] == "1.50"
    assert found["color"] == "red"
    assert found["pair"] == [1, 2]
    assert found["nan"] == "nan"
    assert found["big"] == str(10**30)
    assert found["keys"] == {"1": "a"}
    assert found["endless"] == "[1, …]"
    assert found["odd"] == "a\ud800"
    assert found["bad"] == "<Raises repr raised ValueError>"
    assert found["long"].endswith("100,000 characters")
