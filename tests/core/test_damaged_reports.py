"""Reports of exceptions that are no longer what was written: they are read as far as they go."""

from __future__ import annotations

from typing import Any

import pytest

from flowctl.store.errors import ErrorReport


@pytest.mark.parametrize(
    "plain",
    [
        None,
        {},
        {"type": 5, "module": None, "text": ["x"], "frames": 7, "notes": {"a": 1}, "cause": "x", "cause_kind": "why"},
        {"frames": [[], ["f"], ["f", "1", "fn", "code", True], None, [1, 2, 3, 4, 5]], "notes": [1], "members": [3]},
        [1, 2],
    ],
)
def test_a_damaged_report_becomes_an_empty_record(plain: Any) -> None:
    record = ErrorReport.from_plain(plain)

    assert record == ErrorReport(type_name="Exception", module="", text="")
    assert record.own_frame is None


def test_a_report_nested_without_end_is_read_in_part() -> None:
    plain: dict[str, Any] = {"type": "E", "module": "", "text": "", "frames": [], "notes": []}
    for _ in range(5000):
        plain = {**plain, "cause": plain, "cause_kind": "cause", "members": []}

    assert ErrorReport.from_plain(plain).cause is not None
