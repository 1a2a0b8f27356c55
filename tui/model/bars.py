"""What happened to a run when, as a bar on a time scale: waiting, each try, where one failed, when the next is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from flowctl.store.records import AttemptRow, FlowRunRow, StateRow, TaskRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span
from flowctl.tui.model.time_scale import TimeScale
from flowctl.tui.model.waterfall_nodes import Node

#: Names of states in which a flow run waits, after it has begun.
_BREAKS: Final = frozenset({"AwaitingRetry", "Paused", "Suspended"})
_LAYERS: Final = {"wait": 0, "due": 2}


def bar(
    node: Node,
    scale: TimeScale,
    now: datetime,
    *,
    now_cell: int | None,
    glyphs: Glyphs = UNICODE,
    history: Sequence[StateRow] = (),
) -> Line:
    """Draw what happened when: waiting, each try, where one failed, when the next one is due.

    Of a flow run the history of its states tells when it was paused and when it was tried again.
    """
    cells = scale.cells
    signs, styles = [" "] * cells, [""] * cells
    failed: list[int] = []

    def draw(start: datetime, end: datetime, sign: str, style: str) -> int:
        first, last = scale.cell(start), scale.cell(end)
        # What ends where a cell begins has no part in that cell.
        if last > first and scale.at(last) >= end:
            last -= 1
        for cell in range(max(first, 0), min(last, cells - 1) + 1):
            signs[cell], styles[cell] = sign, style
        return last

    if now_cell is not None:
        signs[now_cell], styles[now_cell] = glyphs.now, "now"
    # Waiting lies below work, and the signs of single moments above both.
    parts = sorted(segments(node, now, history), key=lambda part: _LAYERS.get(part[2], 1))
    for start, end, kind in parts:
        if kind == "wait":
            draw(start, end, glyphs.wait, "wait")
        elif kind == "due":
            cell = scale.cell(end)
            if cell >= 0 and cells:
                # Where it is out of sight, the edge points at it.
                place = min(cell, cells - 1)
                signs[place], styles[place] = glyphs.due, "due"
        elif kind == "open":
            first, last = scale.cell(start), draw(start, end, glyphs.work, node.word)
            if now_cell is not None and last == now_cell and first < last:
                signs[last], styles[last] = glyphs.now, "now"
                last -= 1
            if 0 <= last < cells:
                signs[last] = glyphs.work_open
        else:
            last = draw(start, end, glyphs.work, kind)
            if kind == "failed":
                failed.append(last)
    for cell in failed:
        if 0 <= cell < cells:
            signs[cell], styles[cell] = glyphs.failed_try, "failed_try"
    return _joined(signs, styles)


def segments(node: Node, now: datetime, history: Sequence[StateRow] = ()) -> Iterator[tuple[datetime, datetime, str]]:
    """Give what is on the bar of a row: from, to, and `wait`, `due`, `open` (still at work), `failed` or a word."""
    if node.task is not None:
        yield from _task_segments(node.task, node.word, now)
    elif node.flow is not None and node.started_at is not None and any(s.name in _BREAKS for s in history):
        yield from _flow_segments(node.flow, node.word, now, history)
    elif node.started_at is not None:
        end = node.ended_at
        if end is None:
            yield node.started_at, max(now, node.started_at), "open"
        else:
            yield node.started_at, end, node.word if node.word not in PROBLEMS else "failed"
        if node.due_at is not None and node.word == "retrying":
            yield now, node.due_at, "due"
    elif isinstance(node.run, FlowRunRow) and node.word in OPEN:
        yield node.run.created_at, max(now, node.run.created_at), "wait"


def _flow_segments(
    flow: FlowRunRow, word: str, now: datetime, history: Sequence[StateRow]
) -> Iterator[tuple[datetime, datetime, str]]:
    end = flow.ended_at
    told = [each for each in history if each.applied and each.attempt == flow.attempt and each.at <= (end or now)]
    for place, state in enumerate(told):
        following = told[place + 1] if place + 1 < len(told) else None
        until = following.at if following is not None else max(end or now, state.at)
        if state.type is StateType.RUNNING or state.type is StateType.CANCELLING:
            if following is None:
                yield state.at, until, "open"
            elif following.name == "AwaitingRetry" or (until == end and word in PROBLEMS):
                yield state.at, until, "failed"
            else:
                yield state.at, until, word if until == end else "running"
        elif state.name in _BREAKS:
            yield state.at, until, "wait"
            if following is None and flow.due_at is not None and end is None:
                yield state.at, flow.due_at, "wait"
                yield state.at, flow.due_at, "due"


def _task_segments(task: TaskRunRow, word: str, now: datetime) -> Iterator[tuple[datetime, datetime, str]]:
    since = task.created_at
    for each in task.attempts:
        start = each.started_at
        if start is None:
            continue
        if start > since:
            yield since, start, "wait"
        end = each.ended_at
        if end is None:
            yield start, max(now, start), "open"
            return
        yield start, end, _kind_of(each, task, word)
        since = end
    if task.is_final or word == "blocked":
        return
    if task.due_at is not None:
        yield since, task.due_at, "wait"
        yield since, task.due_at, "due"
    # What waits for others has no bar: its whole row would be a dotted line.


def _kind_of(each: AttemptRow, task: TaskRunRow, word: str) -> str:
    is_last = each is task.attempts[-1]
    if not is_last or word == "retrying":
        return "failed"
    return "failed" if word in PROBLEMS else word


def _joined(signs: list[str], styles: list[str]) -> Line:
    """Join neighbours of one style."""
    spans: list[Span] = []
    start = 0
    for cell in range(1, len(signs) + 1):
        if cell == len(signs) or styles[cell] != styles[start]:
            spans.append(("".join(signs[start:cell]), styles[start]))
            start = cell
    return tuple(spans)
