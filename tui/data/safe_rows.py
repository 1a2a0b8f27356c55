"""Records made safe for a terminal, once, where they come in: nothing above this has to think of escape sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from flowctl.store.errors import ErrorReport, Frame
from flowctl.store.records import AttemptRow, FlowRunRow, LogRow, StateRow, TaskRunRow
from flowctl.store.terms import Terms
from flowctl.store.text import safe_text


def line(text: str) -> str:
    """Make text safe, on one line."""
    return safe_text(text, keep_newlines=False)


def line_or_none(text: str | None) -> str | None:
    return None if text is None else safe_text(text, keep_newlines=False)


def flow_run(row: FlowRunRow) -> FlowRunRow:
    """Make a flow run safe."""
    return replace(
        row,
        name=line(row.name),
        flow_name=line(row.flow_name),
        state_name=line(row.state_name),
        message=None if row.message is None else safe_text(row.message),
        parameters=_mapping(row.parameters),
        tags=[line(tag) for tag in row.tags],
        source=_mapping(row.source),
        error=error(row.error),
        value=line_or_none(row.value),
        task_counts={line(name): count for name, count in row.task_counts.items()},
        problem=line_or_none(row.problem),
        deployment=line_or_none(row.deployment),
    )


def task_run(row: TaskRunRow) -> TaskRunRow:
    """Make a task run safe; nearly all are as they are, which is worth knowing where there are 20,000."""
    if (
        _is_plain(row.name)
        and _is_plain(row.task_name)
        and _is_plain(row.task_key)
        and _is_plain(row.state_name)
        and _is_plain(row.inputs)
        and (row.message is None or _is_plain(row.message))
        and (row.value is None or _is_plain(row.value))
        and row.error is None
        and not row.tags
        and (row.terms is None or row.terms.condition is row.terms.cache is None)
        and not any(each.error or each.message for each in row.attempts)
    ):
        return row
    return replace(
        row,
        name=line(row.name),
        task_name=line(row.task_name),
        task_key=line(row.task_key),
        state_name=line(row.state_name),
        inputs=line(row.inputs),
        terms=None if row.terms is None else _terms(row.terms),
        message=None if row.message is None else safe_text(row.message),
        value=line_or_none(row.value),
        error=error(row.error),
        tags=[line(tag) for tag in row.tags],
        upstreams={line(name): ids for name, ids in row.upstreams.items()},
        attempts=[_attempt(each) for each in row.attempts],
    )


def state(row: StateRow) -> StateRow:
    """Make an entry of a history safe."""
    message = None if row.message is None else safe_text(row.message)
    return replace(row, name=line(row.name), message=message, error=error(row.error))


def log_row(row: LogRow) -> LogRow:
    """Make a log record safe; its lines stay lines."""
    if _is_plain(row.message) and _is_plain(row.logger):
        return row
    return replace(row, message=safe_text(row.message), logger=line(row.logger))


def error(report: ErrorReport | None) -> ErrorReport | None:
    """Make an error safe with all its causes."""
    if report is None:
        return None
    return replace(
        report,
        type_name=line(report.type_name),
        module=line(report.module),
        text=safe_text(report.text),
        frames=tuple(_frame(frame) for frame in report.frames),
        notes=tuple(safe_text(note) for note in report.notes),
        cause=error(report.cause),
        members=tuple(each for member in report.members if (each := error(member)) is not None),
    )


def plain(value: object) -> object:
    """Make all text in a JSON value safe."""
    if isinstance(value, str):
        return safe_text(value)
    # What it holds comes from JSON: keys are text, the rest is looked at here.
    if isinstance(value, dict):
        return _mapping(cast("Mapping[str, object]", value))
    if isinstance(value, list):
        return [plain(each) for each in cast("list[object]", value)]
    return value


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _attempt(row: AttemptRow) -> AttemptRow:
    if row.error is None and row.message is None and _is_plain(row.state_name):
        return row
    message = None if row.message is None else safe_text(row.message)
    return replace(row, state_name=line(row.state_name), message=message, error=error(row.error))


def _frame(frame: Frame) -> Frame:
    code = safe_text(frame.code)
    return Frame(
        file=line(frame.file),
        line=frame.line,
        function=line(frame.function),
        code=code,
        own=frame.own,
        # Of what had to be written otherwise, places are not known.
        caret=frame.caret if code == frame.code else None,
        locals=tuple((line(name), line(text)) for name, text in frame.locals),
    )


def _mapping(value: Mapping[str, object]) -> dict[str, object]:
    return {safe_text(key): plain(each) for key, each in value.items()}


def _terms(terms: Terms) -> Terms:
    condition, cache = terms.condition, terms.cache
    return replace(
        terms,
        condition=None if condition is None else line(condition),
        cache=None if cache is None else line(cache),
    )
