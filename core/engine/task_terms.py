"""What a task's runs are granted, as JSON for the record; None for a task that asked for nothing. See `store.terms`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from flowctl.core.authoring.tasks import Task
    from flowctl.core.engine.settings import Settings

#: A name, or the repr of a policy, may be of any length.
_LONGEST: Final = 100


def terms_of(task: Task[..., Any], settings: Settings) -> str | None:
    """Write the terms of a task."""
    retries = task.retries_with(settings.tasks_default_retries)
    terms: dict[str, Any] = {}
    if retries:
        delay = task.delay_with(settings.tasks_default_retry_delay_seconds)
        delays = delay if isinstance(delay, list) else [delay]
        terms |= {"retries": retries, "delays": delays[:retries]}
        if task.retry_jitter_factor:
            terms["jitter"] = task.retry_jitter_factor
        if task.retry_condition_fn is not None:
            terms["condition"] = _name_of(task.retry_condition_fn)
    if task.timeout_seconds is not None:
        terms["timeout_s"] = task.timeout_seconds
    if task.cache_key_fn is not None:
        terms["cache"] = _name_of(task.cache_key_fn)
    elif task.cache_policy is not None:
        terms["cache"] = _words_of(task.cache_policy)
    if not terms:
        return None
    import json

    return json.dumps(terms)


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))[:_LONGEST]


def _words_of(policy: Any) -> str:
    try:
        return repr(policy)[:_LONGEST]
    except Exception:  # it may be a class of the user's
        return type(policy).__name__[:_LONGEST]
