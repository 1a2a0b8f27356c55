"""An error on the screens: what is shown of it at once, and what when one unfolds it."""

from __future__ import annotations

from flowctl.store.errors import ErrorReport
from flowctl.tui.model.glyphs import UNICODE
from flowctl.tui.model.texts import plain
from flowctl.tui.screens.error_lines import error_lines

REPORT = ErrorReport.from_plain(
    {
        "type": "TimeoutError",
        "module": "builtins",
        "text": "read timed out",
        "frames": [
            ["/project/etl.py", 61, "transform", "get(part)", True, None, [["part", "'d'"]]],
            ["/project/etl.py", 88, "get", "r = client.get(url)", True, [4, 19], [["url", "'u' * 9"], ["page", "7"]]],
            ["/usr/lib/python3/httpx/_client.py", 9, "get", "raise", False],
        ],
    }
)


def texts(*, shows_all: bool = False, width: int = 80) -> list[str]:
    return [plain(line).rstrip() for line in error_lines(REPORT, UNICODE, shows_all=shows_all, width=width)]


def test_at_once_the_variables_of_the_innermost_own_frame_are_shown() -> None:
    assert texts() == [
        " TimeoutError  read timed out",
        "   project/etl.py:61 in transform",
        "       get(part)",
        "   project/etl.py:88 in get",
        "       r = client.get(url)",
        "           ^^^^^^^^^^^^^^^",
        "       url = 'u' * 9    page = 7",
        "   ▸ 1 library frame hidden (space shows)",
    ]


def test_unfolded_each_own_frame_has_its_variables_below_it() -> None:
    shown = texts(shows_all=True)
    assert shown[3] == "       part = 'd'"
    assert shown[-3:] == ["       url = 'u' * 9    page = 7", "   httpx/_client.py:9 in get", "       raise"]


def test_where_there_is_little_room_the_innermost_own_frame_stands_for_all() -> None:
    lines = error_lines(REPORT, UNICODE, shows_all=False, width=80, is_short=True)
    assert [plain(line).rstrip() for line in lines] == [
        " TimeoutError  read timed out",
        *texts()[3:7],
        "   ▸ 1 own frame and 1 library frame hidden (space shows)",
    ]


def test_where_they_do_not_fit_beside_each_other_each_has_a_line() -> None:
    assert texts(width=24)[-3:-1] == ["       url = 'u' * 9", "       page = 7"]


def test_without_a_width_there_are_none() -> None:
    assert not any("url =" in line for line in texts(width=0))
