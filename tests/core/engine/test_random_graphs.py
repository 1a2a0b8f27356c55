"""Random graphs of tasks, with failures and retries in them, against an oracle in plain Python."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowctl import State, ThreadPoolTaskRunner, allow_failure, flow, runtime, task
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunState, TaskRunCreated, TaskRunState
from flowctl.store.states import StateType, is_allowed
from tests.core.engine.by_hand import records_of

HOWS: Final = ("submit", "async", "call", "nested")


@dataclass(frozen=True)
class Node:
    """A task call of the graph."""

    number: int
    how: str
    #: So many attempts fail before one succeeds.
    failures: int
    retries: int
    delay_s: float
    #: (number of an earlier node, how it is depended on).
    upstreams: tuple[tuple[int, str], ...]


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 14))):
        upstreams: list[tuple[int, str]] = []
        if number:
            pair = st.tuples(st.integers(0, number - 1), st.sampled_from(["data", "list", "allow", "order"]))
            upstreams = draw(st.lists(pair, max_size=3))
        node = Node(
            number,
            draw(st.sampled_from(HOWS)),
            draw(st.sampled_from([0, 0, 0, 1, 2, 9])),
            draw(st.integers(0, 2)),
            draw(st.sampled_from([0, 0.001])),
            tuple(upstreams),
        )
        nodes.append(node)
    return nodes


@dataclass
class Expected:
    """How a node is to end."""

    state: str
    value: int | None
    attempts: int


def foretell(nodes: list[Node]) -> list[Expected]:
    """Work out in plain Python how each node ends."""
    ended: list[Expected] = []
    for node in nodes:
        blocked = any(ended[number].state != "Completed" for number, how in node.upstreams if how != "allow")
        if blocked:
            ended.append(Expected("NotReady", None, 0))
            continue
        values = [
            -1 if (value := ended[number].value) is None else value for number, how in node.upstreams if how != "order"
        ]
        attempts = min(node.failures, node.retries) + 1
        if node.failures <= node.retries:
            ended.append(Expected("Completed", (node.number + sum(values)) % 1000, attempts))
        else:
            ended.append(Expected("Failed", None, attempts))
    return ended


class Bodies:
    """The functions of the tasks, and how often each was called."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: Counter[int] = Counter()

    def run(self, node: Node, values: list[Any], listed: list[Any]) -> int:
        with self.lock:
            self.calls[node.number] += 1
        assert runtime.task_run.run_count == self.calls[node.number]
        if self.calls[node.number] <= node.failures:
            raise ValueError(f"attempt {self.calls[node.number]} of {node.number}")
        plain = [-1 if isinstance(value, Exception) else value for value in (*values, *listed)]
        return (node.number + sum(plain)) % 1000


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs(), st.integers(1, 4))
def test_a_random_graph_ends_as_an_oracle_foretells(home: Home, nodes: list[Node], workers: int) -> None:
    bodies = Bodies()

    def body(node: Node, values: list[Any], listed: list[Any]) -> int:
        return bodies.run(node, values, listed)

    async def abody(node: Node, values: list[Any], listed: list[Any]) -> int:
        return bodies.run(node, values, listed)

    @task
    def leaf(x: int) -> int:
        return x

    def nesting(node: Node, values: list[Any], listed: list[Any]) -> int:
        assert leaf.submit(node.number).result() == leaf(node.number)
        return bodies.run(node, values, listed)

    run_ids: list[str] = []
    handles: list[Any] = []

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=workers))
    def graph() -> None:
        run_ids.append(str(runtime.flow_run.id))
        for node in nodes:
            fn = {"async": abody, "nested": nesting}.get(node.how, body)
            this: Any = task(fn, name=f"node-{node.number}", retries=node.retries, retry_delay_seconds=node.delay_s)
            values: list[Any] = []
            for number, how in node.upstreams:
                if how in ("data", "allow"):
                    values.append(handles[number] if how == "data" else allow_failure(handles[number]))
            listed = [handles[number] for number, how in node.upstreams if how == "list"]
            wait_for = [handles[number] for number, how in node.upstreams if how == "order"]
            call = this.submit if node.how != "call" else this
            options = {"return_state": True} if node.how == "call" else {}
            handles.append(call(node, values, listed, wait_for=wait_for, **options))

    state = graph(return_state=True)

    expected = foretell(nodes)
    states: list[State[Any]] = [handle if isinstance(handle, State) else handle.state for handle in handles]
    assert state.is_completed()
    assert [each.name for each in states] == [each.state for each in expected]
    values = [each.data if each.is_completed() else None for each in states]
    assert values == [each.value for each in expected]
    assert [bodies.calls[node.number] for node in nodes] == [each.attempts for each in expected]
    check_journal(home, run_ids[0], nodes, expected)


def check_journal(home: Home, run_id: str, nodes: list[Node], expected: list[Expected]) -> None:
    """See that the journal tells the same, in legal steps, with the flow's end last."""
    at: dict[int, StateType] = {}
    names: dict[int, str] = {}
    last: dict[str, TaskRunState] = {}
    records = records_of(home, run_id)
    for record in records:
        if isinstance(record, TaskRunCreated):
            names[record.task], at[record.task] = record.task_name, StateType.PENDING
        elif isinstance(record, TaskRunState):
            assert is_allowed(at[record.task], StateType(record.type))
            at[record.task] = StateType(record.type)
            last[names[record.task]] = record
    assert isinstance(records[-1], FlowRunState)
    for node, each in zip(nodes, expected, strict=True):
        record = last[f"node-{node.number}"]
        assert (record.name, record.run_count) == (each.state, each.attempts)
