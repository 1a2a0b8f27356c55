"""Saved views: what is written is read again, and what is wrong in the file costs nothing but itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.store.query_language import QueryError, parse
from flowctl.tui.model.views import BUILT_IN, View, read_views, with_view, without_view, write_views


def test_built_in_views_are_queries_and_are_not_written() -> None:
    for view in BUILT_IN:
        parse(view.query)

    assert read_views(write_views(BUILT_IN)) == ((), [])


def test_views_are_read_as_they_were_written() -> None:
    views = (View("mine", "flow:etl* age<1d", "took", True), View("é [x]", ""))

    assert read_views(write_views(views)) == (views, [])


@pytest.mark.parametrize("text", ["{", "3", '"x"', '{"views": 3}', "null"])
def test_a_file_that_is_none_says_so(text: str) -> None:
    views, problems = read_views(text)

    assert views == ()
    assert len(problems) == 1


def test_an_empty_file_is_no_problem() -> None:
    assert read_views("") == ((), [])


def test_one_bad_view_leaves_the_others() -> None:
    entries = [3, {"name": "a"}, {"name": "b", "query": "stat:x"}, {"name": "c\x1b[2J", "query": "", "sort": "moon"}]

    views, problems = read_views(json.dumps(entries))

    assert [(view.name, view.sort) for view in views] == [("c", "age")]
    assert len(problems) == 3
    assert "Did you mean state?" in problems[2]


def test_a_view_replaces_the_one_of_its_name() -> None:
    views = with_view(with_view((), View("a", "x")), View("b", "y"))

    assert with_view(views, View("a", "z")) == (View("a", "z"), View("b", "y"))
    assert without_view(views, "a") == (View("b", "y"),)
    with pytest.raises(QueryError):
        with_view(views, View("c", "("))


@given(st.text())
def test_no_text_makes_reading_fail(text: str) -> None:
    read_views(text)
