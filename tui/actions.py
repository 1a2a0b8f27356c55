"""What screens ask of the daemon: the request, whether it can be made at all, and what to do where it cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.store.home import Home
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import Pulse

if TYPE_CHECKING:
    from flowctl.core.daemon.client import Client

#: A daemon that says nothing for so long is said to, and one that does for longer is waited for no more.
SILENT_S: Final = 2.0
PATIENCE_S: Final = 10.0
#: So long does whoever leaves wait for what is still to be done.
_PARTING_PATIENCE_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.01
#: Verb -> what it is called where it cannot be done; else by itself.
_CALLED: Final = {
    "retry_now": "to retry now",
    "skip_task": "to skip a task",
    "deployment_pause": "to switch a schedule off",
    "deployment_resume": "to switch a schedule on",
    "schedule_toggle": "to switch a schedule on",
    "deployment_backfill": "to backfill",
    "watch_add": "to watch",
    "watch_reload": "to reload",
}
#: What a person says instead, while there is no daemon.
_BY_HAND: Final = {
    "retry": "flowctl runs retry {name}",
    "delete": "flowctl runs delete {name}",
    "run": "flowctl run FILE.py:FLOW",
}


class Outcome(NamedTuple):
    """What came of a request, in a sentence."""

    is_done: bool
    message: str
    #: The run that it was about.
    target: Target | None = None


class Answer(NamedTuple):
    """What the daemon says to a request."""

    #: Why it was refused, or could not be asked.
    problem: str | None
    fields: Mapping[str, object]


class Actions:
    """Requests of one home's daemon; they are made in a thread, since the answer may take its time."""

    def __init__(
        self, home: Home, *, is_allowed: bool, option: str = "--no-daemon", patience_s: float = PATIENCE_S
    ) -> None:
        self._home = home
        self._is_allowed = is_allowed
        #: Of the command line, where it forbids to ask.
        self.option = option
        self._lock = threading.Lock()
        #: Connection -> since when the answer is waited for.
        self._waiting: dict[Client, float] = {}
        self._patience_s = patience_s

    @property
    def is_allowed(self) -> bool:
        """Whether anything may be asked at all."""
        return self._is_allowed

    @property
    def silent_s(self) -> float:
        """For how long the daemon has left something unanswered."""
        with self._lock:
            return time.monotonic() - min(self._waiting.values()) if self._waiting else 0.0

    def why_not(self, verb: str, pulse: Pulse | None, name: str = "RUN") -> str | None:
        """Say why a request cannot be made now; None: it can."""
        called = _CALLED.get(verb, f"to {verb}")
        if not self._is_allowed:
            return f"{called} means to ask the daemon, and {self.option} says only to look.{_by_hand(verb, name)}"
        if pulse is None or pulse.daemon_pid is None:
            return f"{called} takes the daemon, and none is running: ctrl+r starts it.{_by_hand(verb, name)}"
        return None

    def ask(self, verb: str, targets: Sequence[Target], **fields: object) -> list[Outcome]:
        """Ask the daemon about some runs, one after the other; called in a thread."""
        outcomes: list[Outcome] = []
        try:
            with self._connected() as client:
                outcomes.extend(self._ask(client, verb, target, fields) for target in targets)
        except (FlowctlError, OSError) as error:
            outcomes += [Outcome(False, str(error), target) for target in targets[len(outcomes) :]]
        return outcomes

    def send(self, verb: str, fields: Mapping[str, object]) -> Answer:
        """Ask the daemon for something; called in a thread."""
        try:
            with self._connected() as client:
                return Answer(None, self._put(client, verb, dict(fields)))
        except (FlowctlError, OSError) as error:
            return Answer(str(error), {})

    def start_daemon(self) -> Outcome:
        """Start the daemon where there is none, else see whether it answers; called in a thread."""
        from flowctl.core.daemon.client import is_running, start_daemon

        try:
            if is_running(self._home):
                answer = self.send("status", {})
                said = f"the daemon is running, process {answer.fields.get('pid')}"
                return Outcome(answer.problem is None, answer.problem or said)
            pid = start_daemon(self._home)
        except (FlowctlError, OSError) as error:
            return Outcome(False, str(error))
        return Outcome(True, f"started the daemon, process {pid}")

    def hurry(self) -> None:
        """Wait for no answer for long any more: whoever asked is about to leave."""
        self._patience_s = min(self._patience_s, _PARTING_PATIENCE_S)

    def close(self) -> None:
        """Let what is being asked come to its end, and wait for no answer to anything that takes long."""
        while 0 < self.silent_s < _PARTING_PATIENCE_S:
            time.sleep(_LOOK_EVERY_S)
        with self._lock:
            for client in self._waiting:
                client.interrupt()

    @contextmanager
    def _connected(self) -> Generator[Client, None, None]:
        from flowctl.core.daemon.client import Client

        with Client.connect(self._home, start=False) as client:
            try:
                yield client
            finally:
                with self._lock:
                    self._waiting.pop(client, None)

    def _put(self, client: Client, verb: str, fields: dict[str, object]) -> Mapping[str, object]:
        with self._lock:
            self._waiting[client] = time.monotonic()
        return client.ask_as(token_hex(8), verb, fields, within_s=self._patience_s)

    def _ask(self, client: Client, verb: str, target: Target, fields: Mapping[str, object]) -> Outcome:
        from flowctl.core.daemon.client import Refused

        about: dict[str, object] = {"ids": [target.run_id]} if verb == "delete" else {"run_id": target.run_id}
        if verb != "delete" and target.state_version >= 0:
            # The daemon refuses what was overtaken since the person looked.
            about["state_version"] = target.state_version
        try:
            self._put(client, verb, {**about, **fields})
        except Refused as refused:
            return Outcome(False, refused.message, target)
        return Outcome(True, f"{_DONE.get(verb, verb)} {target.name}", target)


def _by_hand(verb: str, name: str) -> str:
    command = _BY_HAND.get(verb)
    return f" By hand: `{command.format(name=name)}`" if command else ""


_DONE: Final = {
    "cancel": "asked to cancel",
    "kill": "asked to kill",
    "pause": "asked to pause",
    "resume": "asked to resume",
    "retry_now": "waking the tasks of",
    "retry": "retrying",
    "skip_task": "skipping the task in",
    "delete": "deleted",
}
