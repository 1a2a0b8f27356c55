"""How flow files are drawn: the list, an error in its source, what was changed, the log of reloads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowctl.store.file_records import ReloadOutcome
from flowctl.tui.model.file_detail_lines import (
    broken_note,
    diff_lines,
    fires_with,
    flow_lines,
    import_log,
    problem_lines,
    problem_title,
    reload_lines,
    serves_text,
    shape_lines,
)
from flowctl.tui.model.files import FileFlow, FileState, ListedFile, Reload, Serving, state_of
from flowctl.tui.model.files_lines import (
    file_columns,
    file_head,
    file_line,
    root_of,
    serving_text,
    short_path,
    state_text,
)
from flowctl.tui.model.glyphs import ASCII
from flowctl.tui.model.texts import clock, plain, width_of

NOW = datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)
SCHEMA: dict[str, Any] = {"properties": {"limit": {"type": "integer", "default": 5}, "day": {}}, "required": ["day"]}
PROBLEM: dict[str, object] = {
    "kind": "SyntaxError",
    "message": "expected ':'",
    "file": "/flows/crm.py",
    "line": 31,
    "code": "for row in rows",
    "lines": [[29, "def push(rows):"], [30, "    with client() as c:"], [31, "        for row in rows"], [32, ""]],
    "caret": [23, 24],
    "diff": "--- a\n+++ b\n@@ -31 +31 @@\n-        for row in rows:\n+        for row in rows",
}


def a_file(**fields: Any) -> ListedFile:
    usual: dict[str, Any] = {
        "path": "/flows/crm.py",
        "key": "/flows/crm.py",
        "state": FileState.LOADED,
        "flows": (FileFlow(name="sync_crm", attribute="sync", line=26, description=None, schema=SCHEMA),),
        "version": 17,
        "loaded_at": NOW - timedelta(minutes=41),
        "changed_at": NOW - timedelta(seconds=27),
        "checked_at": NOW - timedelta(seconds=27),
        "import_s": 0.041,
        "tasks": {"push": 3},
        "serving": (Serving(name="crm/sync", next_at=NOW + timedelta(minutes=2)),),
    }
    return ListedFile(**{**usual, **fields})


def a_broken_one(**fields: Any) -> ListedFile:
    return a_file(**{"state": FileState.BROKEN, "problem": PROBLEM, "is_old_serving": True, **fields})


@pytest.mark.parametrize("width", [15, 30, 53, 54, 69, 70, 80, 84, 88, 200])
@pytest.mark.parametrize(
    "file", [a_file(), a_broken_one(), a_file(path="/a/" + "b" * 300)], ids=["good", "bad", "long"]
)
def test_head_and_rows_are_never_wider_than_the_pane(width: int, file: ListedFile) -> None:
    assert width_of(file_head(file_columns(width))) <= width
    assert width_of(file_line(file, file_columns(width), NOW)) <= width


def test_a_broken_file_says_which_version_serves() -> None:
    line = plain(file_line(a_broken_one(), file_columns(80), NOW, root="/flows", is_cursor=True))

    assert line.startswith("▸✗ crm.py")
    assert "syntax error" in line
    assert f"v17 ({(NOW - timedelta(minutes=41)).astimezone():%H:%M})" in line
    assert serves_text(a_broken_one()) == "old version v17 still serves"
    assert serves_text(a_broken_one(is_old_serving=False)) == "nothing of it serves"


@pytest.mark.parametrize(
    ("file", "state", "serving"),
    [
        (a_file(), "loaded", "v17"),
        (a_file(state=FileState.SLOW), "loaded, slow", "v17"),
        (a_file(state=FileState.WARNING, problem={"kind": "Schedule"}), "schedule left out", "v17"),
        (a_file(state=FileState.HELPER, used_by=("a", "b")), "helper", "used by 2"),
        (a_file(state=FileState.UNWATCHED, version=0), "not watched", ""),
        (
            a_broken_one(version=0, is_old_serving=False, problem={"kind": "ZeroDivisionError"}),
            "ZeroDivisionError",
            "none",
        ),
    ],
)
def test_states_are_said_in_words(file: ListedFile, state: str, serving: str) -> None:
    assert (state_text(file), serving_text(file, NOW)) == (state, serving)


def test_the_error_stands_in_its_source_with_a_caret() -> None:
    lines = [plain(line) for line in problem_lines(a_broken_one(), 78, 8)]

    assert problem_title(a_broken_one(), "/flows") == "crm.py:31  SyntaxError"
    assert lines[2] == "▸ 31 │         for row in rows"
    assert lines[3] == "     │                        ^ expected ':'"


def test_the_line_that_is_wrong_stays_in_sight_however_little_room_there_is() -> None:
    for height in range(1, 8):
        lines = [plain(line) for line in problem_lines(a_broken_one(), 78, height)][: max(height, 3)]
        assert any(line.startswith("▸ 31") for line in lines), height


def test_an_error_without_a_place_is_told_in_words() -> None:
    file = a_broken_one(problem={"kind": "Died", "message": "Importing it ended the process. " * 5, "line": 0})

    lines = [plain(line) for line in problem_lines(file, 60, 8)]

    assert lines[0].startswith(" Importing it ended the process.")
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("problem", [{"lines": "x"}, {"lines": [[1]]}, {"caret": [1]}, {"caret": "x"}, {"line": "x"}])
def test_what_is_on_record_in_another_form_breaks_nothing(problem: dict[str, object]) -> None:
    assert problem_lines(a_broken_one(problem=problem), 60, 8)


def test_what_was_changed_is_shown_whole_or_in_short() -> None:
    assert [plain(line) for line in diff_lines(a_broken_one())] == [
        " @@ -31 +31 @@",
        " −         for row in rows:",
        " +         for row in rows",
    ]
    assert [plain(line)[:3] for line in diff_lines(a_broken_one(), ASCII, most=1)] == [" - "]


def test_the_log_of_reloads_says_what_changed_and_what_serves() -> None:
    usual: dict[str, Any] = {"path": "/flows/etl.py", "at": NOW, "import_s": 0.04, "runs": 0}
    loaded: dict[str, Any] = {**usual, "runs": 1, "words": "transform changed"}
    good = Reload(**loaded, outcome=ReloadOutcome.LOADED, version_before=41, version=42)
    words = "/flows/etl.py, line 31: SyntaxError: expected ':'. Its last good version, v42, goes on serving."
    bad = Reload(**usual, outcome=ReloadOutcome.BROKEN, version_before=42, version=42, words=words)

    lines = [plain(line) for line in reload_lines([bad, good], NOW, root="/flows", names=8)]

    assert lines[0] == f" {clock(NOW)}  ✗ etl.py    line 31: SyntaxError: expected ':', v42 keeps serving"
    assert lines[1] == f" {clock(NOW)}  ✓ etl.py    v41 → v42  transform changed  (1 run in flight keeps v41)"


def test_flows_and_parameters_of_a_file_are_listed() -> None:
    assert "sync_crm" in plain(flow_lines(a_file(), NOW)[0])
    text = "\n".join(plain(line) for line in shape_lines(a_file(), 60))
    assert "limit        whole number = 5" in text
    assert "any value  required" in text
    assert "push (3 retries)" in text
    assert "used by  crm/sync" in text


def test_what_is_probably_not_meant_the_limits_and_the_count_of_tasks_are_told() -> None:
    file = a_file(
        state=FileState.DOUBTFUL, advice=("task 'push' has retries but no retry_delay_seconds",), limits={"api": 4}
    )
    usual: dict[str, Any] = {
        "path": "/flows/crm.py",
        "at": NOW,
        "import_s": None,
        "words": "flows: sync_crm",
        "runs": 0,
    }
    loaded: dict[str, Any] = {**usual, "outcome": ReloadOutcome.LOADED, "version_before": 1, "version": 1}
    log = [Reload(**loaded, advice=file.advice)]

    text = [plain(line) for line in shape_lines(file, 44)]

    assert "1 warning" in plain(file_line(file, file_columns(90), NOW))
    assert text[:2] == ["! task 'push' has retries but no", "! retry_delay_seconds"]
    assert "limits   api ≤ 4" in text
    assert "3 tasks" in plain(flow_lines(file, NOW, tasks={"sync_crm": 3})[0])
    assert "! crm.py  task 'push' has retries" in plain(reload_lines(log, NOW, root="/flows", names=6)[0])
    assert not file.is_problem


@pytest.mark.parametrize(
    ("places", "root"),
    [
        ((), ""),
        (("/flows",), "/flows"),
        (("/flows/etl.py",), "/flows"),
        (("/flows/etl.py", "/flows", "/flows/sub"), "/flows"),
        (("/flows", "/flows2"), ""),
        (("/a/x.py", "/b"), ""),
    ],
)
def test_paths_are_written_from_the_folder_that_holds_all_that_is_watched(places: tuple[str, ...], root: str) -> None:
    assert root_of(places) == root


def test_a_file_that_is_being_looked_into_stands_above_the_log_with_what_serves() -> None:
    line = plain(reload_lines([], NOW, root="/flows", reloading={"/flows/crm.py": 8})[0])

    assert "crm.py" in line
    assert line.endswith("saved, reloading; v8 serves until then")


def test_tasks_and_deployments_that_are_many_go_on_in_the_next_line() -> None:
    file = a_file(tasks={"extract": 1, "transform": 5, "load": 0})

    lines = [plain(line).rstrip() for line in shape_lines(file, 40)]

    assert lines[:2] == ["tasks    extract (1 retry)", "         transform (5 retries) · load"]
    assert max(map(len, lines)) <= 40


def test_the_import_of_a_broken_file_is_told_as_python_tells_it() -> None:
    frames = [["/flows/crm.py", 3, "<module>", "import rows", True], ["/flows/rows.py", 31, "", "for row", True]]
    problem = {**PROBLEM, "error": {"type": "SyntaxError", "frames": frames}}

    assert import_log(a_broken_one(problem=problem)).split("\n") == [
        "/flows/crm.py: old version v17 still serves",
        "",
        "Traceback (most recent call last):",
        '  File "/flows/crm.py", line 3, in <module>',
        "    import rows",
        '  File "/flows/rows.py", line 31',
        "    for row",
        "SyntaxError: expected ':'",
    ]
    assert import_log(a_broken_one()).endswith("\n\nSyntaxError: expected ':'")


def test_a_broken_file_says_what_will_fire_and_what_to_do() -> None:
    at = (NOW + timedelta(minutes=2)).astimezone()

    assert fires_with(a_broken_one(), NOW) == f"crm/sync next fires {at:%H:%M} with v17 (last good)"
    assert broken_note(a_broken_one(), NOW, "/flows").startswith("crm.py failed to load 27s ago")
    assert "is gone" in broken_note(a_broken_one(state=FileState.GONE), NOW, "/flows")


def test_states_follow_from_what_is_on_record() -> None:
    assert state_of(None, is_there=False, import_s=None) is FileState.GONE
    assert state_of({"kind": "Schedule"}, is_there=True, import_s=None) is FileState.WARNING
    assert state_of(None, is_there=True, import_s=0.4) is FileState.SLOW
    assert short_path("/flows/a/b.py", "/flows") == "a/b.py"
    assert short_path("/other/a/b.py", "/flows") == "a/b.py"
