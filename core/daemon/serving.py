"""What stands behind `my_flow.serve(…)` and `my_flow.deploy(…)`: the daemon is asked, and a process waits with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon.client import Client, DaemonSilent, NoDaemon
from flowctl.core.daemon.occurrences import describe
from flowctl.core.daemon.protocol import Fields
from flowctl.core.engine.loading import flows_in
from flowctl.store.home import Home
from flowctl.store.plan_records import ScheduleKind
from flowctl.store.problems import StoreError
from flowctl.store.states import StateType
from flowctl.store.text import safe_text

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.requested_runs import RequestedRun
    from flowctl.core.authoring.serving import Deployable

#: A daemon that went away is looked for again after so long.
_AGAIN_S: Final = 1.0
#: Runs that are looked at when something changed.
_LATEST: Final = 20


class FlowNotFindable(FlowctlError):
    """A flow cannot be deployed, since another process could not find it."""


class DaemonServer:
    """Deploys flows with the daemon of the home, which is started where there is none."""

    def deploy(self, deployables: Sequence[Deployable]) -> None:
        """Make the deployments and tell of them."""
        with Client.connect(Home.default()) as client:
            for deployable in deployables:
                _tell(deployable, client.ask("deploy", **fields_of(deployable, origin="code")))

    def serve(self, deployables: Sequence[Deployable], *, pause_on_shutdown: bool) -> None:
        """Make the deployments, show their runs until Ctrl-C or SIGTERM, then pause them."""
        wanted = [fields_of(deployable, origin="serve") for deployable in deployables]
        over = threading.Event()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda _number, _frame: over.set())
            signal.signal(signal.SIGINT, _ending(over))
        with Client.connect(Home.default()) as client:
            for deployable, fields in zip(deployables, wanted, strict=True):
                _tell(deployable, client.ask("deploy", **fields))
        _say("Serving; Ctrl-C ends it" + (" and pauses the schedules." if pause_on_shutdown else "."))
        threading.Thread(target=_watch, args=(wanted, over), name="flowctl serve", daemon=True).start()
        try:
            # In pieces: a wait without end cannot be interrupted on every system.
            while not over.wait(3600):
                pass
        finally:
            if pause_on_shutdown:
                _pause([str(fields["name"]) for fields in wanted])

    def run(
        self,
        name: str,
        parameters: dict[str, Any],
        *,
        at: datetime | None,
        run_name: str | None,
        tags: list[str],
        key: str | None,
        timeout_s: float | None,
    ) -> RequestedRun:
        """Ask for a run of a deployment."""
        from flowctl.core.daemon.requesting import request_run

        return request_run(name, parameters, at=at, run_name=run_name, tags=tags, key=key, timeout_s=timeout_s)


def fields_of(deployable: Deployable, *, origin: str) -> Fields:
    """Write a deployment as the daemon is asked for it: the flow by file and name, with this process's surroundings."""
    flow = deployable.flow
    file, attribute = _place_of(flow)
    return {
        "name": deployable.name,
        "flow": attribute,
        "flow_name": flow.name,
        "file": file,
        "python": sys.executable,
        "cwd": os.getcwd(),
        "path0": None,
        "parameters": deployable.parameters,
        "tags": deployable.tags,
        "description": deployable.description,
        "paused": deployable.paused if deployable.paused is not None or origin == "code" else False,
        "run_limit": deployable.limit,
        "overlap": deployable.overlap,
        "origin": origin,
        "parameter_schema": flow.parameters,
        "schedules": [schedule.plain() for schedule in deployable.schedules],
    }


def _place_of(flow: Flow[..., Any]) -> tuple[str, str]:
    """Find the file of a flow, and its name there."""
    module = sys.modules.get(getattr(flow.fn, "__module__", "") or "")
    file = flow.file
    if module is None or file is None or not os.path.isfile(file):
        raise FlowNotFindable(
            f"The flow {flow.name!r} is in no file (it was typed in, or made by a string), so no other process can run "
            "it. Put it into a file."
        )
    for found in flows_in(module):
        # A copy made by with_options is another object, and its options are those of the file when it runs.
        if found.flow is flow or found.flow.fn is flow.fn:
            return os.path.realpath(file), found.attribute
    raise FlowNotFindable(
        f"The flow {flow.name!r} was made inside a function ({flow.fn.__qualname__}), so no other process can find it. "
        "Move it to the top of its file."
    )


def _left_out(deployable: Deployable) -> str:
    """Say which options are not heeded, and why; empty where all are."""
    by_reason: dict[str, list[str]] = {}
    for name, why in deployable.left_out:
        by_reason.setdefault(why, []).append(name)
    said = "; ".join(f"{', '.join(names)}: {why}" for why, names in by_reason.items())
    return f"  Not heeded: {said}." if said else ""


def _tell(deployable: Deployable, answer: Fields) -> None:
    _say(_told(deployable, answer))
    if said := _left_out(deployable):
        _say(said)


def _told(deployable: Deployable, answer: Fields) -> str:
    times = ", ".join(
        describe(ScheduleKind(schedule.kind), schedule.expression, schedule.timezone)
        for schedule in deployable.schedules
    )
    how = times or f"runs when asked: flowctl deployment run {deployable.name}"
    verb = "Deployed" if answer.get("is_new") else "Updated"
    return f"{verb} {deployable.name}: {how}{', paused' if answer.get('paused') else ''}."


def _watch(wanted: Sequence[Fields], over: threading.Event) -> None:
    """Tell of runs as they change; find the daemon again when it was gone for a while."""
    teller = _Teller({str(fields["flow_name"]) for fields in wanted})
    teller.tell(is_first=True)
    while not over.is_set():
        try:
            with Client.connect(Home.default()) as client:
                for fields in wanted:
                    client.ask("deploy", **{**fields, "paused": None})
                client.ask("subscribe")
                while not over.is_set():
                    teller.tell()
                    client.news()
        except (DaemonSilent, NoDaemon, StoreError, FlowctlError, OSError) as error:
            if not over.is_set():
                _say(f"{error} Trying again.")
                over.wait(_AGAIN_S)


class _Teller:
    """Knows which states of runs have been told."""

    def __init__(self, flow_names: set[str]) -> None:
        self._flow_names = flow_names
        self._states: dict[str, str] = {}

    def tell(self, *, is_first: bool = False) -> None:
        from flowctl.store.queries import Reader

        with Reader.open(Home.default()) as reader:
            for name in self._flow_names:
                for run in reversed(reader.runs(flow=name, limit=_LATEST)):
                    before = self._states.get(run.id)
                    self._states[run.id] = run.state_name
                    if before != run.state_name and not is_first and run.state_type is not StateType.PENDING:
                        message = f"  {run.message}" if run.message and run.is_final else ""
                        _say(f"{time.strftime('%H:%M:%S')} {run.flow_name}/{run.name} {run.state_name}{message}")


def _ending(over: threading.Event) -> Any:  # a signal handler, of any of the kinds there are
    def end(number: int, _frame: FrameType | None) -> None:
        if over.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        over.set()

    return end


def _pause(names: Sequence[str]) -> None:
    try:
        with Client.connect(Home.default(), start=False) as client:
            for name in names:
                client.ask("deployment_pause", deployment=name)
    except FlowctlError as error:
        _say(f"The schedules could not be paused: {error}")
        return
    _say(f"Paused: {', '.join(names)}.")


def _say(text: str) -> None:
    try:
        sys.stderr.write(safe_text(text, keep_newlines=False) + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody listens
