"""Every error that flowctl raises to the code of a flow, as one tree.

FlowctlError
├── MissingContextError (RuntimeError)    asked for a run where there is none
├── UnfinishedRun                         asked for the result of a run that did not finish
│   └── UpstreamTaskError                 … because an upstream of it did not complete
├── FailedRun, CrashedRun, CancelledRun, PausedRun   a run ended (or stands) so, with no exception of its own
├── ParameterBindError (TypeError)        arguments do not fit the signature; no run was made
├── ParameterTypeError                    a flow's argument does not fit its annotation
├── SignatureMismatchError (TypeError)
├── ReservedArgumentError (TypeError)     a parameter has a name that flowctl uses itself
├── MappingLengthMismatch (TypeError), MappingMissingIterable (TypeError)
├── FlowRunTimeoutError, TaskRunTimeoutError (TimeoutError)
├── FlowChanged                           a retried run asks for other tasks than those on record
└── ResultMissing                         a completed run whose value was not kept
"""

from __future__ import annotations


class FlowctlError(Exception):
    """Root of all errors of flowctl."""

    def __init_subclass__(cls, **arguments: object) -> None:
        """Name the errors of this file in tracebacks as a flow file imports them: `flowctl.UpstreamTaskError`."""
        super().__init_subclass__(**arguments)
        if cls.__module__ == __name__:
            cls.__module__ = "flowctl"


FlowctlError.__module__ = "flowctl"


class MissingContextError(FlowctlError, RuntimeError):
    """Something that needs a run was called where no run is."""


class UnfinishedRun(FlowctlError):
    """The result of a run that has not finished, or never ran, was asked for."""


class UpstreamTaskError(UnfinishedRun):
    """A task did not run because one that it depends on did not complete."""


class FailedRun(FlowctlError):
    """A run ended Failed without an exception of its own."""


class CrashedRun(FlowctlError):
    """A run ended Crashed."""


class CancelledRun(FlowctlError):
    """A run was cancelled."""


class PausedRun(FlowctlError):
    """A run is paused."""


class ParameterBindError(FlowctlError, TypeError):
    """Arguments do not fit a signature; the message is worded as Python's own."""


class ParameterTypeError(FlowctlError):
    """An argument of a flow does not fit its annotation."""


class SignatureMismatchError(FlowctlError, TypeError):
    """Arguments and parameters do not belong together."""


class ReservedArgumentError(FlowctlError, TypeError):
    """A parameter has a name that flowctl uses itself."""


class MappingLengthMismatch(FlowctlError, TypeError):
    """The iterables of a `map` differ in length."""


class MappingMissingIterable(FlowctlError, TypeError):
    """A `map` was given nothing to iterate over."""


class FlowRunTimeoutError(FlowctlError, TimeoutError):
    """A flow run exceeded its `timeout_seconds`."""


class TaskRunTimeoutError(FlowctlError, TimeoutError):
    """A task run exceeded its `timeout_seconds`."""


class FlowChanged(FlowctlError):
    """A retried run calls other tasks than the attempt on record, so its records cannot be reused."""


class ResultMissing(FlowctlError):
    """The value of a completed run was not kept, or its file is gone."""
