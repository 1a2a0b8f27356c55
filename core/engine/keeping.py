"""Where a completed run's value is kept, and where a run finds that its value is on record already.

Two places are looked at: the record of earlier attempts of the same run, then the cache.
"""

from __future__ import annotations

from sys import maxsize
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flowctl.core.authoring.runs import TaskRun
from flowctl.core.engine.pen import ERROR, WARNING, write_log
from flowctl.core.engine.reports import text_of
from flowctl.core.engine.results import ResultNotStored, keep, keep_bytes, load
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.cache_policies import CachePolicy
    from flowctl.core.authoring.runs import FlowRun
    from flowctl.core.authoring.states import State


class Kept(NamedTuple):
    """A value on record."""

    value: Any
    #: The `result` field of the record that it stands in.
    stored: list[Any] | None
    #: Number of the attempt that made it; 0 for the cache.
    attempt: int

    @property
    def remark(self) -> str:
        """The message of the state of a call that earlier attempts completed, so that it is not executed."""
        return f"{_REUSED}{self.attempt}."


_REUSED: Final = "Reused from attempt "


def is_reused(name: str, message: str | None) -> bool:
    """Tell by the name and message of a state whether the value came from the record of an earlier attempt."""
    return name == "Cached" and message is not None and message.startswith(_REUSED)


def persists(run: TaskRun) -> bool:
    """Tell whether the run's result is to be kept whatever its size."""
    task = run.task
    if task.persist_result is not None:
        return task.persist_result
    if run.flow_run.flow is not None and run.flow_run.flow.persist_result is not None:
        return run.flow_run.flow.persist_result
    return _policy(run) is not None or task.result_storage_key is not None


def keep_result(run: TaskRun, state: State[Any]) -> list[Any] | None:
    """Keep the value of a completed task run, as settings and options say; None where it is not kept."""
    root, task, flow = run.flow_run.root, run.task, run.flow_run.flow
    persist = persists(run)
    serializer = task.result_serializer or (None if flow is None else flow.result_serializer)
    try:
        return keep(
            state.data,
            folder=root.results,
            name=f"task-{run.number}",
            serializer="pickle" if serializer is None else _name_of(serializer),
            limit=root.settings.keep_results_up_to,
            persist=persist,
        )
    except (ResultNotStored, OSError) as error:
        write_log(
            run, WARNING, "flowctl.task_runs", f"The result is not kept, but the run is complete: {text_of(error)}"
        )
        return None


def keep_flow_result(run: FlowRun, state: State[Any]) -> list[Any] | None:
    """Keep the value of a completed flow run; None where it is not kept."""
    assert run.flow is not None
    if not isinstance(state.data, (int, float, str, bool, type(None))) and _holds_states(state.data):
        return None
    try:
        return keep(
            state.data,
            folder=run.root.results,
            name=f"flow-{run.number}",
            serializer="pickle" if run.flow.result_serializer is None else _name_of(run.flow.result_serializer),
            limit=run.root.settings.keep_results_up_to,
            persist=bool(run.flow.persist_result),
        )
    except (ResultNotStored, OSError) as error:
        write_log(
            run, WARNING, "flowctl.flow_runs", f"The result is not kept, but the run is complete: {text_of(error)}"
        )
        return None


def recorded_result(run: TaskRun) -> Kept | None:
    """Find the value that an earlier attempt of the same run recorded for this call."""
    recorded = run.flow_run.root.recorded
    return None if recorded is None else recorded.claim_task(run)


def recorded_flow_result(run: FlowRun) -> Kept | None:
    """Find the value that an earlier attempt recorded for this subflow call."""
    recorded = run.root.recorded
    return None if recorded is None or run.number == 0 else recorded.claim_flow(run)


def cached_result(run: TaskRun) -> Kept | None:
    """Look the call up in the cache, where its task has a policy; remember the key for `remember`."""
    policy = _policy(run)
    if policy is None:
        return None
    run.cache_key = _key(run, policy)
    if run.cache_key is None or run.task.refresh_cache:
        return None
    from flowctl.core.engine.cache import look_up

    root = run.flow_run.root
    try:
        stored = look_up(_cache_folder(run, policy), run.cache_key, root.clock())
        if stored is None:
            return None
        value = load(stored, folder=root.results)
        return Kept(value, _kept_again(run, stored), 0)
    except Exception as error:
        write_log(
            run, WARNING, "flowctl.task_runs", f"The cached result cannot be used, so the task runs: {text_of(error)}"
        )
        return None


def _kept_again(run: TaskRun, stored: list[Any]) -> list[Any] | None:
    """Keep a value from the cache with this run too: the cache may be emptied."""
    root = run.flow_run.root
    return keep_bytes(
        stored[1],
        folder=root.results,
        name=f"task-{run.number}",
        serializer=stored[0],
        limit=root.settings.keep_results_up_to,
        persist=persists(run),
    )


def remember(run: TaskRun, state: State[Any], result: list[Any] | None) -> None:
    """Put a new result into the cache, where its task has a policy."""
    if run.cache_key is None or result is None or state.name == "Cached" or state.type is not StateType.COMPLETED:
        return
    from flowctl.core.engine.cache import store

    root, task = run.flow_run.root, run.task
    policy = _policy(run)
    assert policy is not None
    now = root.clock()
    expires_at = None if task.cache_expiration is None else now + int(task.cache_expiration.total_seconds() * 1e6)
    try:
        store(
            _cache_folder(run, policy),
            run.cache_key,
            result,
            expires_at,
            now=now,
            results_folder=root.results,
            task_key=task.task_key,
        )
    except Exception as error:
        write_log(run, WARNING, "flowctl.task_runs", f"The result cannot be put into the cache: {text_of(error)}")


class StreamedItems:
    """What a generator yields, kept as it goes by: its consumer may change an item the moment it has it."""

    __slots__ = ("_left", "items")

    def __init__(self, run: FlowRun | TaskRun) -> None:
        flow = run.flow_run.flow
        persist = persists(run) if isinstance(run, TaskRun) else bool(flow and flow.persist_result)
        #: Each as a `result` field; None once they are too much to be kept.
        self.items: list[list[Any]] | None = []
        self._left = maxsize if persist else run.flow_run.root.settings.keep_results_up_to

    def add(self, item: Any) -> None:
        if self.items is not None:
            kept = keep(item, folder="", name="", limit=self._left, persist=False)
            if kept is None:
                self.items = None
            else:
                self._left -= kept[3]
                self.items.append(kept)

    def values(self) -> list[Any] | None:
        """Give the items as they were."""
        return None if self.items is None else [load(item, folder="") for item in self.items]


class CacheContext:
    """What a cache policy or `cache_key_fn` gets to know of the run."""

    __slots__ = ("flow_run_id", "parameters", "task", "task_run")

    def __init__(self, run: TaskRun) -> None:
        self.task = run.task
        self.task_run = run
        self.flow_run_id = run.flow_run_id
        self.parameters = run.arguments


def _policy(run: TaskRun) -> CachePolicy | None:
    task = run.task
    if task.caches_nothing and (run.flow_run.flow is None or not run.flow_run.flow.persist_result):
        return None  # the usual case, asked twice for each run
    if task.cache_policy is None and task.cache_key_fn is None:
        flow = run.flow_run.flow
        persist = task.persist_result if task.persist_result is not None else flow is not None and flow.persist_result
        if not persist:
            return None
    from flowctl.core.authoring.cache_policies import DEFAULT, NO_CACHE, CacheKeyFnPolicy

    if task.cache_policy is not None:
        return None if task.cache_policy == NO_CACHE else task.cache_policy
    if task.cache_key_fn is not None:
        return CacheKeyFnPolicy(task.cache_key_fn)
    return DEFAULT


def _key(run: TaskRun, policy: CachePolicy) -> str | None:
    try:
        return policy.compute_key(CacheContext(run), run.arguments, run.flow_run.coerced)
    except Exception as error:
        write_log(
            run, ERROR, "flowctl.task_runs", f"No cache key can be made, so the task runs uncached: {text_of(error)}"
        )
        return None


def _cache_folder(run: TaskRun, policy: CachePolicy) -> str:
    return policy.key_storage or run.flow_run.root.home.cache


def _name_of(serializer: Any) -> str:
    from flowctl.core.authoring.serializers import serializer_name

    return serializer_name(serializer)


def _holds_states(value: Any) -> bool:
    from flowctl.core.authoring.states import State

    return isinstance(value, State) or (
        isinstance(value, (list, tuple, set)) and any(isinstance(each, State) for each in value)  # pyright: ignore[reportUnknownVariableType]
    )
