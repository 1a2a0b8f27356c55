"""The rows of the tree and of the live frame: what they say, and how they fit."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from flowctl.core.cli.display_live import frame
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_paint import row_text
from flowctl.core.cli.display_tree import Row, tree_rows
from flowctl.core.cli.display_words import Glyphs, duration
from flowctl.store.journal import Record
from tests.core.cli.streams import Stage, a_busy_run, an_error

UNICODE = Glyphs(is_ascii=False)
ASCII = Glyphs(is_ascii=True)
HOSTILE = "\x1b]0;owned\x07\x1b[31mred [/] [bold] \u202e \x00 \x9b2J"


def model_of(*records: Record) -> RunModel:
    model = RunModel()
    for record in records:
        model.apply(record)
    return model


def text(rows: list[Row]) -> list[str]:
    return ["  " * row.depth + "".join(piece for piece, _ in row.left) for row in rows]


def busy(mapped: int = 40) -> tuple[RunModel, float]:
    records = list(a_busy_run(mapped, ends=None))
    return model_of(*records), records[-1].at / 1e6


def test_a_folded_map_shows_a_bar_its_counts_and_its_first_problems() -> None:
    model, now = busy()

    rows = text(tree_rows(model, UNICODE, now, 100))

    assert "▰▰▰▰▰▰▰▱▱▱▱▱ 24/40  3▸  1✗" in rows[1]
    assert rows[2] == "  ✗ parse_module-00d  SyntaxError: invalid syntax (bad_13.py, line 1)"


def test_a_retry_counts_down() -> None:
    model, now = busy()

    (row,) = [row for row in text(tree_rows(model, UNICODE, now + 1, 100)) if "fetch" in row]

    assert row == "↻ fetch  retry 1/3 in 1.9s  TimeoutError: read timed out"


def test_a_subflow_stands_under_its_own_run_name_with_its_tasks_below() -> None:
    model, now = busy()

    rows = text(tree_rows(model, ASCII, now, 100))

    place = next(index for index, row in enumerate(rows) if "warm-fox" in row)
    assert [row.strip()[2:] for row in rows[place : place + 3]] == ["region  warm-fox", "load", "publish"]


@pytest.mark.parametrize("height", range(1, 12))
def test_rows_never_exceed_the_height_and_what_is_finished_goes_first(height: int) -> None:
    model, now = busy()

    rows = text(tree_rows(model, ASCII, now, height))

    assert len(rows) <= height
    if height < 8:
        assert "2 finished" in rows[0]
    if height >= 5:
        assert sum("parse_module  " in row or "publish" in row or "retry" in row for row in rows) == 3


@pytest.mark.parametrize(("width", "height"), [(80, 23), (140, 39), (40, 9), (20, 3), (200, 5)])
def test_the_frame_fits_every_terminal(width: int, height: int) -> None:
    model, now = busy(mapped=4000)

    rows = frame(model, UNICODE, now, height)

    assert len(rows) <= height
    assert all(row_text(row, width).cell_len < width for row in rows)


def test_times_stand_at_the_right_edge() -> None:
    model, now = busy()

    texts = [row_text(row, 80).plain for row in frame(model, UNICODE, now, 23)]

    assert {cell_len(line) for line in texts if line.endswith(("s", "ms"))} >= {79}


def test_wide_characters_are_cut_by_cells() -> None:
    stage = Stage(flow_name="日本語" * 40)

    (row, *_) = frame(model_of(*stage.opening, stage.flow("RUNNING")), UNICODE, stage.at / 1e6, 10)

    assert row_text(row, 40).cell_len <= 39


def test_names_logs_and_errors_are_data_not_orders() -> None:
    stage = Stage(flow_name=HOSTILE, run_name=HOSTILE)
    created = stage.task(HOSTILE, run_name=HOSTILE)
    failed = stage.state(created.task, "FAILED", error=an_error(HOSTILE, HOSTILE))
    model = model_of(*stage.opening, created, stage.log(HOSTILE, task=created.task), failed)

    lines = [row_text(row, 400) for row in frame(model, UNICODE, stage.at / 1e6, 30)]

    shown = "\n".join(line.plain for line in lines)
    assert "[/] [bold]" in shown
    assert not {"\x1b", "\x00", "\x9b", "\u202e", "\x07"} & set(shown)


def test_ascii_terminals_get_ascii_alone() -> None:
    model, now = busy()

    rows = frame(model, ASCII, now, 40)

    assert all(row_text(row, 100, ellipsis="~").plain.isascii() for row in rows)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0001, "<1ms"),
        (0.004, "4ms"),
        (0.21, "0.2s"),
        (41.26, "41.3s"),
        (59.97, "1m00"),
        (102, "1m42"),
        (35760, "9h56"),
    ],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
