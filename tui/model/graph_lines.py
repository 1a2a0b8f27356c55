"""Which task feeds which, as an indented text: each under the first that it waits for, with the others named; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span, short_duration
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import glyph_of, took_s
from flowctl.tui.model.waterfall_nodes import Group, Node

#: More parents than these are counted, not named.
_MOST_NAMED: Final = 4


def graph_lines(waterfall: Waterfall, now: datetime, *, glyphs: Glyphs = UNICODE, is_ascii: bool = False) -> list[Line]:
    """Draw the tasks and subflows of a run by what they wait for."""
    nodes = waterfall.root.children
    parents = _parents(nodes)
    below: dict[str, list[Node]] = {}
    tops: list[Node] = []
    place = {node.id: number for number, node in enumerate(nodes)}
    for node in nodes:
        # Only what stands before it: a flow may hand a future back to a task of the same name.
        before = [each for each in parents[node.id] if place[each.id] < place[node.id]]
        if before:
            # Under the last of them: the line between is short, and the eye goes down.
            below.setdefault(max(before, key=lambda each: place[each.id]).id, []).append(node)
        else:
            tops.append(node)
    lines: list[Line] = []
    stack: list[tuple[Node, str, str]] = [(node, " ", " ") for node in reversed(tops)]
    branch, last, through = ("|- ", "`- ", "|  ") if is_ascii else ("├─ ", "└─ ", "│  ")
    while stack:
        node, lead, rest = stack.pop()
        lines.append(_line(node, lead, parents[node.id], now, glyphs))
        children = below.get(node.id, [])
        for number, child in reversed(list(enumerate(children))):
            is_last = number == len(children) - 1
            stack.append((child, rest + (last if is_last else branch), rest + ("   " if is_last else through)))
    return lines


def _parents(nodes: list[Node]) -> Mapping[str, list[Node]]:
    """Tell for each row at the top which other rows at the top feed it."""
    at_top: dict[str, Node] = {}
    for node in nodes:
        stack = [node]
        while stack:
            each = stack.pop()
            at_top[each.id] = node
            stack.extend(each.children)
    found: dict[str, list[Node]] = {}
    for node in nodes:
        fed: dict[str, Node] = {}
        for member in node.children or [node]:
            if member.task is None:
                continue
            for ids in member.task.upstreams.values():
                feeders = [feeder for id_ in ids if (feeder := at_top.get(id_)) is not None and feeder is not node]
                fed.update((feeder.id, feeder) for feeder in feeders)
        found[node.id] = list(fed.values())
    return found


def _line(node: Node, lead: str, parents: list[Node], now: datetime, glyphs: Glyphs) -> Line:
    spans: list[Span] = [(lead, "rest"), (f"{glyph_of(node.word, glyphs, 2)} ", node.word)]
    if isinstance(node, Group):
        spans.append((f"{node.name}[{len(node.children)}]", "title"))
        counts = " ".join(f"{count}{glyph_of(word, glyphs, 2)}" for word, count in node.counts.items() if count)
        spans.append((f"  {counts}", node.word))
    else:
        name = node.task.task_name if node.task is not None else node.name
        spans.append((name, "title"))
    took = took_s(node, now)
    if took is not None:
        spans.append((f"  {short_duration(took)}", "quiet"))
    if len(parents) > 1:
        names = ", ".join(each.name for each in parents[:_MOST_NAMED])
        more = f" and {len(parents) - _MOST_NAMED} more" if len(parents) > _MOST_NAMED else ""
        spans.append((f"   after {names}{more}", "quiet"))
    return tuple(spans)
