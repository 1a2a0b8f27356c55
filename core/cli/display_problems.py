"""What went wrong in a run, worded for the displays: in one line, and which errors are no reason of their own."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

#: What the engine's messages begin with, and a line that names the run need not repeat.
_LEADS: Final = ("Task run encountered an exception ", "Flow run encountered an exception: ")


class Problem(NamedTuple):
    """A run that did not complete."""

    run_name: str
    word: str
    #: The error in one line, or the state's message.
    text: str
    error: dict[str, Any] | None


def problem_text(error: dict[str, Any] | None, message: str | None) -> str:
    """Word a failure in one line."""
    if error is None:
        text = message or ""
        for lead in _LEADS:
            text = text.removeprefix(lead)
        return text
    if is_interruption(error):
        return ""
    text = str(error.get("text") or "").strip()
    first = text.split("\n", 1)[0][:500]
    return f"{error.get('type')}: {first}" if first else str(error.get("type"))


def is_interruption(error: dict[str, Any]) -> bool:
    """Tell whether an error is what Ctrl-C or SIGTERM threw into the flow, and none of its own."""
    return error.get("module") == "flowctl.core.engine.waits"


def is_consequence(error: dict[str, Any]) -> bool:
    """Tell whether an error says only that an upstream did not complete: the reason stands there."""
    return error.get("type") == "UpstreamTaskError"
