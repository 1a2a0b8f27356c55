"""Times, sizes and counts: as they are written, and as they are read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from flowctl.core.cli.wording import ago, counted, iso, read_moment, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (41, "41s ago"),
        (59.9, "59s ago"),
        (3599, "59m ago"),
        (3600, "1h ago"),
        (86400 * 59, "59d ago"),
        (86400 * 61, "2mo ago"),
        (86400 * 800, "2y ago"),
        (-7, "in 7s"),
    ],
)
def test_ages_are_told_coarsely(seconds: float, words: str, noon: datetime) -> None:
    assert ago(noon - timedelta(seconds=seconds), noon) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (65536, "64 KiB"), (1_500_000, "1.4 MiB"), (1 << 50, "1024 TiB")],
)
def test_sizes_have_a_unit(count: int, words: str) -> None:
    assert size(count) == words


def test_counts_agree_with_their_noun() -> None:
    assert (counted(1, "run"), counted(0, "run"), counted(12_000, "run")) == ("1 run", "0 runs", "12,000 runs")


def test_times_for_machines_are_utc(noon: datetime) -> None:
    assert iso(noon) == "2026-03-02T12:00:00Z"
    assert iso(None) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("1h", 3600), ("1.5h", 5400), ("2d", 172800), ("1w", 604800), ("10 s ago", 10)]
)
def test_how_long_ago_is_read(text: str, seconds: float, noon: datetime) -> None:
    assert read_moment(text, noon) == noon - timedelta(seconds=seconds)


def test_dates_are_read_where_the_user_is(noon: datetime) -> None:
    assert read_moment("2026-03-01", noon) == datetime(2026, 3, 1).astimezone()
    assert read_moment("2026-03-01T10:00:00+02:00", noon).isoformat() == "2026-03-01T10:00:00+02:00"
    assert read_moment("yesterday", noon) < read_moment("today", noon) <= noon


@pytest.mark.parametrize("text", ["", "5", "x", "5x", "h", "-3h", "999999999999w", "2026-13-01", "1.2.3h"])
def test_what_is_no_time_is_refused(text: str, noon: datetime) -> None:
    with pytest.raises(ValueError):
        read_moment(text, noon)
