"""What goes from the child of a process pool to the run process and back, as bytes."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowctl.core.engine.settings import Settings


def dumped(message: Any) -> bytes:
    """Pickle what crosses the pipe; functions and classes that the other side cannot import go by value."""
    import cloudpickle

    pickled: bytes = cloudpickle.dumps(message)  # pyright: ignore[reportUnknownMemberType] - it has no types
    return pickled


def pickled_error(error: BaseException, settings: Settings | None = None) -> bytes:
    """Pickle what a task raised, with the report on it; another exception stands for one that cannot be pickled."""
    from flowctl.core.engine.reports import report

    plain = report(error, settings)
    for candidate in (error, _InParts(error)):
        try:
            data = dumped(("error", (candidate, plain)))
            pickle.loads(data)
            return data
        except Exception:
            continue
    return dumped(("error", (RuntimeError(f"{type(error).__name__}: {plain['text']}"), plain)))


class _InParts:
    """Pickles an exception whose class cannot be called with its `args`, as one with an `__init__` of its own."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> Any:
        kept: dict[str, Any] = {}
        for name, value in vars(self._error).items():
            try:
                pickle.loads(dumped(value))
                kept[name] = value
            except Exception:
                continue
        return _put_together, (type(self._error), self._error.args, kept)


def _put_together(kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(attributes)
    return error
