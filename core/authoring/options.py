"""Checks that flows and tasks share when they are defined: hooks, retry delays, reserved names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from flowctl.core.authoring.exceptions import ReservedArgumentError

#: As many as the reference allows.
MOST_DELAYS: Final = 50
#: Bits of a code object's `co_flags` (the standard library's `inspect` has them by name).
_GENERATOR: Final = 0x20
_COROUTINE: Final = 0x80
_ASYNC_GENERATOR: Final = 0x200
RESERVED: Final = ("wait_for", "return_state")

Hook = Callable[..., Any]


def checked_hooks(hooks: object, option: str, owner: str) -> list[Hook]:
    """Return the hooks as a list of their own; raise `TypeError` for what is not a list of callables."""
    if hooks is None:
        return []
    if not isinstance(hooks, (list, tuple)):
        raise TypeError(
            f"Expected a list of functions for '{option}' of {owner}, got {type(hooks).__name__}. "
            f"Write {option}=[my_hook]."
        )
    for hook in hooks:  # pyright: ignore[reportUnknownVariableType] - this is the check
        if not callable(hook):  # pyright: ignore[reportUnknownArgumentType]
            raise TypeError(f"Expected functions in '{option}' of {owner}, got {hook!r}.")
    return list(hooks)  # pyright: ignore[reportUnknownArgumentType]


def checked_delays(delay: object, retries: int, owner: str) -> float | list[float]:
    """Return the retry delay in seconds, one or a list; a function is asked with the number of retries."""
    if callable(delay):
        delay = delay(retries)
    if delay is None:
        return 0
    if isinstance(delay, (int, float)) and not isinstance(delay, bool):
        if delay < 0:
            raise ValueError(f"retry_delay_seconds of {owner} must not be negative, got {delay}.")
        return delay
    if not isinstance(delay, Iterable):
        raise TypeError(f"retry_delay_seconds of {owner} must be a number, a list or a function, got {delay!r}.")
    delays: list[float] = [float(each) if isinstance(each, float) else each for each in delay]  # pyright: ignore[reportUnknownVariableType]
    if len(delays) > MOST_DELAYS:
        raise ValueError(f"Can not configure more than {MOST_DELAYS} retry delays per task.")
    if any(each < 0 for each in delays):
        raise ValueError(f"retry_delay_seconds of {owner} must not be negative, got {delays}.")
    return delays


def checked_names(names: Iterable[str], owner: str) -> None:
    """Raise `ReservedArgumentError` for a parameter whose name the call itself needs."""
    for name in names:
        if name in RESERVED:
            raise ReservedArgumentError(
                f"{name!r} is a reserved argument name and cannot be a parameter of {owner}. Rename the parameter."
            )


def checked_run_name(wanted: object, option: str, owner: str) -> None:
    """Raise `TypeError` for what is neither a template nor a function that makes a name."""
    if wanted is not None and not isinstance(wanted, str) and not callable(wanted):
        raise TypeError(f"`{option}` of {owner} must be a string or a function, got {wanted!r}.")


def delay_after(delay: float | list[float], jitter: float | None, failed_attempts: int) -> float:
    """Give the seconds to wait after the n-th failed attempt (from 1); the last of a list repeats."""
    if isinstance(delay, list):
        seconds = delay[min(failed_attempts, len(delay)) - 1] if delay else 0.0
    else:
        seconds = delay
    if jitter and seconds:
        from random import uniform

        seconds = uniform(max(0.0, seconds * (1 - jitter)), seconds * (1 + jitter))
    return seconds


def key_of(fn: Callable[..., Any], name: str) -> str:
    """Make `module.qualname`, the same whether the file is run as a script or loaded by flowctl."""
    module = getattr(fn, "__module__", None) or ""
    if module in ("__main__", "__mp_main__"):
        module = _script_name() or module
    qualname = getattr(fn, "__qualname__", None) or type(fn).__qualname__
    plain = getattr(fn, "__name__", None)
    return f"{module}.{qualname}" if name == plain else f"{module}.{qualname}#{name}"


def kind_of(fn: Callable[..., Any]) -> tuple[bool, bool]:
    """Tell whether calling `fn` is asynchronous, and whether it is a generator."""
    while isinstance(fn, partial):
        fn = fn.func  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - any callable
    code = getattr(fn, "__code__", None) or getattr(type(fn).__call__, "__code__", None)
    flags: int = 0 if code is None else code.co_flags
    return bool(flags & (_COROUTINE | _ASYNC_GENERATOR)), bool(flags & (_GENERATOR | _ASYNC_GENERATOR))


def refuse_unknown(options: Any, known: dict[str, Any], decorator: str) -> None:
    """Raise `TypeError` for an option that is not known, with the nearest that is."""
    unknown: set[str] = set(options) - set(known)
    if unknown:
        from difflib import get_close_matches

        name = sorted(unknown)[0]
        near = get_close_matches(name, [str(each) for each in known], 1)
        raise TypeError(f"@{decorator} has no option {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))


def _script_name() -> str | None:
    import sys

    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if not path:
        return None
    return str(path).replace("\\", "/").rpartition("/")[2].removesuffix(".py")
