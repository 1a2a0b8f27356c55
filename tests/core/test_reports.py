"""Exceptions as plain data, and that data as records and as text."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from flowctl.core.authoring.parameters import Parameters
from flowctl.core.engine.reports import as_text, report, text_of
from flowctl.store.errors import ErrorReport, Frame

HERE = os.path.abspath(__file__)  # noqa: PTH100 - as the frames have it


def caught(fn: Callable[..., Any], *args: Any) -> BaseException:
    try:
        fn(*args)
    except BaseException as error:  # noqa: BLE001 - it is what the tests look at
        return error
    raise AssertionError("it did not raise")


def fail(depth: int = 0) -> None:
    if depth:
        fail(depth - 1)
    raise ValueError("broken")


def fail_from() -> None:
    try:
        fail()
    except ValueError as error:
        raise KeyError("outer") from error


def fail_within() -> None:
    try:
        fail()
    except ValueError:
        raise KeyError("outer")  # noqa: B904 - that is the case


def fail_from_none() -> None:
    try:
        fail()
    except ValueError:
        raise KeyError("outer") from None


class StrRaises(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not this one")


class NotesRaise(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name == "__notes__":
            raise RuntimeError("not this one")
        return super().__getattribute__(name)


class Custom(Exception):
    """One that is not a builtin."""


def test_an_error_is_told_with_type_text_notes_and_frames() -> None:
    error = caught(fail, 1)
    error.add_note("look here")

    plain = report(error)

    assert (plain["type"], plain["module"], plain["text"]) == ("ValueError", "builtins", "broken")
    assert plain["notes"] == ["look here"]
    assert [(frame[0], frame[2], frame[3], frame[4]) for frame in plain["frames"]] == [
        (HERE, "caught", "fn(*args)", True),
        (HERE, "fail", "fail(depth - 1)", True),
        (HERE, "fail", 'raise ValueError("broken")', True),
    ]
    assert plain["frames"][2][1] == plain["frames"][1][1] + 1
    assert plain["cause"] is None


@pytest.mark.parametrize(
    ("fn", "cause", "kind"),
    [(fail_from, "ValueError", "cause"), (fail_within, "ValueError", "context"), (fail_from_none, None, None)],
)
def test_an_error_is_told_with_what_led_to_it(fn: Callable[[], None], cause: str | None, kind: str | None) -> None:
    plain = report(caught(fn))

    assert plain["text"] == "'outer'"
    assert (plain["cause"] and plain["cause"]["type"]) == cause
    assert plain["cause_kind"] == kind


@pytest.mark.parametrize("fn", [fail, fail_from, fail_within, fail_from_none, lambda: fail(2), lambda: fail(200)])
def test_the_text_is_pythons_traceback(fn: Callable[[], None]) -> None:
    error = caught(fn)
    error.add_note("look\nhere")

    python = "".join(traceback.format_exception(error)).rstrip("\n").splitlines()
    # The marks under the line, which Python makes of positions that the report does not have.
    python = [line for line in python if not set(line.strip()) <= {"^", "~"} or not line.strip()]

    assert as_text(report(error)).splitlines() == python


def divide(ä: dict[str, int]) -> float:
    return len("äöü") + ä["rows"] / ä["pages"]


def test_the_part_of_the_line_that_raised_is_marked_where_it_is_not_all_of_it() -> None:
    frames = ErrorReport.from_plain(report(caught(divide, {"rows": 1}))).frames

    assert [frame.caret and frame.code[slice(*frame.caret)] for frame in frames] == [None, 'ä["pages"]']
    assert "^" not in as_text(report(caught(divide, {"rows": 1})))


@pytest.mark.parametrize("caret", [[5, 3], [-1, 2], [0, 99], ["a", 2], [1], "xy", None])
def test_a_place_in_a_line_that_cannot_be_is_left_out(caret: Any) -> None:
    (frame,) = ErrorReport.from_plain({"frames": [["a.py", 1, "f", "x = 1", True, caret]]}).frames

    assert frame.caret is None
    assert frame.code == "x = 1"


def test_own_frames_are_those_of_the_user() -> None:
    plain = report(caught(lambda: json.loads("{")))

    own = [frame[4] for frame in plain["frames"]]
    assert own[:2] == [True, True]
    assert own[2:]
    assert not any(own[2:])
    assert ErrorReport.from_plain(plain).own_frame == Frame(
        file=HERE,
        line=plain["frames"][1][1],
        function="<lambda>",
        code='plain = report(caught(lambda: json.loads("{")))',
        own=True,
        caret=(30, 45),
    )


def test_installed_packages_are_not_own() -> None:
    frames = report(caught(pytest.fail, "on purpose"))["frames"]

    assert [frame[4] for frame in frames] == [True, False]


def test_flowctls_own_frames_are_left_out() -> None:
    def annotated(x: Any) -> None:
        raise Custom(x)

    parameters = Parameters.of(annotated)

    assert [frame[2] for frame in report(caught(parameters.bind, (), {}))["frames"]] == ["caught"]


def test_an_error_of_flowctl_alone_keeps_its_frames() -> None:
    error = caught(Parameters.of(fail).bind, (1, 2, 3), {})
    assert error.__traceback__ is not None
    inner = error.with_traceback(error.__traceback__.tb_next)

    frames = report(inner)["frames"]

    assert [frame[2] for frame in frames] == ["bind"]
    assert frames[0][4] is False


def test_recursion_is_folded_as_python_does_it() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        error = caught(fail, 10_000)
        plain = report(error)
    finally:
        sys.setrecursionlimit(before)

    assert len(plain["frames"]) == 6
    assert plain["frames"][4] == ["", 0, "", "Previous line repeated 9997 more times", False]
    assert "  [Previous line repeated 9997 more times]" in as_text(plain).splitlines()


def test_of_many_frames_the_first_and_the_last_are_kept() -> None:
    def even(number: int) -> None:
        odd(number - 1)

    def odd(number: int) -> None:
        if number < 1:
            raise Custom
        even(number - 1)

    frames = report(caught(even, 300))["frames"]

    assert len(frames) == 60
    assert frames[0][2] == "caught"
    assert frames[-1][3] == "raise Custom"
    assert frames[29][3] == "244 frames left out"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StrRaises(), "<str of StrRaises raised RuntimeError>"),
        (ValueError("x" * 100_000), None),
        (NotesRaise("n"), "n"),
        (ValueError(), ""),
        (KeyError("k"), "'k'"),
        (SystemExit(3), "3"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "'utf-8' codec can't decode byte 0xff in position 0: bad"),
    ],
)
def test_no_error_is_too_odd_to_be_told(error: BaseException, text: str | None) -> None:
    plain = report(error)

    assert plain["type"] == type(error).__name__
    if text is None:
        assert len(plain["text"]) < 17 * 1024
        assert plain["text"].endswith("(100,000 characters)")
    else:
        assert plain["text"] == text == text_of(error)
    assert as_text(plain).startswith(plain["type"] if plain["module"] == "builtins" else plain["module"])
    msgpack.packb(plain)


@pytest.mark.parametrize("notes", [5, "text", [1, "kept"], ["x" * 100_000], ["note"] * 1000])
def test_odd_notes_do_no_harm(notes: Any) -> None:
    error = ValueError("x")
    error.__notes__ = notes

    told = report(error)["notes"]

    assert all(isinstance(note, str) for note in told)
    assert sum(map(len, told)) < 5_000


def test_chains_that_loop_or_never_seem_to_end_are_told_in_part() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    chain: list[BaseException] = [ValueError("root")]
    for number in range(9_000):
        error = ValueError(number)
        error.__cause__ = chain[-1]
        chain.append(error)
    began = time.perf_counter()

    loop, deep = report(first), report(chain[-1])

    assert time.perf_counter() - began < 1
    assert loop["cause"]["text"] == "second"
    assert loop["cause"]["cause"] is None
    texts: list[str] = []
    one: Any = deep
    while one:
        texts.append(one["text"])
        one = one["cause"]
    assert texts == ["8999", "8998", "8997", "8996", "8995", "8994", "8993", "8992", "root"]
    while chain:  # newest first, so that freeing them does not recurse
        chain.pop().__cause__ = None


def test_the_exceptions_of_a_group_are_told_up_to_a_number() -> None:
    group = ExceptionGroup("many", [ValueError(number) for number in range(1000)])
    nested: Any = group
    for _ in range(50):
        nested = BaseExceptionGroup("outer", [nested])

    plain, deep = report(group), report(nested)

    assert [member["text"] for member in plain["members"]] == [str(number) for number in range(10)]
    assert plain["notes"] == ["(990 more exceptions in this group)"]
    assert "  | ValueError: 9" in as_text(plain).splitlines()
    assert len(json.dumps(deep)) < 10_000


def test_a_syntax_error_has_its_line_and_caret() -> None:
    error = caught(compile, "x = 1\n  def f(:\n", "/flows/etl.py", "exec")
    broken = caught(compile, "def f(:\n", "/flows/etl.py", "exec")

    plain = report(broken)

    assert plain["frames"][-1] == ["/flows/etl.py", 1, "", "def f(:\n      ^", True]
    assert as_text(plain).splitlines()[-4:] == [
        '  File "/flows/etl.py", line 1',
        "    def f(:",
        "          ^",
        "SyntaxError: invalid syntax",
    ]
    assert report(error)["type"] == "IndentationError"
    for odd in (SyntaxError("x"), SyntaxError("x", (None, None, None, None)), SyntaxError(5)):
        assert report(odd)["type"] == "SyntaxError"


def test_the_line_shown_is_the_one_in_the_file(tmp_path: Path) -> None:
    source = tmp_path / "flow.py"
    source.write_text("def run():\n    raise ValueError('first')\n")
    names: dict[str, Any] = {}
    exec(compile(source.read_text(), str(source), "exec"), names)

    first = report(caught(names["run"]))["frames"][-1]
    source.unlink()
    gone = report(caught(names["run"]))["frames"][-1]

    assert first == [str(source), 2, "run", "raise ValueError('first')", True]
    assert gone == [str(source), 2, "run", "", True]


def test_a_report_survives_the_journal_and_becomes_a_record() -> None:
    error = caught(fail_from)
    error.add_note("look here")
    plain = msgpack.unpackb(msgpack.packb(report(error)))

    record = ErrorReport.from_plain(plain)

    assert (record.type_name, record.text, record.notes) == ("KeyError", "'outer'", ("look here",))
    assert record.cause is not None
    assert record.cause.text == "broken"
    assert record.cause_kind == "cause"
    assert [frame.function for frame in record.frames] == ["caught", "fail_from"]
    assert record.own_frame == record.frames[-1]
    assert ErrorReport.from_plain(report(Custom("x"))).full_name.endswith(".Custom")
    assert record.full_name == "KeyError"
