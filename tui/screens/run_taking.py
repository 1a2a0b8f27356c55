"""What can be copied of a run or a task, and which line of its source the editor opens."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Final

from flowctl.store.errors import ErrorReport
from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.texts import grouped
from flowctl.tui.screens.error_lines import traceback_text
from flowctl.tui.screens.taking import SourcePlace, Yank

#: Of more runs a command is longer than a shell takes.
_MOST_NAMED: Final = 1000


def run_yanks(run: FlowRunRow) -> dict[str, Yank]:
    """Offer the id, the parameters, a line about the run, its traceback, and the command that shows it."""
    yanks = {
        "i": Yank("id", run.id),
        "p": Yank("parameters", json.dumps(run.parameters, default=str, ensure_ascii=False)),
        "l": Yank("line", f"{run.state_name} {run.flow_name} {run.name} {run.id}"),
        "c": Yank("command", f"flowctl runs show {run.id[:8]}"),
    }
    if run.error is not None:
        yanks["t"] = Yank("traceback", traceback_text(run.error))
    command = run_command(run)
    if command:
        yanks["r"] = Yank("run command", command)
    return yanks


def marked_yanks(targets: Sequence[Target]) -> dict[str, Yank]:
    """Offer what there is to copy of several runs."""

    def lines() -> str:
        return "\n".join(f"{each.word} {each.flow_name} {each.name} {each.run_id}" for each in targets)

    yanks = {
        "i": Yank(f"{grouped(len(targets))} ids", lambda: "\n".join(each.run_id for each in targets)),
        "l": Yank("lines", lines),
    }
    if len(targets) <= _MOST_NAMED:
        yanks["c"] = Yank("command", f"flowctl runs retry {' '.join(each.run_id[:8] for each in targets)}")
    return yanks


def task_yanks(task: TaskRunRow, run_id: str, error: ErrorReport | None) -> dict[str, Yank]:
    """Offer what there is of a task run."""
    yanks = {
        "i": Yank("id", task.id),
        "p": Yank("inputs", task.inputs),
        "l": Yank("line", f"{task.state_name} {task.task_name} {task.name} {task.id}"),
        "c": Yank("command", f"flowctl runs show {run_id[:8]}"),
    }
    if task.value is not None:
        yanks["v"] = Yank("result", task.value)
    if error is not None:
        yanks["t"] = Yank("traceback", traceback_text(error))
    return yanks


def run_command(run: FlowRunRow) -> str | None:
    """Write the command that would run the flow so again."""
    file, flow = run.source.get("file"), run.source.get("flow")
    if not isinstance(file, str) or not isinstance(flow, str):
        return None
    words = ["flowctl", "run", f"{file}:{flow}"]
    if run.parameters:
        words += ["--params-json", json.dumps(run.parameters, default=str, ensure_ascii=False)]
    return shlex.join(words)


def edit_place(run: FlowRunRow) -> SourcePlace | None:
    """Find where the run failed, else where its flow stands."""
    if run.error is not None and (place := error_place(run.error)) is not None:
        return place
    file, line = run.source.get("file"), run.source.get("line")
    if not isinstance(file, str) or not file.startswith("/"):
        return None
    return SourcePlace(file, line if isinstance(line, int) else 1)


def error_place(error: ErrorReport | None) -> SourcePlace | None:
    """Find the last line in the user's own code that an error came through."""
    frame = None if error is None else error.own_frame
    if frame is None or not frame.file.startswith("/"):
        return None
    return SourcePlace(frame.file, frame.line)
