"""The Run screen as text: what each row shows at 80 and 140 columns, in ASCII, and in any width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.store.records import StateRow, TaskRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.bars import segments
from flowctl.tui.model.glyphs import ASCII, OPEN, WORDS
from flowctl.tui.model.texts import plain, width_of
from flowctl.tui.model.themes import THEMES
from flowctl.tui.model.time_scale import TimeWindow
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import chain, columns_for, drawing, grid, header_line, label_of, row_line
from tests.tui.model.snapshots_made import RUN, a_detail, a_run, a_task, a_try, at, task_id

_TYPES = {"Running": StateType.RUNNING, "AwaitingRetry": StateType.SCHEDULED, "Paused": StateType.PAUSED}


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clock times are those of Greenwich, wherever the tests run."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def day() -> Waterfall:
    """A run in the middle of its work: one task waits for its third try."""
    tasks = [
        a_task(1, "extract", tries=[a_try(1, 0, 12.1)]),
        a_task(2, "validate", created=12.1, tries=[a_try(1, 12.1, 15.1)]),
        a_task(3, "transform", "running", created=15.1, index=0, tries=[a_try(1, 18, None)]),
        a_task(4, "transform", "running", created=15.1, index=1, tries=[a_try(1, 18, None)]),
        a_task(5, "transform", created=15.1, index=2, tries=[a_try(1, 18, 83)]),
        a_task(
            6,
            "transform",
            "retrying",
            created=15.1,
            index=3,
            due=109,
            tries=[a_try(1, 66, 80, failed=True), a_try(2, 84, 101, failed=True)],
        ),
        a_task(7, "load", "waiting", created=20, needs=(3, 4, 5, 6)),
        a_task(8, "notify", "waiting", created=20, needs=(7,)),
    ]
    return Waterfall(a_detail(tasks))


AT_80 = """\
   TASK             STATE         TIME 13:00:00   :30        13:01         now
 ⠹ etl_daily        running       1m42 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
 ✓ extract          completed    12.1s ━━━━━                                 ┊
 ✓ validate         completed     3.0s     ━━                                ┊
 ▾ transform [4]    1✓ 2⠹ 1↻      1m24       ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
   ⠹ [0]            running       1m24      ┄━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
   ⠹ [1]            running       1m24      ┄━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
   ✓ [2]            completed     1m05      ┄━━━━━━━━━━━━━━━━━━━━━━━━━━      ┊
▸  ↻ [3]            retry 0:07   31.0s      ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄━━━━━━╳━━━━━━╳┄┄▹
 ○ load             waits 1/4        —                                       ┊
 ○ notify           waits load       —                                       ┊
"""
AT_140 = """\
   TASK                 STATE           TRY   TIME    TYP 13:00:00       :20            :40            13:01          :20           now
 ⠹ etl_daily            running               1m42   2m20 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
 ✓ extract              completed       1/1  12.1s  11.0s ━━━━━━━━━━                                                                  ┊
 ✓ validate             completed       1/1   3.0s                 ━━━                                                                ┊
 ▾ transform [4]        1✓ 2⠹ 1↻              1m24                     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
   ⠹ [0]                running         1/1   1m24   1m10            ┄┄━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
   ⠹ [1]                running         1/1   1m24   1m10            ┄┄━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸┊
   ✓ [2]                completed       1/1   1m05   1m10            ┄┄━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━             ┊
▸  ↻ [3]                retry 0:07        2  31.0s   1m10            ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄━━━━━━━━━━━╳┄┄━━━━━━━━━━━━╳┄┄┄┄┄▹
 ○ load                 waits 1/4       0/1      —                                                                                    ┊
 ○ notify               waits load      0/1      —                                                                                    ┊
"""  # noqa: E501 - a picture of 140 columns
IN_ASCII = """\
   TASK             STATE         TIME 13:00:00   :30        13:01         now
 ) etl_daily        running       1m42 =====================================>:
 + extract          completed    12.1s =====                                 :
 + validate         completed     3.0s     ==                                :
 v transform [4]    1+ 2) 1~      1m24       ===============================>:
   ) [0]            running       1m24      -===============================>:
   ) [1]            running       1m24      -===============================>:
   + [2]            completed     1m05      -==========================      :
   ~ [3]            retry 0:07   31.0s      -------------------======X======X--@
 . load             waits 1/4        -                                       :
 . notify           waits load       -                                       :
"""


def test_the_run_at_80_columns() -> None:
    assert grid(day(), 80, at(102), cursor=task_id(6)) == AT_80


def test_the_run_at_140_columns() -> None:
    assert grid(day(), 140, at(102), cursor=task_id(6)) == AT_140


def test_the_run_in_ascii() -> None:
    picture = drawing(day(), 80, at(102), glyphs=ASCII, step=1)
    lines = [header_line(picture), *(row_line(day(), node, picture) for node in day().rows)]

    assert "".join(plain(line).rstrip() + "\n" for line in lines) == IN_ASCII
    assert IN_ASCII.isascii()


def test_a_run_on_one_line() -> None:
    assert plain(chain(day(), 80, at(102))).rstrip() == (
        "extract ✓ 12.1s → validate ✓ 3.0s → transform[4] ⠹⠹✓↻ → load ○ → notify ○"
    )


def test_columns_leave_in_their_order() -> None:
    wide, medium, narrow, tiny = (columns_for(width) for width in (120, 80, 45, 20))

    assert all(wide)
    assert (medium.tries, medium.typical) == (0, 0)
    assert medium.bar > 35
    assert (narrow.bar, narrow.time > 0, narrow.state > 0) == (0, True, True)
    assert (tiny.state, tiny.name > 0) == (0, True)


def test_a_folded_group_shows_its_counts_alone() -> None:
    tasks = [a_task(n, "m", "failed" if n == 7 else "completed", index=n - 1) for n in range(1, 21)]

    lines = grid(Waterfall(a_detail(tasks, run=a_run("failed"))), 80, at(60)).splitlines()

    assert len(lines) == 3
    assert lines[2].startswith(" ▸ m [20]           19✓ 1✗ ")


def test_an_ended_run_has_no_now() -> None:
    picture = grid(Waterfall(a_detail([a_task(1)], run=a_run("completed"))), 80, at(5000))

    assert "now" not in picture
    assert "┊" not in picture


def test_a_failed_task_ends_in_a_cross_and_a_crashed_one_too() -> None:
    for word in ("failed", "crashed"):
        tasks = [a_task(1, "x", word, tries=[a_try(1, 0, 10, failed=True)])]
        line = grid(Waterfall(a_detail(tasks, run=a_run("failed"))), 80, at(60)).splitlines()[2]

        assert line.endswith("━╳")


def test_what_never_began_has_no_bar() -> None:
    tasks = [a_task(1, "x", "blocked"), a_task(2, "y", "waiting")]

    assert [list(segments(node, at(60))) for node in Waterfall(a_detail(tasks)).rows[1:]] == [[], []]


def test_the_bar_of_a_flow_shows_its_tries_and_the_times_in_between() -> None:
    states = (
        (0, "Running"),
        (10, "AwaitingRetry"),
        (30, "Running"),
        (40, "Paused"),
        (45, "Running"),
        (50, "AwaitingRetry"),
    )
    history = [
        StateRow(at=at(second), type=_TYPES[name], name=name, message=None, attempt=1, error=None, applied=True)
        for second, name in states
    ]
    run = a_run("retrying", due_at=at(70), run_count=2, source={"retries": 2}, started_at=at(0))
    tree = Waterfall(replace(a_detail([], run=run), history=tuple(history)))

    told = [(start.timestamp() - at(0).timestamp(), kind) for start, _, kind in segments(tree.root, at(60), history)]
    assert told == [
        (0, "failed"),
        (10, "wait"),
        (30, "running"),
        (40, "wait"),
        (45, "failed"),
        (50, "wait"),
        (50, "wait"),
        (50, "due"),
    ]
    assert "3/3 in 0:10" in grid(tree, 80, at(60))


def test_a_due_time_out_of_sight_is_pointed_at_from_the_edge() -> None:
    task = a_task(1, "x", "retrying", due=100_000, tries=[a_try(1, 0, 10, failed=True)])

    line = grid(Waterfall(a_detail([task])), 80, at(20)).splitlines()[2]

    assert line.endswith("▹")
    assert "retry 1d03h" in line


def test_a_name_of_its_own_is_shown_and_the_usual_one_is_not() -> None:
    tasks = [
        a_task(1, "load", name="load the moon"),
        a_task(2, "load"),
        a_task(3, "part", index=0, name="part=a"),
        a_task(4, "part", index=1),
    ]
    waterfall = Waterfall(a_detail(tasks))

    labels = [label_of(node) for node in waterfall.rows if node.task is not None]

    assert labels == ["load the moon", "load", "[0] part=a", "[1]"]


def test_zooming_shows_a_part() -> None:
    waterfall = day()
    window = TimeWindow(at(60), at(90))

    picture = drawing(waterfall, 80, at(102), window=window)
    rows = [plain(row_line(waterfall, node, picture)) for node in waterfall.rows]

    assert picture.now_cell is None
    assert rows[1][39:].strip() == ""
    assert "╳" in rows[7]


texts = st.text(st.characters(), max_size=30) | st.sampled_from(["漢字" * 20, "👩‍👩‍👧" * 9, "[red]x[/]", "a" * 10_000])
words = st.sampled_from(["waiting", "running", "completed", "failed", "retrying", "blocked", "crashed", "cancelled"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(texts, words, st.floats(-1e6, 1e6), st.floats(0, 1e6), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 200),
    st.floats(-1e5, 1e7),
)
def test_every_line_has_exactly_its_width_and_known_styles(
    shape: list[tuple[str, str, float, float, bool]], width: int, now: float
) -> None:
    tasks: list[TaskRunRow] = []
    for number, (name, word, start, took, is_mapped) in enumerate(shape, 1):
        tries = [] if word in ("waiting", "blocked") else [a_try(1, start, None if word == "running" else start + took)]
        due = start + 2 * took if word == "retrying" else None
        index = number if is_mapped else None
        tasks.append(a_task(number, name, word, created=start, tries=tries, index=index, due=due))
    waterfall = Waterfall(a_detail(tasks))
    picture = drawing(waterfall, width, at(now))

    lines = [header_line(picture), chain(waterfall, width, at(now))]
    lines += [row_line(waterfall, node, picture, is_cursor=node.id == RUN) for node in waterfall.rows]

    wanted = max(width, 4)
    assert {width_of(line) for line in lines} <= {wanted, width}
    assert {style for line in lines for _, style in line} <= THEMES["safe"].styles.keys()


def test_only_open_rows_change_with_the_clock() -> None:
    waterfall = day()
    window = TimeWindow(at(0), at(120))
    first, later = (drawing(waterfall, 80, at(s), window=window)._replace(now_cell=None) for s in (102, 103))

    changed = {
        node.word for node in waterfall.rows if row_line(waterfall, node, first) != row_line(waterfall, node, later)
    }

    assert changed <= OPEN
    assert "retrying" in changed
    assert all(node.is_live == (node.word in OPEN and node.word != "waiting") for node in waterfall.rows)


def test_every_word_has_a_sign_and_a_colour() -> None:
    for word in WORDS:
        assert word in THEMES["safe"].styles


def test_the_time_of_a_group_and_of_a_row_that_waits() -> None:
    rows = grid(day(), 80, at(102)).splitlines()

    assert rows[10].split() == ["○", "notify", "waits", "load", "—", "┊"]
