"""How often a task is tried, and when it gives up, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowctl.store.terms import Terms
from flowctl.tui.model.retry_words import gives_up_at, next_try, next_try_briefly, policy_words, tries_text
from flowctl.tui.model.runs_lines import why
from flowctl.tui.model.time_scale import TimeScale, TimeWindow
from tests.tui.model.snapshots_made import a_listed, a_task, a_try, at

TERMS = Terms(retries=4, delays=(2, 4, 8, 16))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (TERMS, "exponential 2→4→8→16 s"),
        (Terms(retries=4, delays=(2, 4, 8, 16), jitter=0.5), "exponential 2→4→8→16 s, jitter 0.5"),
        (Terms(retries=2, delays=(30,), condition="is_temporary"), "after 30s · if is_temporary says so"),
        (Terms(retries=3, delays=(120, 300)), "2m→5m→5m"),
        (Terms(retries=9, delays=(1, 2)), "1→2→2→2→2→2→… s"),
        (Terms(retries=2), "at once"),
        (Terms(timeout_s=3), ""),
    ],
)
def test_a_policy_is_told_in_words(terms: Terms, words: str) -> None:
    assert policy_words(terms) == words


def test_a_try_is_counted_among_those_it_may_have() -> None:
    waits = a_task(1, word="retrying", tries=[a_try(1, 0, 3, failed=True)], due=10, terms=TERMS)
    old = a_task(1, word="retrying", tries=[a_try(1, 0, 3, failed=True)] * 2, due=10)

    assert tries_text(waits) == "1/5"
    assert next_try(waits) == "retry 2 of 5"
    assert next_try_briefly(waits, at(3)) == "2/5 in 0:07"
    assert (tries_text(old), next_try(old), next_try_briefly(old, at(3))) == ("2", "retry 3", "retry 0:07")
    assert tries_text(a_task(1)) == "1/1"
    assert tries_text(a_task(1, word="waiting", terms=TERMS)) == "0/5"


def test_the_last_try_ends_after_all_delays_and_as_many_tries_as_long_as_the_latest() -> None:
    waits = a_task(1, word="retrying", tries=[a_try(1, 0, 3, failed=True)], due=10, terms=TERMS)

    # Due at 10; then 3 of work and a delay of 4, of 8, of 16, and the last try.
    assert gives_up_at(waits) == at(10 + 3 + 4 + 3 + 8 + 3 + 16 + 3)
    assert gives_up_at(a_task(1, terms=TERMS)) is None
    assert gives_up_at(a_task(1, word="retrying", due=10)) is None
    never = Terms(retries=2, delays=(1, 1e300))
    assert gives_up_at(a_task(1, word="retrying", tries=[a_try(1, 0, 3, failed=True)], due=9, terms=never)) is None


def test_the_list_says_which_try_failed_and_of_what() -> None:
    row = a_listed(1, "retrying", due_at=at(60))
    said = "Task run encountered an exception ConnectionError: HTTP 503"

    known = replace(row, retry_message=said, retry_tries=(2, 5))
    unknown = replace(row, retry_message=said, retry_tries=(2, None))
    assert why(known, at(1), None) == "2/5 ConnectionError: HTTP 503"
    assert why(unknown, at(1), None) == "ConnectionError: HTTP 503"


def test_a_label_on_the_axis_never_stands_on_top_of_another() -> None:
    scale = TimeScale(TimeWindow(at(-3), at(130)), 40)

    labels = scale.labels().split()

    assert labels[0].endswith(":57")
    assert all(len(label) in (3, 5, 8) for label in labels)
