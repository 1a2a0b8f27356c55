"""What stands beside a flow file: an error in its source, what was changed, its flows, the log of reloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any, Final, cast

from flowctl.store.file_records import ReloadOutcome
from flowctl.tui.model.deploys_lines import clock_of
from flowctl.tui.model.files import SLOW_S, FileFlow, FileState, ListedFile, Reload
from flowctl.tui.model.files_lines import day_or_clock, short_path
from flowctl.tui.model.form_fields import MISSING, fields_of
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span, counted, fit, round_duration, short_duration

_NAME: Final = 9
_OUTCOMES: Final = {
    ReloadOutcome.LOADED: ("completed", "completed"),
    ReloadOutcome.BROKEN: ("failed", "failed"),
    ReloadOutcome.GONE: ("failed", "failed"),
    ReloadOutcome.FAILED: ("crashed", "crashed"),
}


def problem_title(file: ListedFile, root: str) -> str:
    """Name the place of what is wrong: `crm.py:31  SyntaxError`."""
    kind = str((file.problem or {}).get("kind", ""))
    place = short_path(file.problem_file, root)
    return f"{place}:{file.problem_line}  {kind}" if file.problem_line else f"{place}  {kind}"


def serves_text(file: ListedFile) -> str:
    """Say what goes on serving while a file is broken."""
    if file.state is FileState.WARNING:
        return "all else of it serves"
    return f"old version v{file.version} still serves" if file.is_old_serving else "nothing of it serves"


def problem_lines(file: ListedFile, width: int, height: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Draw what is wrong in its source, with a caret; where that is not known, in words."""
    problem = file.problem or {}
    message = str(problem.get("message", ""))
    around = file.problem_lines
    if not around:
        return [*_wrapped(message, width), *([((f"   {problem['code']}", "quiet"),)] if problem.get("code") else [])]
    bar = "│" if glyphs is UNICODE else "|"
    cells = max(len(str(number)) for number, _ in around) + 1
    lines: list[Line] = []
    for number, text in around:
        is_wrong = number == file.problem_line
        lines.append(
            (
                (f"{glyphs.cursor if is_wrong else ' '}", "accent"),
                (f"{number:>{cells}} {bar} ", "quiet"),
                (text.expandtabs(4), "title" if is_wrong else ""),
            )
        )
        if is_wrong:
            lines += _caret_lines(file, message, cells, bar, width)
    wrong = next((place for place, (number, _) in enumerate(around) if number == file.problem_line), 0)
    # The line that is wrong stays in sight, with as much before it as there is room for.
    return lines[max(0, wrong - max(height - 3, 0)) :] if len(lines) > height else lines


def diff_lines(file: ListedFile, glyphs: Glyphs = UNICODE, *, most: int | None = None) -> list[Line]:
    """Draw what was changed since the version that serves; shortened, only lines that came or went."""
    lines = file.diff
    if most is not None:
        lines = [line for line in lines if line[:1] in "+-"][:most]
    minus = "−" if glyphs is UNICODE else "-"
    looks = {"+": ("+", "completed"), "-": (minus, "failed"), "@": ("@", "accent")}
    drawn: list[Line] = []
    for line in lines:
        sign, style = looks.get(line[:1], (" ", "quiet"))
        drawn.append(((f" {line}" if sign == "@" else f" {sign} {line[1:]}", style),))
    return drawn


def reload_lines(
    reloads: Sequence[Reload],
    now: datetime,
    *,
    root: str = "",
    names: int = 14,
    reloading: Mapping[str, int] | None = None,
    glyphs: Glyphs = UNICODE,
) -> list[Line]:
    """Draw the log of reloads, the newest first; above it files that are being looked into, and what serves of them."""
    lines: list[Line] = [
        (
            (f" {fit('now', 9)} ", "quiet"),
            (f"{glyphs.states['retrying']} ", "retrying"),
            (fit(short_path(path, root), names, cut=glyphs.cut) + "  ", ""),
            (f"saved, reloading{f'; v{version} serves until then' if version else ''}", "retrying"),
        )
        for path, version in (reloading or {}).items()
    ]
    for each in reloads:
        word, style = ("crashed", "warning") if each.advice else _OUTCOMES[each.outcome]
        slow = each.import_s is not None and each.import_s >= SLOW_S
        spans: list[Span] = [
            (f" {fit(day_or_clock(each.at, now), 9)} ", "quiet"),
            (f"{glyphs.states[word]} ", style),
            (fit(short_path(each.path, root), names, cut=glyphs.cut) + "  ", ""),
        ]
        if each.outcome is ReloadOutcome.LOADED:
            spans += [(f"{text}  ", "warning") for text in each.advice]
            if each.version != each.version_before:
                before = f"v{each.version_before} {glyphs.arrow} " if each.version_before else ""
                spans.append((f"{before}v{each.version}  ", "title"))
            spans.append((each.words, "quiet"))
            if slow:
                spans.append((f"  import took {short_duration(each.import_s)}", "warning"))
        else:
            serves = f", v{each.version} keeps serving" if each.version else ""
            spans.append((f"{_brief(each)}{serves}", style))
        if each.runs:
            keep = "keeps" if each.runs == 1 else "keep"
            spans.append((f"  ({counted(each.runs, 'run')} in flight {keep} v{each.version_before})", "quiet"))
        lines.append(tuple(spans))
    return lines or [((" nothing was loaded yet", "quiet"),)]


def flow_lines(
    file: ListedFile, now: datetime, glyphs: Glyphs = UNICODE, *, tasks: Mapping[str, int] | None = None
) -> list[Line]:
    """Draw the flows in a file, how many tasks each called when it ran last, and their deployments."""
    if file.state is FileState.HELPER:
        return [((" flow files made of it:", "quiet"),), *(((f"   {path}", ""),) for path in file.used_by)]
    fires = {each.name: each.next_at for each in file.serving}
    lines: list[Line] = []
    tasks = tasks or {}
    for flow in file.flows:
        said = [
            name + ("" if (at := fires.get(name)) is None else f" {clock_of(at, now)}") for name in flow.deployments
        ]
        lines.append(
            (
                (
                    f" {glyphs.states['completed'] if not file.is_problem else glyphs.dot} ",
                    "completed" if not file.is_problem else "quiet",
                ),
                (fit(flow.name, 18, cut=glyphs.cut), ""),
                # The line is one key away; how many tasks there are is not.
                (fit(f" {counted(tasks[flow.name], 'task')}" if flow.name in tasks else "", 10), "")
                if tasks
                else (f" :{fit(str(flow.line), 5)}", "quiet"),
                (", ".join(said) or ("" if file.state is FileState.UNWATCHED else "no deployment"), "quiet"),
            )
        )
    return lines or [((" no flows", "quiet"),)]


def shape_lines(file: ListedFile, width: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Draw the parameters of the flows in a file, its tasks with their retries, and what is deployed of it."""
    said = [f"{name} ({counted_retries(retries)})" if retries else name for name, retries in (file.tasks or {}).items()]
    limits = [f"{tag} {'≤' if glyphs is UNICODE else '<='} {count}" for tag, count in (file.limits or {}).items()]
    lines: list[Line] = [
        ((f"! {piece}", "warning"),) for text in file.advice for piece in wrap(text, max(width - 2, 20))
    ]
    lines += _named("tasks", [*said], f" {glyphs.dot} ", width)
    lines += _named("limits", limits, f" {glyphs.dot} ", width)
    lines += _named("used by", [each.name for each in file.serving], ", ", width)
    for flow in file.flows:
        lines += [()] if lines else []
        lines += [((flow.name, "title"), (f"   {flow.description}" if flow.description else "", "quiet"))]
        lines += _parameter_lines(flow)
    return lines


def counted_retries(retries: int) -> str:
    """Count retries."""
    return f"{retries} {'retry' if retries == 1 else 'retries'}"


def import_log(file: ListedFile) -> str:
    """Write how the import of a file went, as Python would, and what serves meanwhile."""
    problem = file.problem or {}
    lines = [f"{file.path}: {serves_text(file)}", ""]
    error = cast("Mapping[str, Any]", problem.get("error") or {})  # as `safe_rows.plain` leaves it
    frames = cast("Sequence[Sequence[Any]]", error.get("frames") or ())
    if frames:
        lines.append("Traceback (most recent call last):")
    for path, number, name, code, *_ in (frame for frame in frames if len(frame) >= 4):
        lines.append(f'  File "{path}", line {number}' + (f", in {name}" if name else ""))
        lines += [f"    {each}" for each in str(code).split("\n")]
    lines.append(f"{problem.get('kind', 'error')}: {problem.get('message', '')}")
    return "\n".join(lines)


def fires_with(file: ListedFile, now: datetime) -> str:
    """Say which deployment of a broken file fires next, and with which version."""
    soon = sorted((each.next_at, each.name) for each in file.serving if each.next_at is not None)
    if not soon or not file.is_old_serving:
        return ""
    at, name = soon[0]
    return f"{name} next fires {clock_of(at, now)} with v{file.version} (last good)"


def broken_note(file: ListedFile, now: datetime, root: str) -> str:
    """Say what is to be done about a broken file."""
    age = "" if file.checked_at is None else f" {round_duration(max((now - file.checked_at).total_seconds(), 1))} ago"
    if file.state is FileState.GONE:
        return f"{short_path(file.path, root)} is gone; its schedules rest until it is back"
    return f"{short_path(file.path, root)} failed to load{age} · fix it and save: it reloads by itself"


def _brief(reload: Reload) -> str:
    """Say what is wrong without what stands in the line already: the path, what serves."""
    words = reload.words.partition(" Its last good version")[0].removeprefix(f"{reload.path}, ")
    return words.removesuffix(".")


def _parameter_lines(flow: FileFlow) -> list[Line]:
    return [
        (
            (f"  {fit(field.name, 12)} ", "quiet"),
            (field.words.partition(" · ")[0], ""),
            ("  required" if field.default is MISSING and field.is_required else f" = {field.default_words}", "quiet"),
        )
        for field in fields_of(flow.schema)
    ]


def _caret_lines(file: ListedFile, message: str, cells: int, bar: str, width: int) -> list[Line]:
    indent = " " * (cells + 2)
    caret = file.caret
    first_line = message.split("\n", 1)[0]
    if caret is None:
        return [((f"{indent}{bar} ", "quiet"), (first_line, "failed"))]
    first, last = caret
    mark = "^" * max(min(last - first, 60), 1)
    pad = " " * min(first, max(width - len(indent) - len(mark) - 12, 0))
    if len(indent) + 2 + len(pad) + len(mark) + len(first_line) + 1 <= width:
        return [((f"{indent}{bar} ", "quiet"), (f"{pad}{mark} {first_line}", "failed"))]
    return [
        ((f"{indent}{bar} ", "quiet"), (f"{pad}{mark}", "failed")),
        ((f"{indent}{bar} ", "quiet"), (first_line, "failed")),
    ]


def _named(name: str, words: Sequence[str], between: str, width: int) -> list[Line]:
    """Write words behind a name, as many in a line as fit."""
    rows: list[str] = []
    for word in words:
        if rows and len(rows[-1]) + len(between) + len(word) <= max(width - _NAME, 1):
            rows[-1] += between + word
        else:
            rows.append(word)
    return [((fit(name if place == 0 else "", _NAME), "quiet"), (row, "")) for place, row in enumerate(rows)]


def _wrapped(text: str, width: int) -> list[Line]:
    lines: list[Line] = []
    for paragraph in text.split("\n"):
        lines += [((f" {piece}", "failed"),) for piece in wrap(paragraph, max(width - 2, 20)) or [""]]
    return lines
