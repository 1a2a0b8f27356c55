"""The linear display: sentences in order, for ears and for scripts."""

from __future__ import annotations

import io

import pytest

from flowctl.core.cli.display_linear import Linear, spoken
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_summary import summary_lines
from flowctl.core.cli.display_words import Glyphs
from flowctl.store.journal import Record
from tests.core.cli.streams import START, Stage, a_busy_run

ASCII = Glyphs(is_ascii=True)


def a_display(is_quiet: bool = False) -> tuple[RunModel, Linear, io.StringIO]:
    model, stream = RunModel(), io.StringIO()
    return model, Linear(model, stream, ASCII, is_quiet=is_quiet), stream


def told(*records: Record, is_quiet: bool = False) -> list[str]:
    model, display, stream = a_display(is_quiet)
    for record in records:
        display.observe(record, model.apply(record))
    display.end(START / 1e6, summary_lines(model, ASCII, START / 1e6, is_quiet=is_quiet))
    return stream.getvalue().splitlines()


def test_each_change_of_state_is_a_sentence_and_nothing_is_folded() -> None:
    lines = [line[9:] for line in told(*a_busy_run(26, ends="COMPLETED"))]

    assert lines.count("Task list_files-001 completed after 0.2 seconds.") == 1
    assert len([line for line in lines if line.startswith("Task parse_module-") and "completed" in line]) == 24
    assert "Task parse_module-00d failed after 0.1 seconds: SyntaxError: invalid syntax (bad_13.py, line 1)." in lines
    assert "Task fetch-01c tries again in 3.2 seconds, try 2 of 4: TimeoutError: read timed out." in lines
    assert "Flow region (warm-fox) is running." in lines


def test_a_summary_has_words_in_the_place_of_signs() -> None:
    lines = told(*a_busy_run(5, ends="FAILED"))

    assert any(line.startswith("etl  brave-otter  failed in ") for line in lines)
    assert any(line.startswith("tasks: 8 completed, 1 failed") for line in lines)


def test_quiet_leaves_problems_and_the_last_line() -> None:
    lines = told(*a_busy_run(5, ends="COMPLETED"), is_quiet=True)

    assert len(lines) == 2
    assert lines[0].endswith("Warning from task fetch-007: TimeoutError: read timed out, attempt 1 of 4.")


def test_a_long_wait_is_spoken_of_again_as_it_grows_short() -> None:
    model, display, stream = a_display()
    stage = Stage()
    fetch = stage.task("fetch")
    for record in [
        *stage.opening,
        fetch,
        stage.state(fetch.task, "RUNNING"),
        stage.state(fetch.task, "SCHEDULED", "AwaitingRetry", due=150),
    ]:
        display.observe(record, model.apply(record))

    for second in range(150):
        display.refresh(stage.at / 1e6 + second)

    assert [line[9:] for line in stream.getvalue().splitlines()[-4:]] == [
        "Task fetch-001 tries again in 2 minutes 30 seconds, try 2.",
        "Task fetch-001 tries again in 1 minute.",
        "Task fetch-001 tries again in 30 seconds.",
        "Task fetch-001 tries again in 10 seconds.",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "less than 0.1 seconds"),
        (0.44, "0.4 seconds"),
        (1.0, "1 second"),
        (41.3, "41 seconds"),
        (60, "1 minute"),
        (100, "1 minute 40 seconds"),
        (7500, "2 hours 5 minutes"),
        (90_000, "1 day 1 hour"),
    ],
)
def test_durations_are_spoken(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
