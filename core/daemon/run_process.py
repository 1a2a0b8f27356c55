"""The run process of a run that the daemon starts: makes itself at home, finds the flow, has it carried out."""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import os
import resource
import signal
import sys
from datetime import datetime
from typing import Any, Final, NoReturn

from flowctl.core.authoring import runtime
from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon import processes
from flowctl.core.daemon.endings import NOT_YET
from flowctl.core.daemon.framing import Message
from flowctl.core.engine import local_code
from flowctl.core.engine.launch import LIKE, launch, like_another, look_back, relaunch
from flowctl.core.engine.loading import load_file, load_module, pick_flow
from flowctl.core.engine.root import Announced, RootRun
from flowctl.core.engine.run_output import RunOutput
from flowctl.core.engine.unstarted import record_unstarted
from flowctl.store import source_versions
from flowctl.store.home import Home
from flowctl.store.output import output_path
from flowctl.store.states import StateType

#: Exit statuses, as those of `flowctl run`; the fork server kills what is left of runs that end otherwise than well.
_STATUS: Final = {StateType.COMPLETED: 0, StateType.FAILED: 1, StateType.CRASHED: 3, StateType.CANCELLED: 4}
#: The run could not be begun: what stands on stderr says why.
NOT_BEGUN: Final = 2
_PASSING: Final = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
#: flowctl itself could not go on: a full disk, a defect.
BROKEN_OFF: Final = 70
#: The daemon's own is stricter, and the user's files are not the daemon's.
_UMASK: Final = 0o022
#: What a service manager tells the daemon alone.
_DAEMONS_OWN: Final = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "INVOCATION_ID")


def be_run(plan: Message) -> int:
    """Carry out the run of a plan in this process, from its first step to its end; return the exit status."""
    run_id, attempt = plan["run_id"], plan["attempt"]
    try:
        _make_at_home(plan)
        recorded = look_back(run_id) if attempt > 1 else None
        root = RootRun(
            start=plan.get("file") or plan.get("cwd"), recorded=recorded, announced=Announced(run_id, plan["lock"])
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the daemon reads it from stderr
        # Not by `sys.stderr`, which would keep what a full disk does not take, and fail once more at the exit.
        with contextlib.suppress(OSError):
            os.write(2, f"{error}\n".encode(errors="backslashreplace"))
        cause = error if isinstance(error, OSError) else error.__cause__
        return NOT_YET if isinstance(cause, OSError) and cause.errno in _PASSING else NOT_BEGUN
    root.console = None
    root.slots = frozenset(name for name, _ in plan.get("slots") or ())
    root.output = RunOutput(root)
    opened = root.journal.next_sequence
    try:
        # Whoever cancelled the run in the meantime is heard here.
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        _go_where_the_flow_is(plan)
        if recorded is not None:
            ended = relaunch(run_id, opened=root)
        else:
            flow = _flow_of(plan)
            ended = launch(flow, like_another(plan["arguments"]), name=plan["name"], tags=plan["tags"], opened=root)
        return _STATUS[ended.state.type]
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the edge around the user's file
        if root.journal.next_sequence > opened:
            sys.excepthook(type(error), error, error.__traceback__)
            return BROKEN_OFF
        return _STATUS[_unstarted(plan, root, error)]


def main() -> NoReturn:
    """Be the run process that an interpreter was started for; the plan comes on stdin."""
    import msgpack

    plan: Message = msgpack.unpackb(sys.stdin.buffer.read(), unicode_errors="surrogatepass", strict_map_key=False)
    sys.exit(be_run(plan))


def _make_at_home(plan: Message) -> None:
    """Leave behind what belongs to the process that this one comes from."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(_UMASK)
    _take_streams(plan)
    # The lock and the slots alone are meant for this process.
    first = 3
    for descriptor in sorted((plan["lock"], *plan["held"])):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1024))
    if descriptors := plan.get("descriptors"):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(descriptors, hard) if hard >= 0 else descriptors, hard))
    if "random" in sys.modules:
        sys.modules["random"].seed()
    for name in _DAEMONS_OWN:
        os.environ.pop(name, None)
    faulthandler.enable()
    processes.name_this("flowctl-run")


def _take_streams(plan: Message) -> None:
    """Have the output of this process and of all below it go to files of the run."""
    folder = Home.default().run_folder(plan["run_id"])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    for number, stream in ((1, "stdout"), (2, "stderr")):
        descriptor = os.open(output_path(folder, stream, plan["attempt"]), flags, 0o600)
        os.dup2(descriptor, number)
        if descriptor != number:
            os.close(descriptor)
        open_stream: Any = getattr(sys, stream)
        open_stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _go_where_the_flow_is(plan: Message) -> None:
    sys.argv = [plan.get("file") or plan.get("module") or ""]
    if cwd := plan.get("cwd"):
        try:
            os.chdir(cwd)
        except OSError as error:
            raise FolderGone(cwd, error.strerror or str(error)) from error
    if deployment := plan.get("deployment"):
        runtime.deployment.id, runtime.deployment.name = str(deployment["id"]), deployment["name"]
        runtime.deployment.parameters = plan["arguments"]
    if scheduled_for := plan.get("scheduled_for"):
        runtime.flow_run.due = datetime.fromisoformat(scheduled_for)
    path0 = plan.get("path0")
    if path0 is not None and sys.path[:1] != [path0]:
        sys.path.insert(0, path0)
    if (source := plan.get("source")) and (file := plan.get("file")):
        # The file may be broken, changed or gone by now; the run keeps to what it was planned with.
        local_code.keep_to(local_code.roots_of(file), source_versions.unpack(source) or {file: source})


def _flow_of(plan: Message) -> Any:
    """Load the flow, which is the first of the user's code to run here."""
    if file := plan.get("file"):
        return pick_flow(load_file(file), plan["flow"], file)
    return pick_flow(load_module(plan["module"]), plan["flow"], plan["module"])


def _unstarted(plan: Message, root: RootRun, error: BaseException) -> StateType:
    created = None if root.recorded is None else root.recorded.created
    if created is not None:
        name, flow_name, tags, source = created.name, created.flow_name, created.tags, created.source
    else:
        name, flow_name, tags = plan["name"], plan["flow_name"], plan["tags"]
        source = {key: plan.get(key) for key in ("file", "flow", "module", "cwd", "path0")}
        source.update(script=False, line=None, python=sys.executable, argv=sys.argv)
    arguments = {parameter: value for parameter, value in plan["arguments"].items() if parameter != LIKE}
    state = record_unstarted(root, error, name=name, flow_name=flow_name, arguments=arguments, tags=tags, source=source)
    return state.type


class FolderGone(FlowctlError):
    """The folder in which a deployment's flows run cannot be entered."""

    def __init__(self, folder: str, problem: str) -> None:
        super().__init__(f"The working folder {folder} cannot be entered: {problem}. Make it, or deploy the flow anew.")
