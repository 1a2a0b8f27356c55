"""Cache policies: what has to be equal for a recorded result to be used instead of a new run of the task.

They differ from Prefect's in one point: `INPUTS` tells tasks apart, so that two tasks with equal arguments
never get each other's results, and a task without parameters can be cached by it.
"""

# ruff: noqa: ARG002 - every policy is given the same arguments, and looks at some of them

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, Final

from flowctl.core.authoring.canonical import CannotHash, canonical_hash

#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type

Inputs = Mapping[str, Any]


class CachePolicy:
    """Makes the cache key of a task call; combine policies with `+`, leave out a parameter with `- "name"`."""

    #: Where `configure` said that results lie, how they are locked, and who may see one that is being made.
    key_storage: str | None = None
    lock_manager: Any = None
    isolation_level: Any = None

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        """Give the key, or None to say that this call is not cached; raise `ValueError` where it cannot be made."""
        raise NotImplementedError(f"{type(self).__name__} has to define compute_key.")

    def configure(self, key_storage: Any = None, lock_manager: Any = None, isolation_level: Any = None) -> CachePolicy:
        """Give a copy that keeps its results elsewhere, or under a lock."""
        copy = self._copy()
        if key_storage is not None:
            copy.key_storage = str(key_storage)
        if lock_manager is not None:
            copy.lock_manager = lock_manager
        if isolation_level is not None:
            copy.isolation_level = isolation_level
        return copy

    @classmethod
    def from_cache_key_fn(cls, cache_key_fn: Callable[[Any, dict[str, Any]], str | None]) -> CacheKeyFnPolicy:
        """Make a policy of a function of (context, arguments)."""
        return CacheKeyFnPolicy(cache_key_fn)

    def __add__(self, other: CachePolicy) -> CachePolicy:
        if isinstance(other, _NoCache):
            return self
        if isinstance(self, _NoCache):
            return other
        joined = CompoundCachePolicy(*_parts(self), *_parts(other))
        for name in ("key_storage", "lock_manager", "isolation_level"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None and theirs is not None and mine != theirs:
                raise ValueError(f"Two cache policies cannot be joined that differ in {name}: {mine!r} and {theirs!r}.")
            setattr(joined, name, theirs if mine is None else mine)
        return joined

    def __sub__(self, parameter: str) -> CachePolicy:
        return self._without(parameter)

    def __repr__(self) -> str:
        return type(self).__name__.lstrip("_")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def _without(self, parameter: str) -> CachePolicy:
        return self  # only policies that look at the inputs care

    def _copy(self) -> CachePolicy:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy


class CacheKeyFnPolicy(CachePolicy):
    """The key is what a function of (context, arguments) returns."""

    def __init__(self, cache_key_fn: Callable[[Any, dict[str, Any]], str | None]) -> None:
        self.cache_key_fn = cache_key_fn

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        key: Any = self.cache_key_fn(task_ctx, dict(inputs or {}))
        if key is not None and not isinstance(key, str):
            raise ValueError(f"A cache_key_fn returns a string or None; this one gave {type(key).__name__}.")
        return key


class CompoundCachePolicy(CachePolicy):
    """All parts have to be equal; parts that give no key are passed over."""

    def __init__(self, *policies: CachePolicy) -> None:
        self.policies = policies

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        keys = [policy.compute_key(task_ctx, inputs, flow_parameters, **kwargs) for policy in self.policies]
        told = [key for key in keys if key is not None]
        return _hashed(told) if told else None

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.policies))

    def _without(self, parameter: str) -> CachePolicy:
        copy = self._copy()
        assert isinstance(copy, CompoundCachePolicy)
        copy.policies = tuple(policy - parameter for policy in self.policies)
        return copy


class _NoCache(CachePolicy):
    """Never a key: the task always runs."""

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        return None


class _Inputs(CachePolicy):
    """The task and its arguments."""

    def __init__(self, exclude: tuple[str, ...] = ()) -> None:
        self.exclude = exclude

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        counted = {name: value for name, value in (inputs or {}).items() if name not in self.exclude}
        try:
            return _hashed([task_ctx.task.task_key, counted])
        except CannotHash as error:
            raise ValueError(
                f"The arguments of task {task_ctx.task.name!r} cannot be hashed for its cache key: {error}. "
                'Leave the culprit out (INPUTS - "name"), or make the key yourself with cache_key_fn.'
            ) from error

    def __repr__(self) -> str:
        return "".join(["Inputs", *(f" - {name!r}" for name in self.exclude)])

    def _without(self, parameter: str) -> CachePolicy:
        copy = self._copy()
        assert isinstance(copy, _Inputs)
        copy.exclude = (*self.exclude, parameter)
        return copy


class _TaskSource(CachePolicy):
    """The text of the task's function."""

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        return source_hash(task_ctx.task.fn)


class _RunId(CachePolicy):
    """The flow run; outside of flows, the task run."""

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        return str(task_ctx.flow_run_id or task_ctx.task_run.id)


class _FlowParameters(CachePolicy):
    """The parameters of the flow run; nothing where it has none."""

    def compute_key(
        self, task_ctx: Any, inputs: Inputs | None = None, flow_parameters: Inputs | None = None, **kwargs: Any
    ) -> str | None:
        if not flow_parameters:
            return None
        try:
            return _hashed(dict(flow_parameters))
        except CannotHash as error:
            raise ValueError(f"The flow's parameters cannot be hashed for a cache key: {error}.") from error


INPUTS: Final = _Inputs()
TASK_SOURCE: Final = _TaskSource()
RUN_ID: Final = _RunId()
FLOW_PARAMETERS: Final = _FlowParameters()
NO_CACHE: Final = _NoCache()
DEFAULT: Final = CompoundCachePolicy(INPUTS, TASK_SOURCE, RUN_ID)


def task_input_hash(context: Any, arguments: dict[str, Any]) -> str | None:
    """Make a key of the task, its code and its arguments, for `cache_key_fn`; None where they cannot be hashed."""
    try:
        return _hashed([context.task.task_key, source_hash(context.task.fn), arguments])
    except CannotHash:
        return None


_source_hashes: Final[dict[int, tuple[CodeType, str]]] = {}


def source_hash(fn: Any) -> str:
    """Hash the text of a function, or its compiled code where the text cannot be read."""
    code = getattr(_innermost(fn), "__code__", None)
    if not isinstance(code, CodeType):
        return _hashed(fn)
    known = _source_hashes.get(id(code))
    if known is None:
        # The code object is kept, so that its id is not given to another.
        known = (code, _hashed(_source(code)))
        if len(_source_hashes) < 10_000:
            _source_hashes[id(code)] = known
    return known[1]


def _source(code: CodeType) -> str | bytes:
    import linecache

    lines = linecache.getlines(code.co_filename)
    text = "".join(lines[code.co_firstlineno - 1 : _last_line(code)])
    return text or marshal.dumps(code, 0)


def _last_line(code: CodeType) -> int:
    last = max((end or start or 0 for start, end, *_ in code.co_positions()), default=0)
    return max([last, *(_last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType))])


def _innermost(fn: Any) -> Any:
    for _ in range(100):
        inner = getattr(fn, "__wrapped__", None) or getattr(fn, "func", None) or getattr(fn, "__func__", None)
        if inner is None:
            break
        fn = inner
    return fn if hasattr(fn, "__code__") else getattr(_type(fn), "__call__", fn)  # noqa: B004 - its code


def _parts(policy: CachePolicy) -> tuple[CachePolicy, ...]:
    return policy.policies if isinstance(policy, CompoundCachePolicy) else (policy,)


def _hashed(value: Any) -> str:
    return canonical_hash(value, size=16).hex()
