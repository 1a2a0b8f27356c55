"""The tree of the Run screen: a run's tasks and subflows, mapped and repeated ones folded, by ids that stay.

It is built from a `RunDetail` and brought up to date by later ones at the cost of what changed. How a row is drawn
stands in `waterfall_lines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.tui.model.glyphs import word_of
from flowctl.tui.model.snapshots import RunDetail
from flowctl.tui.model.waterfall_nodes import Group, Node, flow_node, task_node, word_of_task

#: So many runs of one task under one parent, not mapped, make a group.
REPEATED: Final = 5
#: Groups of at most so many are unfolded until somebody folds them.
SMALL: Final = 6


class Waterfall:
    """A run's tree and what is unfolded in it."""

    def __init__(self, detail: RunDetail, *, like: Waterfall | None = None) -> None:
        """Build it; what is unfolded in another one of the run is unfolded in this."""
        self.detail = detail
        self.root = flow_node(detail.run)
        self._selected: str | None = None if like is None else like._selected
        self._rows: list[Node] | None = None
        self._indices: dict[str, int] | None = None
        #: What somebody folded (False) or unfolded (True).
        self._choices: dict[str, bool] = {} if like is None else dict(like._choices)
        self._fill()

    def update(self, detail: RunDetail) -> frozenset[str]:
        """Take in a later detail; return the ids of the rows that look different. What is folded stays folded."""
        before, self.detail = self.detail, detail
        if detail.run.id != before.run.id or not detail.is_update or detail.run.attempt != before.run.attempt:
            self._fill()
            return frozenset(self._nodes)
        self._changed: set[str] = set()
        if detail.run != before.run:
            self._change_flow(self.root, detail.run)
        self._take(
            [row for row in detail.subflows if row.id in detail.changed_flows],
            [detail.tasks[number] for number in sorted(detail.changed)],
        )
        return frozenset(self._changed)

    def _fill(self) -> None:
        self.root = flow_node(self.detail.run)
        self._nodes: dict[str, Node] = {self.root.id: self.root}
        #: (parent, key of a task or flow) -> its runs so far, or the group that they went to.
        self._series: dict[tuple[str, str], Group | list[Node]] = {}
        self._changed = set()
        self._take(self.detail.subflows, list(self.detail.tasks.values()))
        self._forget_rows()

    def take_apart(self) -> None:
        """Let go of all rows, once nobody shows them: they hold each other, which only a long search would find out."""
        for node in self._nodes.values():
            node.clear()
        self._series.clear()
        self._nodes.clear()
        self._forget_rows()

    @property
    def rows(self) -> list[Node]:
        """Every row that is not folded away, the run itself first."""
        if self._rows is None:
            rows: list[Node] = []
            stack = [self.root]
            while stack:
                node = stack.pop()
                rows.append(node)
                if node.children and self.is_unfolded(node):
                    stack.extend(reversed(node.children))
            self._rows = rows
        return self._rows

    def node(self, id_: str) -> Node | None:
        """Find a row, folded away or not."""
        return self._nodes.get(id_)

    def index_of(self, id_: str) -> int:
        """Tell where a row is; where it is folded away, where that is under which it is; 0 where it is gone."""
        if self._indices is None:
            self._indices = {node.id: index for index, node in enumerate(self.rows)}
        node = self._nodes.get(id_)
        while node is not None:
            index = self._indices.get(node.id)
            if index is not None:
                return index
            node = node.parent
        return 0

    def select(self, id_: str) -> None:
        """Remember what the cursor is on: no group folds by itself around it."""
        self._selected = id_

    def is_unfolded(self, node: Node) -> bool:
        """Tell whether what is below a row is shown."""
        choice = self._choices.get(node.id) if self._choices else None
        if choice is not None:
            return choice
        if node.kind != "group" or len(node.children) <= SMALL:
            return True
        selected = self._nodes.get(self._selected) if self._selected is not None else None
        while selected is not None and selected.parent is not node:
            selected = selected.parent
        return selected is not None

    def toggle(self, id_: str) -> str:
        """Fold or unfold a row; of one that has nothing below it, fold that under which it is. Return the row's id."""
        node = self._nodes.get(id_, self.root)
        if not node.children and node.parent is not None and node.parent is not self.root:
            node = node.parent
        if node.children:
            self._choose(node, not self.is_unfolded(node))
        return node.id

    def unfold(self, id_: str) -> bool:
        """Unfold a row; False where it was, or nothing is below it: then the key opens the row instead."""
        node = self._nodes.get(id_)
        if node is None or not node.children or self.is_unfolded(node):
            return False
        self._choose(node, True)
        return True

    def fold(self, id_: str) -> str | None:
        """Fold a row, or go to the one above it: return the id to select; None at the top, where the key goes back."""
        node = self._nodes.get(id_)
        if node is None or node is self.root:
            return None
        if node.children and self.is_unfolded(node):
            self._choose(node, False)
            return node.id
        return node.parent.id if node.parent is not None and node.parent is not self.root else None

    def fold_all(self, *, is_unfolded: bool) -> None:
        """Fold or unfold everything below the run."""
        for node in self._nodes.values():
            if node.children and node is not self.root:
                self._choose(node, is_unfolded)

    def reveal(self, id_: str) -> int:
        """Unfold whatever a row is folded away under; return where it is then."""
        node = self._nodes.get(id_)
        above = None if node is None else node.parent
        while above is not None:
            if not self.is_unfolded(above):
                self._choose(above, True)
            above = above.parent
        return self.index_of(id_)

    def next_problem(self, id_: str, step: int = 1) -> str | None:
        """Find the next (-1: the previous) failed run, folded away or not, beyond the end too; None: there is none."""
        order = list(self._walk())
        places = [place for place, node in enumerate(order) if node.is_problem and node is not self.root]
        if not places:
            return None
        here = next((place for place, node in enumerate(order) if node.id == id_), 0)
        if step > 0:
            place = next((place for place in places if place > here), places[0])
        else:
            place = next((place for place in reversed(places) if place < here), places[-1])
        return order[place].id

    def sibling(self, id_: str, step: int = 1) -> str | None:
        """Find the run before or behind one under the same parent; None at the ends."""
        node = self._nodes.get(id_)
        if node is None or node.parent is None:
            return None
        siblings = node.parent.children
        place = siblings.index(node) + step
        return siblings[place].id if 0 <= place < len(siblings) else None

    def _walk(self) -> Iterator[Node]:
        stack = [self.root]
        while stack:
            node = stack.pop()
            yield node
            if node.children:
                stack.extend(reversed(node.children))

    def _choose(self, node: Node, is_unfolded: bool) -> None:
        self._choices[node.id] = is_unfolded
        node.version += 1
        self._forget_rows()

    def _forget_rows(self) -> None:
        self._rows = None
        self._indices = None

    def _take(self, flows: tuple[FlowRunRow, ...] | list[FlowRunRow], tasks: list[TaskRunRow]) -> None:
        """Make or change the rows of some runs; what came first stands first."""
        news: list[FlowRunRow | TaskRunRow] = [*flows, *tasks]
        if flows:
            # Stable: a flow run comes before what runs in it, even within one microsecond.
            news.sort(key=lambda row: row.created_at)
        nodes = self._nodes
        fresh: list[Node] = []
        for row in news:
            node = nodes.get(row.id)
            if isinstance(row, TaskRunRow):
                if node is None:
                    node = nodes[row.id] = task_node(row)
                    fresh.append(node)
                else:
                    self._change_task(node, row)
            elif node is None:
                node = nodes[row.id] = flow_node(row)
                fresh.append(node)
            else:
                self._change_flow(node, row)
        # All at once, since a run may have been recorded before the one that called it.
        grouped: dict[Group, list[Node]] = {}
        for node in fresh:
            if node.task is not None:
                task = node.task
                above = nodes.get(task.parent_task_id or task.flow_run_id) or nodes.get(task.flow_run_id) or self.root
                self._hang(node, above, task.task_key, task.map_index, grouped)
            elif node.flow is not None:
                flow = node.flow
                above = nodes.get(flow.parent_task_id or "") or nodes.get(flow.parent_id or "") or self.root
                self._hang(node, above, f"flow {flow.flow_name}", None, grouped)
        for group, members in grouped.items():
            group.take(members)
            self._changed.add(group.id)
        if fresh:
            self._changed.update(node.id for node in fresh)
            self._forget_rows()

    def _hang(self, node: Node, above: Node, key: str, index: int | None, grouped: dict[Group, list[Node]]) -> None:
        """Put a new row under its parent: by itself, or into the group of its like."""
        found = self._series.get((above.id, key))
        if index is not None:
            # `map` counts from 0: an index that came already belongs to another call of it.
            if not isinstance(found, Group) or not found.is_mapped or index <= found.last_index:
                found = self._new_group(above, key, node.name, is_mapped=True)
                above.add(found)
            found.last_index = index
        elif not isinstance(found, Group) or found.is_mapped:
            alike = found if isinstance(found, list) else []
            alike.append(node)
            self._series[above.id, key] = alike
            above.add(node)
            if len(alike) == REPEATED:
                self._gather(alike, above, key, grouped)
            return
        grouped.setdefault(found, []).append(node)

    def _gather(self, alike: list[Node], above: Node, key: str, grouped: dict[Group, list[Node]]) -> None:
        """Fold the runs of a task that was called again and again into a group in the place of the first."""
        group = self._new_group(above, key, alike[0].name, is_mapped=False)
        group.parent = above
        gone = {node.id for node in alike}
        place = next(place for place, node in enumerate(above.children) if node.id in gone)
        above.children[:] = [node for node in above.children if node.id not in gone]
        above.children.insert(place, group)
        grouped[group] = alike

    def _new_group(self, above: Node, key: str, name: str, *, is_mapped: bool) -> Group:
        number = 1
        while (id_ := f"{above.id}/{key}#{number}") in self._nodes:
            number += 1
        group = Group(id_, name, is_mapped=is_mapped)
        self._nodes[id_] = self._series[above.id, key] = group
        return group

    def _change_task(self, node: Node, row: TaskRunRow) -> None:
        word_before = node.word
        node.task, node.word = row, word_of_task(row)
        self._touch(node, word_before)

    def _change_flow(self, node: Node, row: FlowRunRow) -> None:
        word_before = node.word
        node.flow, node.word = row, word_of(row.state_type, row.state_name)
        self._touch(node, word_before)

    def _touch(self, node: Node, word_before: str) -> None:
        node.version += 1
        self._changed.add(node.id)
        group = node.parent
        if isinstance(group, Group):
            group.count(node, word_before)
            self._changed.add(group.id)
