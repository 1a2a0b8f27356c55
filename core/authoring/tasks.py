"""`@task`: a Python function whose calls are task runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, ParamSpec, TypedDict, TypeVar, cast, overload

from flowctl.core.authoring.options import (
    Hook,
    checked_delays,
    checked_hooks,
    checked_names,
    checked_run_name,
    key_of,
    kind_of,
    refuse_unknown,
)
from flowctl.core.authoring.parameters import Parameters
from flowctl.core.authoring.port import engine

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Unpack

    from flowctl.core.authoring.cache_policies import CachePolicy
    from flowctl.core.authoring.futures import Future, FutureList
    from flowctl.core.authoring.states import State

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")


_HOOKS: Final = ("on_running", "on_completion", "on_failure", "on_commit", "on_rollback")


class TaskOptions(TypedDict, total=False):
    """What `@task` and `with_options` take; all optional."""

    name: str | None
    description: str | None
    tags: Iterable[str] | None
    version: str | None
    #: Most further attempts after the first.
    retries: int | None
    #: Seconds, a list of them (the last repeats), or a function from the number of retries to such a list.
    retry_delay_seconds: float | int | list[float] | Callable[[int], list[float]] | None
    #: Each delay d is drawn between d(1-f) and d(1+f).
    retry_jitter_factor: float | None
    #: `(task, task_run, state) -> bool`, asked while retries are left; an exception in it counts as False.
    retry_condition_fn: Callable[..., bool] | None
    #: Seconds that one attempt may take.
    timeout_seconds: float | int | None
    log_prints: bool | None
    task_run_name: str | Callable[..., str] | None
    persist_result: bool | None
    result_storage_key: str | None
    result_serializer: Any
    cache_policy: CachePolicy | None
    cache_key_fn: Callable[..., str | None] | None
    cache_expiration: timedelta | None
    refresh_cache: bool | None
    on_running: list[Hook] | None
    on_completion: list[Hook] | None
    on_failure: list[Hook] | None
    on_commit: list[Hook] | None
    on_rollback: list[Hook] | None
    viz_return_value: Any


class Task(Generic[P, R]):
    """A function whose calls are task runs: called, submitted or mapped, inside a flow or outside.

    Raises `TypeError`, `ValueError` or `ReservedArgumentError` where an option cannot be right.
    """

    def __init__(self, fn: Callable[P, R], **options: Unpack[TaskOptions]) -> None:
        if not callable(fn):
            raise TypeError(f"@task goes on a function, not on {fn!r}.")
        self.fn = fn
        self._options = options
        self._instance: tuple[Any, ...] = ()
        given_name = getattr(fn, "__name__", None)
        self.name = options.get("name") or given_name or _name_of_callable(fn)
        owner = f"task {self.name!r}"
        self.signature = Parameters.of(fn)
        checked_names(self.signature.names, owner)
        self.task_key = key_of(fn, self.name)
        self.version = options.get("version")
        self.tags: set[str] = set(options.get("tags") or ())
        self.retries = options.get("retries") or 0
        if self.retries < 0:
            raise ValueError(f"retries of {owner} must not be negative, got {self.retries}.")
        self.retry_delay_seconds = checked_delays(options.get("retry_delay_seconds"), self.retries, owner)
        self.retry_jitter_factor = options.get("retry_jitter_factor")
        if self.retry_jitter_factor is not None and self.retry_jitter_factor < 0:
            raise ValueError(f"`retry_jitter_factor` of {owner} must be >= 0, got {self.retry_jitter_factor}.")
        self.retry_condition_fn = options.get("retry_condition_fn")
        if self.retry_condition_fn is not None and not callable(self.retry_condition_fn):
            raise TypeError(f"`retry_condition_fn` of {owner} must be callable.")
        self.timeout_seconds = options.get("timeout_seconds")
        self.log_prints = options.get("log_prints")
        self.task_run_name = options.get("task_run_name")
        checked_run_name(self.task_run_name, "task_run_name", owner)
        self.persist_result = options.get("persist_result")
        self.result_storage_key = options.get("result_storage_key")
        self.result_serializer = options.get("result_serializer")
        self.cache_policy = options.get("cache_policy")
        self.cache_key_fn = options.get("cache_key_fn")
        self.cache_expiration = options.get("cache_expiration")
        self.refresh_cache = options.get("refresh_cache")
        #: Nothing but its flow can make its results persist.
        self.caches_nothing = not (self.cache_policy or self.cache_key_fn or self.persist_result)
        self.on_running_hooks = checked_hooks(options.get("on_running"), "on_running", owner)
        self.on_completion_hooks = checked_hooks(options.get("on_completion"), "on_completion", owner)
        self.on_failure_hooks = checked_hooks(options.get("on_failure"), "on_failure", owner)
        self.on_commit_hooks = checked_hooks(options.get("on_commit"), "on_commit", owner)
        self.on_rollback_hooks = checked_hooks(options.get("on_rollback"), "on_rollback", owner)
        self.isasync, self.isgenerator = kind_of(fn)
        functools.update_wrapper(cast(Any, self), fn)

    @property
    def description(self) -> str | None:
        return self._options.get("description") or self.fn.__doc__

    def retries_with(self, default: int) -> int:
        """Return the number of retries, the default (a setting) where the decorator names none."""
        return default if self._options.get("retries") is None else self.retries

    def delay_with(self, default: float) -> float | list[float]:
        """Return the retry delays, the default (a setting) where the decorator names none."""
        return default if self._options.get("retry_delay_seconds") is None else self.retry_delay_seconds

    def with_options(self, **changes: Unpack[TaskOptions]) -> Task[P, R]:
        """Return a copy with some options changed; hooks that were added later are copied too."""
        hooks: Any = {name: list(getattr(self, f"{name}_hooks")) for name in _HOOKS}
        options: Any = {**self._options, **hooks, **changes}
        changed = type(self)(self.fn, **options)
        changed._instance = self._instance
        return changed

    def __get__(self, instance: Any, owner: type | None = None) -> Task[..., R]:
        """Make the task a method: bound to its instance or class."""
        if instance is None:
            return cast("Task[..., R]", self)
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._instance = (instance,)
        return cast("Task[..., R]", bound)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[False], wait_for: Any = None, **kwargs: Any) -> R: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], wait_for: Any = None, **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, *args: Any, wait_for: Any, **kwargs: Any) -> R: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task in the present thread and return its value, or with `return_state` its final state.

        An asynchronous task gives a coroutine. `wait_for` holds futures or states that must complete first.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        return engine().call_task(self, self._instance + args, kwargs, wait_for, return_state)

    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, T]],
        *args: Any,
        return_state: Literal[True],
        wait_for: Any = None,
        **kwargs: Any,
    ) -> State[T]: ...
    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, T]],
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Any = None,
        **kwargs: Any,
    ) -> Future[T]: ...
    @overload
    def submit(self, *args: Any, return_state: Literal[True], wait_for: Any = None, **kwargs: Any) -> State[R]: ...
    @overload
    def submit(
        self, *args: Any, return_state: Literal[False] = False, wait_for: Any = None, **kwargs: Any
    ) -> Future[R]: ...

    def submit(self, *args: Any, return_state: bool = False, wait_for: Any = None, **kwargs: Any) -> Any:
        """Start the task on the flow's task runner and return a future at once."""
        future = engine().submit_task(self, self._instance + args, kwargs, wait_for)
        if return_state:
            future.wait()
            return future.state
        return future

    @overload
    def map(
        self: Task[..., Coroutine[Any, Any, T]],
        *args: Any,
        return_state: Literal[True],
        wait_for: Any = None,
        **kwargs: Any,
    ) -> list[State[T]]: ...
    @overload
    def map(
        self: Task[..., Coroutine[Any, Any, T]],
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Any = None,
        **kwargs: Any,
    ) -> FutureList[T]: ...
    @overload
    def map(self, *args: Any, return_state: Literal[True], wait_for: Any = None, **kwargs: Any) -> list[State[R]]: ...
    @overload
    def map(
        self, *args: Any, return_state: Literal[False] = False, wait_for: Any = None, **kwargs: Any
    ) -> FutureList[R]: ...

    def map(self, *args: Any, return_state: bool = False, wait_for: Any = None, **kwargs: Any) -> Any:
        """Submit the task once per item of its iterable arguments, which are zipped.

        Strings, bytes, scalars and `unmapped(...)` are the same for each. Raises `MappingLengthMismatch` or
        `MappingMissingIterable`.
        """
        futures = engine().map_task(self, self._instance + args, kwargs, wait_for)
        if return_state:
            futures.wait()
            return [future.state for future in futures]
        return futures

    def on_running(self, fn: Hook) -> Hook:
        """Add a hook; usable as a decorator, as the others below."""
        self.on_running_hooks.append(fn)
        return fn

    def on_completion(self, fn: Hook) -> Hook:
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: Hook) -> Hook:
        self.on_failure_hooks.append(fn)
        return fn

    def on_commit(self, fn: Hook) -> Hook:
        self.on_commit_hooks.append(fn)
        return fn

    def on_rollback(self, fn: Hook) -> Hook:
        self.on_rollback_hooks.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"Task(name={self.name!r})"


@overload
def task(fn: Callable[P, R], /, **options: Unpack[TaskOptions]) -> Task[P, R]: ...
@overload
def task(fn: None = None, /, **options: Unpack[TaskOptions]) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(fn: Callable[..., Any] | None = None, /, **options: Unpack[TaskOptions]) -> Any:
    """Make a task of a function: `@task`, `@task(retries=3)` or `task(fn)`; options as in `TaskOptions`."""
    refuse_unknown(options, TaskOptions.__annotations__, "task")
    if fn is None:
        return functools.partial(Task, **options)
    if isinstance(fn, (classmethod, staticmethod)):
        raise TypeError("Put @classmethod or @staticmethod above @task, not below it.")
    return Task(fn, **options)


def _name_of_callable(fn: Any) -> str:
    inner = fn.func if isinstance(fn, functools.partial) else fn
    return getattr(inner, "__name__", None) or type(inner).__name__
