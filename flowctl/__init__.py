"""flowctl: Python workflows for one person on one machine. Everything a flow file needs is importable from here.

Names are looked up when first used, so that `import flowctl` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring import port
from flowctl.store.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from flowctl import testing as testing
    from flowctl.core.authoring import cache_policies as cache_policies
    from flowctl.core.authoring import exceptions as exceptions
    from flowctl.core.authoring import runtime as runtime
    from flowctl.core.authoring import states as states
    from flowctl.core.authoring.annotations import allow_failure as allow_failure
    from flowctl.core.authoring.annotations import opaque as opaque
    from flowctl.core.authoring.annotations import quote as quote
    from flowctl.core.authoring.annotations import unmapped as unmapped
    from flowctl.core.authoring.cache_policies import CachePolicy as CachePolicy
    from flowctl.core.authoring.cache_policies import task_input_hash as task_input_hash
    from flowctl.core.authoring.context import FlowRunContext as FlowRunContext
    from flowctl.core.authoring.context import TaskRunContext as TaskRunContext
    from flowctl.core.authoring.context import get_run_context as get_run_context
    from flowctl.core.authoring.context import tags as tags
    from flowctl.core.authoring.exceptions import CancelledRun as CancelledRun
    from flowctl.core.authoring.exceptions import CrashedRun as CrashedRun
    from flowctl.core.authoring.exceptions import FailedRun as FailedRun
    from flowctl.core.authoring.exceptions import FlowChanged as FlowChanged
    from flowctl.core.authoring.exceptions import FlowctlError as FlowctlError
    from flowctl.core.authoring.exceptions import FlowRunTimeoutError as FlowRunTimeoutError
    from flowctl.core.authoring.exceptions import MappingLengthMismatch as MappingLengthMismatch
    from flowctl.core.authoring.exceptions import MappingMissingIterable as MappingMissingIterable
    from flowctl.core.authoring.exceptions import MissingContextError as MissingContextError
    from flowctl.core.authoring.exceptions import ParameterBindError as ParameterBindError
    from flowctl.core.authoring.exceptions import ParameterTypeError as ParameterTypeError
    from flowctl.core.authoring.exceptions import PausedRun as PausedRun
    from flowctl.core.authoring.exceptions import ReservedArgumentError as ReservedArgumentError
    from flowctl.core.authoring.exceptions import ResultMissing as ResultMissing
    from flowctl.core.authoring.exceptions import SignatureMismatchError as SignatureMismatchError
    from flowctl.core.authoring.exceptions import TaskRunTimeoutError as TaskRunTimeoutError
    from flowctl.core.authoring.exceptions import UnfinishedRun as UnfinishedRun
    from flowctl.core.authoring.exceptions import UpstreamTaskError as UpstreamTaskError
    from flowctl.core.authoring.flows import Flow as Flow
    from flowctl.core.authoring.flows import flow as flow
    from flowctl.core.authoring.futures import Future as Future
    from flowctl.core.authoring.futures import FutureList as FutureList
    from flowctl.core.authoring.futures import as_completed as as_completed
    from flowctl.core.authoring.futures import wait as wait
    from flowctl.core.authoring.loggers import disable_run_logger as disable_run_logger
    from flowctl.core.authoring.loggers import get_run_logger as get_run_logger
    from flowctl.core.authoring.requested_runs import run_deployment as run_deployment
    from flowctl.core.authoring.retry_delays import exponential_backoff as exponential_backoff
    from flowctl.core.authoring.runners import ConcurrentTaskRunner as ConcurrentTaskRunner
    from flowctl.core.authoring.runners import ProcessPoolTaskRunner as ProcessPoolTaskRunner
    from flowctl.core.authoring.runners import TaskRunner as TaskRunner
    from flowctl.core.authoring.runners import ThreadPoolTaskRunner as ThreadPoolTaskRunner
    from flowctl.core.authoring.runs import FlowRun as FlowRun
    from flowctl.core.authoring.runs import TaskRun as TaskRun
    from flowctl.core.authoring.schedules import Cron as Cron
    from flowctl.core.authoring.schedules import CronSchedule as CronSchedule
    from flowctl.core.authoring.schedules import Interval as Interval
    from flowctl.core.authoring.schedules import IntervalSchedule as IntervalSchedule
    from flowctl.core.authoring.schedules import RRule as RRule
    from flowctl.core.authoring.schedules import RRuleSchedule as RRuleSchedule
    from flowctl.core.authoring.serializers import CompressedSerializer as CompressedSerializer
    from flowctl.core.authoring.serializers import JSONSerializer as JSONSerializer
    from flowctl.core.authoring.serializers import PickleSerializer as PickleSerializer
    from flowctl.core.authoring.serving import serve as serve
    from flowctl.core.authoring.states import AwaitingRetry as AwaitingRetry
    from flowctl.core.authoring.states import Cancelled as Cancelled
    from flowctl.core.authoring.states import Cancelling as Cancelling
    from flowctl.core.authoring.states import Completed as Completed
    from flowctl.core.authoring.states import Crashed as Crashed
    from flowctl.core.authoring.states import Failed as Failed
    from flowctl.core.authoring.states import Paused as Paused
    from flowctl.core.authoring.states import Pending as Pending
    from flowctl.core.authoring.states import Retrying as Retrying
    from flowctl.core.authoring.states import Running as Running
    from flowctl.core.authoring.states import Scheduled as Scheduled
    from flowctl.core.authoring.states import State as State
    from flowctl.core.authoring.tasks import Task as Task
    from flowctl.core.authoring.tasks import task as task
    from flowctl.store.states import StateType as StateType

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
    _AUTHORING + "requested_runs": "run_deployment",
    _AUTHORING + "retry_delays": "exponential_backoff",
    _AUTHORING + "runners": "ConcurrentTaskRunner ProcessPoolTaskRunner TaskRunner ThreadPoolTaskRunner",
    _AUTHORING + "runs": "FlowRun TaskRun",
    _AUTHORING + "schedules": "Cron CronSchedule Interval IntervalSchedule RRule RRuleSchedule",
    _AUTHORING + "serializers": "CompressedSerializer JSONSerializer PickleSerializer",
    _AUTHORING + "serving": "serve",
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
        raise AttributeError(f"flowctl has no {name!r}. It has: {', '.join(__dir__())}.")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _load_engine() -> port.Engine:
    from flowctl.core.engine.entry import LocalEngine

    return LocalEngine()


def _load_server() -> port.Server:
    from flowctl.core.daemon.serving import DaemonServer

    return DaemonServer()


port.register(_load_engine)
port.register_server(_load_server)
