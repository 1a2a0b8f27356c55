"""A process that has the engine imported and forks a run process for each line it reads: real ones, started fast.

A line is `HOME EFFECTS launch START SECONDS` or `HOME EFFECTS retry RUN SECONDS`: after so many seconds the process
is killed, if it still lives. It passes on what the run says, and ends with `ended STATUS`.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path

from flowctl.core.engine.launch import launch, relaunch
from flowctl.core.engine.loading import load_flow

STORY = Path(__file__).with_name("story.py")


def attempt(home: str, effects: str, verb: str, word: str) -> int:
    """Make one attempt in this process; say what came of it."""
    os.environ |= {"FLOWCTL_HOME": home, "STORY_EFFECTS": effects, "FLOWCTL_SHOW_LOG": "false"}
    ended = launch(load_flow(f"{STORY}:story"), {"start": int(word)}) if verb == "launch" else relaunch(word)
    os.write(1, f"= {ended.state.type.value} {ended.state.data!r}\n".encode())
    return 0 if ended.state.is_completed() else 1


def main() -> None:
    """Fork for each line."""
    # What a run imports on its way is imported once, before the first fork; no thread is started by that.
    for name in ("dispatch", "entry", "reports", "results", "console"):
        import_module(f"flowctl.core.engine.{name}")

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    for line in sys.stdin:
        home, effects, verb, word, seconds = line.split()
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            try:
                status = attempt(home, effects, verb, word)
            except BaseException:  # noqa: BLE001 - the test finds it in stderr
                traceback.print_exc()
                status = 9
            os._exit(status)
        if signal.sigtimedwait([signal.SIGCHLD], float(seconds)) is None:
            os.kill(child, signal.SIGKILL)
            signal.sigwait([signal.SIGCHLD])
        _, status = os.waitpid(child, 0)
        os.write(1, f"\nended {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
