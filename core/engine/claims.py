"""What calls of a run's next attempt may claim of its record: each completed call once, by the call that is the same.

The same call has the same parent, task and inputs; where those are equal for several, order decides. Inputs without an
identity that lasts, and those that were hashed in part, are told by their place among the parent's calls alone. Places
mean something only as long as the parent does again what it did: up to the first outcome that is new to it.
"""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.exceptions import FlowChanged, ResultMissing
from flowctl.core.authoring.runs import TaskRun
from flowctl.core.engine.digests import SIZE
from flowctl.core.engine.keeping import Kept, is_reused
from flowctl.core.engine.results import load

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun

#: Where a call stands: the path of its parent, what was called, with which arguments, and which of equal calls it is.
Path = tuple[Any, ...]
#: Which of equal calls: its position among its parent's calls, or, where that may vary, the how many-th it is.
Which = Any


class Call:
    """A call on record."""

    __slots__ = ("attempt", "path", "result", "seen")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result: list[Any] | None = None
        #: The attempt that made the result.
        self.attempt = 0
        #: The last try of its parent that made this call.
        self.seen = 0


def is_exact(digest: Any) -> bool:
    """Tell whether a digest stands for the whole of the inputs."""
    return digest is not None and (not isinstance(digest, bytes) or len(digest) == SIZE)


class Claims:
    """The calls on record that are not claimed yet."""

    def __init__(self, folder: str, attempt: int, main_module: str | None, *, checks_order: bool) -> None:
        #: The newest attempt on record.
        self.attempt = attempt
        #: The module that stands for `__main__` of a script when results are unpickled.
        self.main_module = main_module
        #: The run's folder.
        self.folder = folder
        self._checks_order = checks_order
        #: Parent's path, kind and digest -> calls: which of equal calls -> the call, in their order.
        self._calls: dict[Path, dict[Which, Call]] = {}
        #: Parent's path -> its calls' keys in `_calls`; made when a part is asked for.
        self._below: dict[Path, list[Path]] | None = None
        #: Parent's path -> task keys by position.
        self._order: dict[Path, dict[int, str]] = {}
        #: Parent's path -> the position from which its calls may differ from those on record.
        self._free_from: dict[Path, int] = {}
        self._lock = allocate_lock()

    def add(self, call: Call) -> None:
        """Let a call on record be claimed."""
        self._calls.setdefault(call.path[:-1], {})[call.path[-1]] = call

    def expect(self, parent: Path, order: dict[int, str]) -> None:
        """Say which tasks a parent called at which positions."""
        self._order[parent] = order

    def claim_task(self, run: TaskRun) -> Kept | None:
        """Give the value on record for this call, and let its own calls find their records."""
        parent = run.parent or run.flow_run
        kept = self._claim(run, (parent.path, run.task.task_key, run.digest), run.position)
        if kept is None and run.task.isgenerator:
            self._set_free(parent)  # its consumer gets new values long before it ends
        return kept

    def claim_flow(self, run: FlowRun) -> Kept | None:
        """Give the value on record for this subflow call."""
        parent = run.parent_task or run.parent
        if parent is None or run.flow is None:
            return None
        from flowctl.core.engine.previews import parameters_json

        text = parameters_json(run.parameters, run.root.settings.secret_names)
        return self._claim(run, (parent.path, "flow " + run.flow.name, text), None)

    def check_order(self, parent: FlowRun | TaskRun, task_key: str, position: int | None, root: Any) -> None:
        """Raise `FlowChanged` when earlier attempts called something else here, with the same outcomes before it."""
        if position is None or not self._checks_order or parent.path is None:
            return
        known = self._order.get(parent.path, {}).get(position)
        if known is None or known == task_key or position >= self._free_from.get(parent.path, position + 1):
            return
        error = FlowChanged(
            f"The flow changed since attempt {self.attempt}: call {position + 1} of {parent.name!r} was task {known!r} "
            f"then and is {task_key!r} now, though nothing before it differed. Undo the change, run the flow anew, or "
            "go on regardless with `flowctl runs retry --anyway`, which reuses calls with equal inputs."
        )
        root.broken = error
        raise error

    def take_note(self, run: FlowRun | TaskRun) -> None:
        """Take note that a run ended: a new outcome may lead its parent to other calls than those on record."""
        if not is_reused(run.state.name, run.state.message):
            parent = (run.parent or run.flow_run) if isinstance(run, TaskRun) else (run.parent_task or run.parent)
            if parent is not None:
                self._set_free(parent)

    def part(self, path: Path | None) -> Claims | None:
        """Give what is on record below a call, for a process of its own; None where that is nothing."""
        if path is None:
            return None
        with self._lock:
            if self._below is None:
                self._below = {}
                for key in self._calls:
                    self._below.setdefault(key[0], []).append(key)
            if path not in self._below:
                return None
            part = Claims(self.folder, self.attempt, self.main_module, checks_order=self._checks_order)
            parents = [path]
            for parent in parents:
                if parent in self._order:
                    part._order[parent] = self._order[parent]
                for key in self._below.get(parent, ()):
                    part._calls[key] = dict(self._calls[key])
                    parents += [call.path for call in self._calls[key].values()]
            return part

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = allocate_lock()

    def _set_free(self, parent: FlowRun | TaskRun) -> None:
        if parent.path is not None:
            self._free_from.setdefault(parent.path, parent.calls)

    def _claim(self, run: FlowRun | TaskRun, key: Path, position: int | None) -> Kept | None:
        if key[0] is None:
            return None
        with self._lock:
            calls = self._calls.get(key)
            call = None
            if is_exact(key[-1]):
                if calls:  # equal calls stand for each other
                    call = calls.pop(position if position in calls else next(iter(calls)))
            elif (
                calls
                and position in calls
                and self._checks_order
                and position < self._free_from.get(key[0], position + 1)  # type: ignore[operator]  # None is not in it
            ):
                call = calls.pop(position)
        if call is None:
            # New in this attempt; its own calls are new as well.
            run.path = None
            return None
        run.path = call.path
        if call.result is None:
            return None
        try:
            value = load(call.result, folder=f"{self.folder}/results", main_module=self.main_module)
        except ResultMissing:
            return None
        return Kept(value, call.result, call.attempt)
