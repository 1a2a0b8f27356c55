"""The plain display in continuous integration: collapsible sections, and an annotation at the user's own line.

GitHub reads workflow commands (`::error …`) out of the log. All that comes from a flow stands behind a time or a
bar, so it never begins a line; the older form `##[…]`, which counts anywhere in a line, is torn apart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from flowctl.core.cli.display_groups import Run, problems_below
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_plain import Plain
from flowctl.core.cli.display_problems import is_consequence, problem_text
from flowctl.core.cli.display_words import Line
from flowctl.store.journal import FlowRunCreated, Record
from flowctl.store.text import safe_text

#: GitHub shows ten annotations of a kind for each step.
_MOST_ANNOTATIONS = 10


class GitHub(Plain):
    """Plain lines in one group, annotations and the summary after it."""

    def observe(self, record: Record, run: Run | None) -> None:
        if isinstance(record, FlowRunCreated) and record.run == 0 and not self.is_quiet:
            self._command(f"::group::flow {_data(record.flow_name)}/{_data(record.name)}")
        super().observe(record, run)

    def write(self, line: Line) -> None:
        super().write([(text.replace("##[", "## ["), style) for text, style in line])

    def end(self, now: float, summary: list[Line]) -> None:
        if not self.is_quiet:
            for group in list(self._moved):
                self._progress(group, now)
            self._command("::endgroup::")
        for annotation in error_annotations(self.model):
            self._command(annotation)
        # A summary line may begin with what a flow said: two spaces do not keep GitHub from reading a command.
        super().end(now, [self._guarded(line) for line in summary])

    def _guarded(self, line: Line) -> Line:
        text = "".join(piece for piece, _ in line).lstrip()
        return [(f"{self.bar} ", "dim"), *line] if text.startswith("::") else line

    def _command(self, text: str) -> None:
        self._lines.append(text + "\n")


class GitLab(Plain):
    """Plain lines in one section, the summary after it."""

    def observe(self, record: Record, run: Run | None) -> None:
        if isinstance(record, FlowRunCreated) and record.run == 0 and not self.is_quiet:
            self._section("start", f"flow {safe_text(record.flow_name, keep_newlines=False)}")
        super().observe(record, run)

    def end(self, now: float, summary: list[Line]) -> None:
        if not self.is_quiet:
            for group in list(self._moved):
                self._progress(group, now)
            self._section("end", "")
        super().end(now, summary)

    def _section(self, edge: str, title: str) -> None:
        name = f"flowctl_{self.model.run_id[:8]}"
        self._lines.append(f"\x1b[0Ksection_{edge}:{int(time.time())}:{name}\r\x1b[0K{title}\n")


def error_annotations(model: RunModel) -> Iterator[str]:
    """Give the `::error` of the run, and of the tasks that failed with errors of their own."""
    from flowctl.core.cli.display_errors import own_place
    from flowctl.store.errors import ErrorReport

    seen: set[tuple[object, str]] = set()
    state = model.state
    found: list[tuple[dict[str, Any] | None, str, str]] = []
    for problem in problems_below(model.root):
        if problem.error and not is_consequence(problem.error):
            found.append((problem.error, f"task {problem.run_name}", problem.text))  # noqa: PERF401 - of two types
    is_told = bool(found) and state is not None and state.error is not None and is_consequence(state.error)
    if state is not None and state.type in ("FAILED", "CRASHED") and not is_told:
        found.insert(0, (state.error, f"flow {model.root.name}", problem_text(state.error, state.message)))
    for error, who, text in found:
        place = own_place(ErrorReport.from_plain(error)) if error else None
        if (place, text) in seen or len(seen) >= _MOST_ANNOTATIONS:
            continue
        seen.add((place, text))
        where = f"file={_property(_in_workspace(place[0]))},line={place[1]}," if place else ""
        yield f"::error {where}title={_property(who + ' failed')}::{_data(text)}"


def _in_workspace(path: str) -> str:
    """GitHub marks files by their path in the repository."""
    from pathlib import Path

    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    full = Path(path).absolute()
    return str(full.relative_to(root)) if full.is_relative_to(root) else path


def _data(text: str) -> str:
    return safe_text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
