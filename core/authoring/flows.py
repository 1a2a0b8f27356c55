"""`@flow`: a Python function whose calls are flow runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, ParamSpec, TypedDict, TypeVar, cast, overload

from flowctl.core.authoring.options import (
    Hook,
    checked_delays,
    checked_hooks,
    checked_names,
    checked_run_name,
    kind_of,
    refuse_unknown,
)
from flowctl.core.authoring.parameters import Parameters
from flowctl.core.authoring.port import engine
from flowctl.core.authoring.runners import TaskRunner, ThreadPoolTaskRunner

if TYPE_CHECKING:
    from typing import Unpack

    from flowctl.core.authoring.schedules import Schedule
    from flowctl.core.authoring.serving import Deployable, DeploymentOptions
    from flowctl.core.authoring.states import State

P = ParamSpec("P")
R = TypeVar("R")


_HOOKS: Final = ("on_running", "on_completion", "on_failure", "on_crashed", "on_cancellation")


class FlowOptions(TypedDict, total=False):
    """What `@flow` and `with_options` take; all optional."""

    name: str | None
    description: str | None
    version: str | None
    flow_run_name: str | Callable[..., str] | None
    retries: int | None
    retry_delay_seconds: float | int | list[float] | None
    #: Seconds that one attempt may take.
    timeout_seconds: float | int | None
    task_runner: Any
    #: False: arguments go to the body as they are, without coercion by annotation.
    validate_parameters: bool | None
    #: True: `print` writes INFO lines to the log, also in its tasks.
    log_prints: bool | None
    #: The default of its tasks too.
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    cache_result_in_memory: bool | None
    on_running: list[Hook] | None
    on_completion: list[Hook] | None
    on_failure: list[Hook] | None
    on_crashed: list[Hook] | None
    on_cancellation: list[Hook] | None
    #: When it runs by itself, where the daemon watches its file: Cron(…), Interval(…), RRule(…), or a list of them.
    schedule: Any


class Flow(Generic[P, R]):
    """A function whose calls are flow runs; called in the body of another flow, a subflow run.

    Raises `TypeError`, `ValueError` or `ReservedArgumentError` where an option cannot be right.
    """

    def __init__(self, fn: Callable[P, R], **options: Unpack[FlowOptions]) -> None:
        if not callable(fn):
            raise TypeError(f"@flow goes on a function, not on {fn!r}.")
        self.fn = fn
        self._options = options
        self._instance: tuple[Any, ...] = ()
        name = options.get("name")
        if name is not None and not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users err
            raise TypeError(f"The name of a flow must be a string, got {name!r}.")
        self.name: str = name or str(getattr(fn, "__name__", type(fn).__name__)).replace("_", "-")
        owner = f"flow {self.name!r}"
        self.signature = Parameters.of(fn)
        checked_names(self.signature.names, owner)
        self.flow_run_name = options.get("flow_run_name")
        checked_run_name(self.flow_run_name, "flow_run_name", owner)
        self.retries = options.get("retries") or 0
        if self.retries < 0:
            raise ValueError(f"retries of {owner} must not be negative, got {self.retries}.")
        self.retry_delay_seconds = checked_delays(options.get("retry_delay_seconds"), self.retries, owner)
        self.timeout_seconds = options.get("timeout_seconds")
        self.task_runner: TaskRunner = _checked_runner(options.get("task_runner"), owner)
        self.should_validate_parameters = options.get("validate_parameters") is not False
        self.log_prints = options.get("log_prints")
        self.persist_result = options.get("persist_result")
        self.result_serializer = options.get("result_serializer")
        self.on_running_hooks = checked_hooks(options.get("on_running"), "on_running", owner)
        self.on_completion_hooks = checked_hooks(options.get("on_completion"), "on_completion", owner)
        self.on_failure_hooks = checked_hooks(options.get("on_failure"), "on_failure", owner)
        self.on_crashed_hooks = checked_hooks(options.get("on_crashed"), "on_crashed", owner)
        self.on_cancellation_hooks = checked_hooks(options.get("on_cancellation"), "on_cancellation", owner)
        self.schedules: list[Schedule] = _checked_schedules(options.get("schedule"))
        self.isasync, self.isgenerator = kind_of(fn)
        functools.update_wrapper(cast(Any, self), fn)

    @property
    def description(self) -> str | None:
        return self._options.get("description") or self.fn.__doc__

    @property
    def version(self) -> str | None:
        """The given version, or a hash of the flow's file."""
        given = self._options.get("version")
        return given if given is not None else _hash_of_file(self.file)

    @property
    def file(self) -> str | None:
        """The file in which the function stands."""
        code = getattr(self.fn, "__code__", None)
        return None if code is None else code.co_filename

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON schema of the parameters: types, defaults, which are required, descriptions from the docstring."""
        from flowctl.core.authoring.parameters import schema

        return schema(self.fn)

    def retries_with(self, default: int) -> int:
        """Return the number of retries, the default (a setting) where the decorator names none."""
        return default if self._options.get("retries") is None else self.retries

    def with_options(self, **changes: Unpack[FlowOptions]) -> Flow[P, R]:
        """Return a copy with some options changed; hooks that were added later are copied too."""
        hooks: Any = {name: list(getattr(self, f"{name}_hooks")) for name in _HOOKS}
        options: Any = {**self._options, **hooks, **changes}
        changed = type(self)(self.fn, **options)
        changed._instance = self._instance
        return changed

    def __get__(self, instance: Any, owner: type | None = None) -> Flow[..., R]:
        """Make the flow a method: bound to its instance or class."""
        if instance is None:
            return cast("Flow[..., R]", self)
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._instance = (instance,)
        return cast("Flow[..., R]", bound)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[False], wait_for: Any = None, **kwargs: Any) -> R: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], wait_for: Any = None, **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, *args: Any, wait_for: Any, **kwargs: Any) -> R: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow here and now and return its value, or with `return_state` its final state.

        An asynchronous flow gives a coroutine. In the body of another flow it is a subflow run.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        return engine().call_flow(self, self._instance + args, kwargs, wait_for, return_state)

    def serve(
        self, name: str | None = None, *, pause_on_shutdown: bool = True, **options: Unpack[DeploymentOptions]
    ) -> None:
        """Have the daemon run this flow by its schedules, and show its runs until Ctrl-C; options as in
        `DeploymentOptions`: `cron`, `interval`, `rrule`, `schedules`, `parameters`, `tags`, `limit`, …"""
        from flowctl.core.authoring.serving import serve

        serve(self.to_deployment(name, **options), pause_on_shutdown=pause_on_shutdown)

    def deploy(self, name: str | None = None, **options: Unpack[DeploymentOptions]) -> str:
        """Have the daemon run this flow by its schedules, without this process; return the deployment's name."""
        from flowctl.core.authoring.serving import deploy

        return deploy(self, name, options)

    def to_deployment(self, name: str | None = None, **options: Unpack[DeploymentOptions]) -> Deployable:
        """Say how this flow is to be served together with others: `serve(a.to_deployment(...), b)`."""
        from flowctl.core.authoring.serving import Deployable

        return Deployable(self, name, options)

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

    def on_crashed(self, fn: Hook) -> Hook:
        self.on_crashed_hooks.append(fn)
        return fn

    def on_cancellation(self, fn: Hook) -> Hook:
        self.on_cancellation_hooks.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"Flow(name={self.name!r})"


@overload
def flow(fn: Callable[P, R], /, **options: Unpack[FlowOptions]) -> Flow[P, R]: ...
@overload
def flow(fn: None = None, /, **options: Unpack[FlowOptions]) -> Callable[[Callable[P, R]], Flow[P, R]]: ...


def flow(fn: Callable[..., Any] | None = None, /, **options: Unpack[FlowOptions]) -> Any:
    """Make a flow of a function: `@flow`, `@flow(retries=3)` or `flow(fn)`; options as in `FlowOptions`."""
    refuse_unknown(options, FlowOptions.__annotations__, "flow")
    if fn is None:
        return functools.partial(Flow, **options)
    if isinstance(fn, (classmethod, staticmethod)):
        raise TypeError("Put @classmethod or @staticmethod above @flow, not below it.")
    return Flow(fn, **options)


def _checked_schedules(value: Any) -> list[Schedule]:
    if value is None:
        return []
    from flowctl.core.authoring.schedules import schedules_of

    return schedules_of(value)


def _checked_runner(runner: Any, owner: str) -> TaskRunner:
    if runner is None:
        return ThreadPoolTaskRunner()
    if isinstance(runner, type) and issubclass(runner, TaskRunner):
        runner = runner()
    if not isinstance(runner, TaskRunner):
        raise TypeError(
            f"`task_runner` of {owner} must be a ThreadPoolTaskRunner or a ProcessPoolTaskRunner, got {runner!r}."
        )
    return runner


def _hash_of_file(path: str | None) -> str | None:
    if path is None:
        return None
    from hashlib import md5

    try:
        with open(path, "rb") as file:
            return md5(file.read(), usedforsecurity=False).hexdigest()
    except OSError:
        return None
