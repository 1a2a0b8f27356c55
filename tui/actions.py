"""What screens ask of the daemon: the request, whether it can be made at all, and what to do where it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.store.home import Home
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import Pulse

if TYPE_CHECKING:
    from flowctl.core.daemon.client import Client

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


class Answer(NamedTuple):
    """What the daemon says to a request."""

    #: Why it was refused, or could not be asked.
    problem: str | None
    fields: Mapping[str, object]


class Actions:
    """Requests of one home's daemon; they are made in a thread, since the answer may take its time."""

    def __init__(self, home: Home, *, is_allowed: bool) -> None:
        self._home = home
        self._is_allowed = is_allowed

    @property
    def is_allowed(self) -> bool:
        """Whether anything may be asked at all."""
        return self._is_allowed

    def why_not(self, verb: str, pulse: Pulse | None, name: str = "RUN") -> str | None:
        """Say why a request cannot be made now; None: it can."""
        if not self._is_allowed:
            return f"{verb} asks the daemon, and --no-daemon says only to look.{self._by_hand(verb, name)}"
        if pulse is None or pulse.daemon_pid is None:
            return f"{verb} needs the daemon: `flowctl daemon start`.{self._by_hand(verb, name)}"
        return None

    def ask(self, verb: str, targets: Sequence[Target], **fields: object) -> list[Outcome]:
        """Ask the daemon about some runs, one after the other; called in a thread."""
        from flowctl.core.daemon.client import Client

        outcomes: list[Outcome] = []
        try:
            with Client.connect(self._home, start=False) as client:
                outcomes.extend(_ask(client, verb, target, fields) for target in targets)
        except (FlowctlError, OSError) as error:
            # Whatever was not reached is told in one sentence.
            outcomes.append(Outcome(False, str(error)))
        return outcomes

    def send(self, verb: str, fields: Mapping[str, object]) -> Answer:
        """Ask the daemon for something; called in a thread."""
        from flowctl.core.daemon.client import Client

        try:
            with Client.connect(self._home, start=False) as client:
                return Answer(None, client.ask(verb, **fields))
        except (FlowctlError, OSError) as error:
            return Answer(str(error), {})

    def start_daemon(self) -> Outcome:
        """Start the daemon; called in a thread."""
        from flowctl.core.daemon.client import is_running, start_daemon

        try:
            if is_running(self._home):
                return Outcome(True, "the daemon is running")
            pid = start_daemon(self._home)
        except (FlowctlError, OSError) as error:
            return Outcome(False, str(error))
        return Outcome(True, f"started the daemon, process {pid}")

    def _by_hand(self, verb: str, name: str) -> str:
        command = _BY_HAND.get(verb)
        return f" By hand: `{command.format(name=name)}`" if command else ""


def _ask(client: Client, verb: str, target: Target, fields: Mapping[str, object]) -> Outcome:
    about: dict[str, object] = {"ids": [target.run_id]} if verb == "delete" else {"run_id": target.run_id}
    if verb != "delete" and target.state_version >= 0:
        # The daemon refuses what was overtaken since the person looked.
        about["state_version"] = target.state_version
    from flowctl.core.daemon.client import Refused

    try:
        answer = client.ask(verb, **about, **fields)
    except Refused as refused:
        return Outcome(False, refused.message)
    name = answer.get("name")
    if verb == "rerun" and isinstance(name, str):
        return Outcome(True, f"{target.name} runs again as {name}")
    return Outcome(True, f"{_DONE.get(verb, verb)} {target.name}")


_DONE: Final = {
    "cancel": "asked to cancel",
    "kill": "killed",
    "pause": "asked to pause",
    "resume": "resumed",
    "retry_now": "waking the tasks of",
    "retry": "retrying",
    "rerun": "running again",
    "skip_task": "skipping in",
    "delete": "deleted",
    "run": "started",
}
