"""What the query line offers, and that taking an offer gives a query that can be understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.store.query_language import QueryError, parse, terms
from flowctl.tui.model.completion import Vocabulary, apply, complete

KNOWN = Vocabulary(
    flows=("etl_daily", "etl_hourly", "report pdf", 'a"b', "x*"),
    tags=("prod", "test"),
    parameters=("day", "full"),
    deployments=("etl/daily",),
    names=("brave-otter",),
)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", "state:"),
        ("st", "state:"),
        ("-fl", "flow:"),
        ("state:fa", "failed"),
        ("state:failed,cr", "crashed"),
        ("age<", "15m"),
        ("took>1", "1.5x"),
        ("flow:hour", "etl_hourly"),
        ("flow:rep", '"report pdf"'),
        ("tag:p", "prod"),
        ("param.d", "param.day="),
        ("by:s", "schedule"),
        ("a (state:pro", "problem"),
        ("fail", "state:failed"),
        ("etl", "flow:etl_daily"),
        ("created>y", "yesterday"),
        ("name:br", "brave-otter"),
        ("deployment:e", "etl/daily"),
    ],
)
def test_offers(text: str, first: str) -> None:
    assert complete(text, len(text), KNOWN)[0].text == first


@pytest.mark.parametrize("text", ["nothing:x", "state:failed", 'flow:"zzz', "zzzz"])
def test_nothing_is_offered_where_nothing_fits(text: str) -> None:
    assert complete(text, len(text), KNOWN) == ()


def test_an_offer_replaces_the_word_under_the_cursor_alone() -> None:
    offer = complete("flow:etl state:fa age<1d", 17, KNOWN)[0]

    assert apply("flow:etl state:fa age<1d", offer) == ("flow:etl state:failed age<1d", 21)


@given(st.sampled_from(KNOWN.flows), st.integers(1, 4))
def test_every_flow_that_is_offered_is_found_by_its_name(flow: str, letters: int) -> None:
    text = f"flow:{flow[:letters].split(' ')[0].replace(chr(34), '')}"

    for offer in complete(text, len(text), KNOWN):
        whole, _ = apply(text, offer)
        term = next(terms(parse(whole).root))
        assert term.values[0].text in KNOWN.flows


@given(st.text(st.sampled_from('state:flowagparm.<>=,"-() x'), max_size=20), st.integers(0, 25))
def test_completion_never_fails_and_stays_in_the_text(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))

    for offer in complete(text, cursor, KNOWN):
        assert 0 <= offer.start <= offer.end == cursor
        whole, place = apply(text, offer)
        assert whole[offer.start : place] == offer.text


def test_what_is_offered_for_a_field_is_understood() -> None:
    for begin in ("state:", "age<", "took>", "by:", "created>", "flow:", "tag:"):
        for offer in complete(begin, len(begin), KNOWN):
            try:
                parse(apply(begin, offer)[0])
            except QueryError as error:
                raise AssertionError(begin + offer.text) from error
