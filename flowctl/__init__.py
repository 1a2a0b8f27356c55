"""flowctl: Python workflows for one person on one machine. Everything a flow file needs is importable from here.

Names are looked up when first used, so that `import flowctl` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring import port

__version__ = "0.1.0"

if TYPE_CHECKING:
    from flowctl import testing as testing
    from flowctl.core.authoring import cache_policies as cache_policies
    from flowctl.core.authoring import exceptions as exceptions
    from flowctl.core.authoring import runtime as runtime
    from flowctl.core.authoring import states as states
    from flowctl.core.authoring.annotations import allow_failure, opaque, quote, unmapped
    from flowctl.core.authoring.cache_policies import CachePolicy
    from flowctl.core.authoring.context import FlowRunContext, TaskRunContext, get_run_context, tags
    from flowctl.core.authoring.exceptions import (
        CancelledRun,
        CrashedRun,
        FailedRun,
        FlowChanged,
        FlowctlError,
        FlowRunTimeoutError,
        MappingLengthMismatch,
        MappingMissingIterable,
        MissingContextError,
        ParameterBindError,
        ParameterTypeError,
        PausedRun,
        ReservedArgumentError,
        ResultMissing,
        TaskRunTimeoutError,
        UnfinishedRun,
        UpstreamTaskError,
    )
    from flowctl.core.authoring.flows import Flow, flow
    from flowctl.core.authoring.futures import Future, FutureList, as_completed, wait
    from flowctl.core.authoring.loggers import disable_run_logger, get_run_logger
    from flowctl.core.authoring.retry_delays import exponential_backoff
    from flowctl.core.authoring.runners import (
        ConcurrentTaskRunner,
        ProcessPoolTaskRunner,
        TaskRunner,
        ThreadPoolTaskRunner,
    )
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.authoring.states import (
        AwaitingRetry,
        Cancelled,
        Cancelling,
        Completed,
        Crashed,
        Failed,
        Paused,
        Pending,
        Retrying,
        Running,
        Scheduled,
        State,
    )
    from flowctl.core.authoring.tasks import Task, task
    from flowctl.store.states import StateType

_AUTHORING = "flowctl.core.authoring."

#: Module -> the names that it gives to the door.
_NAMES = {
    _AUTHORING + "annotations": "allow_failure opaque quote unmapped",
    _AUTHORING + "cache_policies": "CachePolicy task_input_hash",
    _AUTHORING + "context": "FlowRunContext TaskRunContext get_run_context tags",
    _AUTHORING + "exceptions": "CancelledRun CrashedRun FailedRun FlowChanged FlowctlError FlowRunTimeoutError "
    "MappingLengthMismatch MappingMissingIterable MissingContextError ParameterBindError ParameterTypeError "
    "PausedRun ReservedArgumentError ResultMissing SignatureMismatchError TaskRunTimeoutError UnfinishedRun "
    "UpstreamTaskError",
    _AUTHORING + "flows": "Flow flow",
    _AUTHORING + "futures": "Future FutureList as_completed wait",
    _AUTHORING + "loggers": "disable_run_logger get_run_logger",
    _AUTHORING + "retry_delays": "exponential_backoff",
    _AUTHORING + "runners": "ConcurrentTaskRunner ProcessPoolTaskRunner TaskRunner ThreadPoolTaskRunner",
    _AUTHORING + "runs": "FlowRun TaskRun",
    _AUTHORING + "serializers": "CompressedSerializer JSONSerializer PickleSerializer",
    _AUTHORING + "states": "AwaitingRetry Cancelled Cancelling Completed Crashed Failed Paused Pending Retrying "
    "Running Scheduled State",
    _AUTHORING + "tasks": "Task task",
    "flowctl.store.states": "StateType",
}
#: Names that are whole modules.
_MODULES = {
    "cache_policies": _AUTHORING + "cache_policies",
    "exceptions": _AUTHORING + "exceptions",
    "runtime": _AUTHORING + "runtime",
    "states": _AUTHORING + "states",
    "testing": "flowctl.testing",
}
_HOME_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = ["__version__", *_HOME_OF, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll] - resolved below


def __getattr__(name: str) -> Any:
    """Import a public name the first time it is used."""
    if name in _MODULES:
        value: Any = import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"flowctl has no {name!r}. It has: {', '.join(sorted(_HOME_OF.keys() | _MODULES.keys()))}.")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _load_engine() -> port.Engine:
    from flowctl.core.engine.entry import LocalEngine

    return LocalEngine()


port.register(_load_engine)
