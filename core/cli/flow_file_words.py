"""How a flow file is shown: which version serves since when, and what is wrong, with lines, caret and difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.text import Text

from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.palette import OK, PROBLEM, QUIET, is_plain
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago, iso
from flowctl.store.file_records import FlowFileRow


def file_line(file: FlowFileRow, now: datetime) -> Text:
    """Write a file in one line: its flows, the version that serves, since when."""
    good, bad = ("+", "x") if is_plain() else ("✓", "✗")
    mark = (f"  {good} ", OK) if file.problem is None else (f"  {bad} ", PROBLEM)
    names = ", ".join(str(flow["name"]) for flow in file.flows) or "no flows"
    line = Text.assemble(mark, safe(short_path(file.path)), safe(f"  {names}", QUIET))
    return line.append(f"  {serving_words(file, now)}", QUIET) if file.version else line


def serving_words(file: FlowFileRow, now: datetime) -> str:
    """Say which version of a file serves: `v3, loaded 2m ago in 41 ms`."""
    since = "" if file.loaded_at is None else f", loaded {ago(file.loaded_at, now)}"
    if file.is_old_version_serving:
        return f"v{file.version} still serves{since}"
    took = "" if file.import_s is None else f" in {_length(file.import_s)}"
    return f"v{file.version}{since}{took}"


def problem_lines(file: FlowFileRow) -> Iterator[Text]:
    """Write what is wrong with a file: place, lines with caret, what was changed since it was right."""
    problem: dict[str, Any] | None = file.problem
    if problem is None:
        return
    place = f"{short_path(str(problem.get('file')))}:{problem['line']}  " if problem.get("line") else ""
    kind = str(problem.get("kind", ""))
    yield Text.assemble(safe(place, "bold"), (f"{kind}: ", PROBLEM), safe_block(problem.get("message", "")))
    if problem.get("lines"):
        yield from _excerpt(problem)
    else:
        yield from (Text("  ").append_text(safe(line)) for line in str(problem.get("code") or "").splitlines())
    for other in problem.get("more") or ():
        where = f"{short_path(str(problem.get('file')))}:{other['line']}  " if other.get("line") else ""
        yield Text.assemble(safe(where, "bold"), (f"{kind}: ", PROBLEM), safe_block(other["message"]))
    if differences := str(problem.get("diff") or "").splitlines()[2:]:
        yield Text(f"what was changed since v{file.version}", QUIET)
        for line in differences:
            style = {"+": OK, "-": PROBLEM}.get(line[:1], QUIET)
            yield Text("  ").append_text(safe(line, style))


def _excerpt(problem: dict[str, Any]) -> Iterator[Text]:
    """Write the lines around a place, the one that is meant marked, with a caret under the words that are."""
    lines: list[tuple[int, str]] = problem["lines"]
    width = len(str(lines[-1][0]))
    bar, pointer = ("|", ">") if is_plain() else ("│", "▸")
    for number, text in lines:
        is_it = number == problem["line"]
        text = text.expandtabs(4) if problem.get("caret") is None else text.replace("\t", " ")
        yield Text.assemble(
            (f"{pointer if is_it else ' '} {number:>{width}} {bar} ", PROBLEM if is_it else QUIET),
            safe(text, "" if is_it else QUIET),
        )
        if is_it and problem.get("caret"):
            start, end = problem["caret"]
            caret = f"{' ' * start}{'^' * max(end - start, 1)}"
            yield Text.assemble((f"  {' ' * width} {bar} ", QUIET), (caret, PROBLEM))


def file_json(file: FlowFileRow) -> dict[str, object]:
    """Give a flow file as JSON has it."""
    return {
        "path": file.path,
        "is_there": file.hash is not None,
        "checked_at": iso(file.checked_at),
        "changed_at": iso(file.changed_at),
        "version": file.version,
        "loaded_at": iso(file.loaded_at),
        "import_s": file.import_s,
        "is_old_version_serving": file.is_old_version_serving,
        "flows": file.flows,
        "tasks": file.tasks,
        "modules": file.modules,
        "problem": file.problem,
    }


def _length(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
