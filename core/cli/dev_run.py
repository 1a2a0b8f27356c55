"""The process in which `flowctl dev` has one run of the flow; it is started ahead and waits until it is wanted.

What it has to tell goes to its parent as JSON lines: which files the run is made of, and what kept it from running.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import IO, Any, Final

#: How the parent starts it: the plan as JSON, then the descriptors to wait at and to tell to.
COMMAND: Final = "import sys; sys.path.append({folder!r}); from flowctl.core.cli.dev_run import main; sys.exit(main())"


def main() -> int:
    """Get ready, wait, load the flow, run it and show it."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    wanted, told = int(sys.argv[2]), int(sys.argv[3])
    sys.argv[:] = ["flowctl"]
    for descriptor in (wanted, told):
        os.set_inheritable(descriptor, False)
    _warm_up()
    if not os.read(wanted, 1):
        return 0  # the parent is gone
    os.close(wanted)
    with os.fdopen(told, "w", encoding="utf-8") as parent:
        try:
            # Blocked by the parent: a Ctrl-C while it waited was meant for the run before.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
            return _run(plan, parent)
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            return 141


def _warm_up() -> None:
    """Import what every run needs, so that the next one starts at once."""
    import asyncio
    import logging

    from flowctl.core.authoring import flows, futures, loggers, runtime, tasks
    from flowctl.core.cli import display, display_live, display_plain, display_streams, parameters, refusal, run
    from flowctl.core.engine import entry, launch, loading, pool, reports, timers

    if display_streams.is_live(sys.stdout):
        from flowctl.core.cli import display_paint, display_summary, display_tree

        _ = display_paint, display_summary, display_tree
    _ = asyncio, logging, flows, futures, loggers, runtime, tasks, display, display_live, display_plain
    _ = parameters, refusal, run, entry, launch, loading, pool, reports, timers


def _run(plan: dict[str, Any], parent: IO[str]) -> int:
    from flowctl.core.cli.display import show_and_wait
    from flowctl.core.cli.display_options import DisplayOptions
    from flowctl.core.cli.faults import CommandError
    from flowctl.core.cli.parameters import read_parameters
    from flowctl.core.cli.run import load, set_level
    from flowctl.core.engine import local_code
    from flowctl.core.engine.launch import launch
    from flowctl.core.engine.loading_problems import TargetProblem
    from flowctl.core.engine.settings import SettingsError

    local_code.install(plan["roots"])
    options = DisplayOptions(is_quiet=plan["quiet"], least_level=set_level(plan["log_level"]))
    try:
        flow = load(plan["target"], options)
        arguments = read_parameters(flow, plan["param"], plan["params_json"], plan["params_file"])
    except (CommandError, TargetProblem, SettingsError) as error:
        _tell(parent, problem=_lines(error))
        return 2
    _tell(parent, started=True)
    try:
        return show_and_wait(
            lambda observers: launch(flow, arguments, name=plan["name"], tags=plan["tag"], observers=observers),
            options=options,
        )
    except SettingsError as error:
        _tell(parent, problem=_lines(error))
        return 2
    finally:
        # Some modules are imported only when they are used.
        _tell(parent)


def _tell(parent: IO[str], **more: object) -> None:
    from flowctl.core.engine.local_code import loaded

    parent.write(json.dumps({"files": loaded, **more}) + "\n")
    parent.flush()


def _lines(error: Exception) -> list[Any]:
    """Write what keeps the flow from running, with the remedy that there is here: the next save."""
    from flowctl.core.cli.refusal import refusal_lines

    found: list[Any] = []
    for line in refusal_lines(error):
        for remedy, here in _REMEDIES.items():
            line = [(text.replace(remedy, here), style) for text, style in line]
        found.append(line)
    return found


_REMEDIES: Final = {
    "Nothing was run. Mend the line and run it again.": "Mend the line and save.",
    "Look at the path and the working folder.": "It runs again when the file is back.",
}
