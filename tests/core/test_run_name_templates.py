"""Names of runs, filled in and made up."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flowctl.core.authoring.templates import random_run_name, render
from flowctl.core.authoring.words import ADJECTIVES, ANIMALS


class Shop:
    name = "corner"
    stock = {"apples": 3}  # noqa: RUF012 - read only


PARAMETERS: dict[str, Any] = {"x": 3, "rate": 0.256, "shop": Shop(), "name": "a'b"}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("plain", "plain"),
        ("v-{x}", "v-3"),
        ("{x:03d} {rate:.1%} {name!r:>8}", '003 25.6%    "a\'b"'),
        ("{shop.name} {shop.stock[apples]}", "corner 3"),
        ("{{x}}", "{x}"),
        ("", ""),
    ],
)
def test_a_template_is_filled_in_as_str_format_does(template: str, name: str) -> None:
    assert render(template, PARAMETERS) == name


@pytest.mark.parametrize(
    ("template", "kind", "reason"),
    [
        ("{y}", NameError, "names 'y', which is no parameter"),
        ("{}", ValueError, "positional"),
        ("{0}", ValueError, "positional"),
        ("{x", ValueError, "'}'"),
        ("{x:zz}", ValueError, "format"),
        ("{shop.owner}", AttributeError, "no attribute 'owner'"),
        ("{shop.stock[pears]}", NameError, "pears"),
        ("{x[a]}", TypeError, "not subscriptable"),
    ],
)
def test_a_template_that_does_not_fit_is_told_with_what_would(
    template: str, kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=re.escape(reason)) as caught:
        render(template, PARAMETERS)

    assert repr(template) in str(caught.value)
    assert "Parameters: x, rate, shop, name." in str(caught.value)


def test_made_up_names_are_two_words_and_vary() -> None:
    names = {random_run_name() for _ in range(500)}

    assert all(re.fullmatch(r"[a-z]+-[a-z]+", name) for name in names)
    assert len(names) > 450


def test_the_words_are_many_and_different() -> None:
    for words in (ADJECTIVES, ANIMALS):
        assert len(words) >= 100
        assert len(set(words)) == len(words)
        assert max(map(len, words)) <= 12
