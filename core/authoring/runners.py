"""Task runners: where submitted tasks run. They only say what is wanted; the engine does it."""

from __future__ import annotations


class TaskRunner:
    """A choice of where submitted tasks run, and how many at once."""

    __slots__ = ("max_workers",)

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"max_workers must be 1 or more, not {max_workers}.")
        #: None: the setting `task_workers` (threads), or the number of processors (processes).
        self.max_workers = max_workers

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_workers={self.max_workers})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskRunner) and type(other) is type(self) and self.max_workers == other.max_workers

    def __hash__(self) -> int:
        return hash((type(self), self.max_workers))

    def duplicate(self) -> TaskRunner:
        return type(self)(self.max_workers)


class ThreadPoolTaskRunner(TaskRunner):
    """Run submitted tasks in threads of the run process; the default."""

    __slots__ = ()


class ProcessPoolTaskRunner(TaskRunner):
    """Run submitted tasks in processes of their own; arguments and results are pickled."""

    __slots__ = ()


#: The name that older Prefect files use.
ConcurrentTaskRunner = ThreadPoolTaskRunner
