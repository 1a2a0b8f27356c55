"""How the rows of the Run screen are drawn: name, state, times and a bar, as lines of exact width."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from rich.cells import cell_len

from flowctl.store.records import TaskRunRow
from flowctl.tui.model.bars import bar
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, UNICODE, WORDS, Glyphs
from flowctl.tui.model.retry_words import flow_tries_text, next_try_briefly, tries_text
from flowctl.tui.model.texts import Line, Span, countdown, fit, fit_line, short_duration
from flowctl.tui.model.time_scale import TimeScale, TimeWindow, fit_window
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_nodes import Group, Node

_SETTLED: Final = frozenset({"completed", "cached", "skipped"})


class Columns(NamedTuple):
    """How wide each column is; 0: it is not shown. The bar takes the rest."""

    name: int
    state: int
    tries: int
    time: int
    typical: int
    bar: int

    @property
    def bar_at(self) -> int:
        """In which cell the bar begins."""
        return self.total - self.bar

    @property
    def total(self) -> int:
        return 2 + self.name + self.state + self.tries + self.time + self.typical + 1 + self.bar


def columns_for(width: int) -> Columns:
    """Share out a width: tries and typical times leave first, then the bar, then the time, then the state."""
    if width >= 120:
        name, state, tries, time, typical = min(width // 7 + 2, 36), 13, 6, 7, 7
    elif width >= 60:
        name, state, tries, time, typical = 17 + (width - 60) // 12, 12, 0, 6, 0
    elif width >= 40:
        return Columns(max(width - 22, 8), 12, 0, 7, 0, 0)
    else:
        return Columns(max(width - 3, 1), 0, 0, 0, 0, 0)
    return Columns(name, state, tries, time, typical, width - 3 - name - state - tries - time - typical)


def brief_columns(width: int) -> Columns:
    """Share out the width of a glance at a run: names, times and bars, states only as signs."""
    name, time = max(8, min(16, width // 2 - 4)), 6
    return Columns(name, 0, 0, time, 0, max(0, width - 3 - name - time))


class Drawing(NamedTuple):
    """What all rows of one picture have in common."""

    columns: Columns
    scale: TimeScale
    now: datetime
    glyphs: Glyphs = UNICODE
    #: Step of the spinner.
    step: int = 2
    #: The moment "now" on the bar; None: the run has ended.
    now_cell: int | None = None
    #: Ids of the rows whose bars are bold: had any of them been quicker, the run would have been.
    critical: frozenset[str] = frozenset()


def window_of(waterfall: Waterfall, now: datetime) -> TimeWindow:
    """Show the whole run."""
    run = waterfall.detail.run
    due = [task.due_at for task in waterfall.detail.tasks.values() if task.due_at is not None and not task.is_final]
    if run.due_at is not None and not run.is_final:
        due.append(run.due_at)
    return fit_window(run.started_at or run.created_at, run.ended_at, min(due, default=None), now)


def drawing(
    waterfall: Waterfall,
    width: int,
    now: datetime,
    *,
    window: TimeWindow | None = None,
    glyphs: Glyphs = UNICODE,
    step: int = 2,
    is_brief: bool = False,
    critical: frozenset[str] = frozenset(),
) -> Drawing:
    """Prepare a picture of so many cells in width; without a window the whole run is shown."""
    columns = brief_columns(width) if is_brief else columns_for(width)
    scale = TimeScale(window or window_of(waterfall, now), columns.bar)
    cell = scale.cell(now)
    shows_now = not waterfall.detail.run.is_final and 0 <= cell < columns.bar
    return Drawing(columns, scale, now, glyphs, step, cell if shows_now else None, critical)


def header_line(picture: Drawing, *, is_relative: bool = False) -> Line:
    """Draw the names of the columns, and times above the bars."""
    columns = picture.columns
    now = picture.now if picture.now_cell is not None else None
    text = (
        "   "
        + fit("TASK", columns.name - 1)
        + fit("STATE", columns.state)
        + fit("TRY", columns.tries, align="right")
        + fit("TIME", columns.time, align="right")
        + fit("TYP", columns.typical, align="right")
    )
    return fit_line(
        (
            (text, "quiet"),
            (" " + picture.scale.labels(is_relative=is_relative, now=now) if columns.bar else "", "quiet"),
        ),
        columns.total,
    )


def row_line(waterfall: Waterfall, node: Node, picture: Drawing, *, is_cursor: bool = False) -> Line:
    """Draw one row."""
    columns, glyphs = picture.columns, picture.glyphs
    spans: list[Span] = [(glyphs.cursor if is_cursor else " ", "accent" if is_cursor else "")]
    spans += _name(waterfall, node, picture, columns.name + 1)
    if columns.state:
        spans += fit_line(_state(waterfall, node, picture), columns.state, cut=glyphs.cut)
    if columns.tries:
        spans.append((fit(_tries(node), columns.tries, align="right", cut=glyphs.cut), "quiet"))
    if columns.time:
        took = took_s(node, picture.now)
        text = short_duration(took, dash=glyphs.dash)
        spans.append((fit(text, columns.time, align="right", cut=glyphs.cut), "" if took is not None else "quiet"))
    if columns.typical:
        spans.append((fit(_typical(waterfall, node), columns.typical, align="right", cut=glyphs.cut), "quiet"))
    spans.append((" ", ""))
    if columns.bar:
        history = waterfall.detail.history if node is waterfall.root else ()
        drawn = bar(node, picture.scale, picture.now, now_cell=picture.now_cell, glyphs=glyphs, history=history)
        if node.id in picture.critical:
            drawn = tuple((text, f"bold {style}" if style in WORDS else style) for text, style in drawn)
        spans += drawn
    return tuple(spans)


def grid(waterfall: Waterfall, width: int, now: datetime, *, glyphs: Glyphs = UNICODE, cursor: str = "") -> str:
    """Draw all rows as plain text: the linear form, and what tests compare."""
    picture = drawing(waterfall, width, now, glyphs=glyphs)
    lines = [header_line(picture)]
    lines += [row_line(waterfall, node, picture, is_cursor=node.id == cursor) for node in waterfall.rows]
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"


def chain(waterfall: Waterfall, cells: int, now: datetime, *, glyphs: Glyphs = UNICODE, step: int = 2) -> Line:
    """Draw a whole run on one line: `extract ✓ 12s → transform[4] ⠹⠹✓↻ → load ○`."""
    spans: list[Span] = []
    for node in waterfall.root.children:
        if spans:
            spans.append((f" {glyphs.arrow} ", "quiet"))
        if isinstance(node, Group):
            spans.append((f"{node.name}[{len(node.children)}] ", ""))
            if len(node.children) <= 8:
                spans += [(glyph_of(child.word, glyphs, step), child.word) for child in node.children]
            else:
                spans += _counted(node, glyphs, step)
        else:
            spans += [(f"{node.name} ", ""), (glyph_of(node.word, glyphs, step), node.word)]
            took = took_s(node, now)
            if took is not None and node.word not in OPEN:
                spans.append((f" {short_duration(took)}", "quiet"))
        if sum(len(text) for text, _ in spans) > cells:
            break
    return fit_line(spans, cells, cut=glyphs.cut)


def glyph_of(word: str, glyphs: Glyphs, step: int) -> str:
    """Give the sign of a state; that of running turns."""
    return glyphs.spinner[step % len(glyphs.spinner)] if word == "running" else glyphs.states[word]


def took_s(node: Node, now: datetime) -> float | None:
    """Tell how long a run was at work: while it waits for its next try, in all tries together."""
    if node.started_at is None:
        return None
    if node.word == "retrying" and node.task is not None:
        tries = [each for each in node.task.attempts if each.started_at and each.ended_at]
        return sum(
            (each.ended_at - each.started_at).total_seconds() for each in tries if each.ended_at and each.started_at
        )
    return ((node.ended_at or now) - node.started_at).total_seconds()


def _name(waterfall: Waterfall, node: Node, picture: Drawing, cells: int) -> Line:
    glyphs = picture.glyphs
    # What hangs under the run itself stands at the edge: the run is the whole picture.
    indent = min(max(node.depth - 1, 0) * 2, max(cells - 10, 0))
    if isinstance(node, Group):
        sign = glyphs.unfolded if waterfall.is_unfolded(node) else glyphs.folded
        return fit_line(
            ((" " * indent, ""), (f"{sign} ", node.word), (f"{node.name} [{len(node.children)}]", "title")),
            cells,
            cut=glyphs.cut,
        )
    style = "problem" if node.word in PROBLEMS else "title" if node is waterfall.root else ""
    sign = glyph_of(node.word, glyphs, picture.step)
    label = label_of(node)
    if node.flow is not None and indent + 2 + cell_len(label) > cells - 1:
        # Half the name of a run tells less than the whole of its flow's.
        label = node.flow.flow_name
    spans = ((" " * indent, ""), (sign, node.word), (f" {label}", style))
    return (*fit_line(spans, cells - 1, cut=glyphs.cut), (" ", ""))


def label_of(node: Node) -> str:
    """Name a row: of a group's member only what tells it from the others."""
    if node.task is not None:
        task = node.task
        if isinstance(node.parent, Group):
            given = "" if _is_usual_name(task) else f" {task.name}"
            return f"[{task.map_index}]{given}" if task.map_index is not None else task.name
        return task.task_name if _is_usual_name(task) else task.name
    if node.flow is not None and node.parent is not None:
        return f"{node.flow.flow_name} {node.flow.name}"
    return node.name


def named(task: TaskRunRow) -> str:
    """Name a task run by its task, and among those of a map by its place; `transform[3]`."""
    if not _is_usual_name(task):
        return task.name
    return task.task_name if task.map_index is None else f"{task.task_name}[{task.map_index}]"


def _is_usual_name(task: TaskRunRow) -> bool:
    """Tell whether nobody gave it a name of its own."""
    return task.name == f"{task.task_name}-{task.number:03x}"


def _state(waterfall: Waterfall, node: Node, picture: Drawing) -> Line:
    if isinstance(node, Group):
        return _counted(node, picture.glyphs, picture.step)
    word = node.word
    if word == "retrying" and node.task is not None and node.due_at is not None and not picture.columns.tries:
        return ((next_try_briefly(node.task, picture.now), word),)
    if word == "retrying" and node.flow is not None and node.flow.tries is not None and not picture.columns.tries:
        left = 0.0 if node.due_at is None else (node.due_at - picture.now).total_seconds()
        return ((f"{node.flow.run_count + 1}/{node.flow.tries} in {countdown(left)}", word),)
    if word == "retrying" and node.due_at is not None:
        return ((f"retry {countdown((node.due_at - picture.now).total_seconds())}", word),)
    if word == "queued" and node.task is not None:
        return ((f"waits {_limit_of(node.task)}", word),)
    if word == "waiting" and node.task is not None:
        return ((_waits_for(waterfall, node.task), word),)
    return ((word, word),)


def _counted(group: Group, glyphs: Glyphs, step: int) -> Line:
    spans: list[Span] = []
    for word in WORDS:
        if count := group.counts.get(word, 0):
            spans.append((f"{' ' if spans else ''}{count}{glyph_of(word, glyphs, step)}", word))
    return tuple(spans)


def _waits_for(waterfall: Waterfall, task: TaskRunRow) -> str:
    """Say what a task waits for: the one, or how many of how many are done."""
    ids = {id_ for each in task.upstreams.values() for id_ in each}
    nodes = [node for id_ in ids if (node := waterfall.node(id_)) is not None]
    open_ = [node for node in nodes if node.word not in _SETTLED]
    if not open_:
        return "waiting"
    if len(nodes) == 1:
        return f"waits {open_[0].name}"
    return f"waits {len(nodes) - len(open_)}/{len(nodes)}"


def _limit_of(task: TaskRunRow) -> str:
    """Name the limit that a task waits for a slot of; what it says is written by the engine."""
    name = (task.message or "").removeprefix("Waits for a slot of the limit ")
    return name.partition(" (")[0].removeprefix("tag:") or "for a slot"


def _tries(node: Node) -> str:
    if node.task is not None:
        return tries_text(node.task)
    return "" if node.flow is None else flow_tries_text(node.flow)


def _typical(waterfall: Waterfall, node: Node) -> str:
    if node is waterfall.root:
        usual = waterfall.detail.typical_s
    elif node.task is not None:
        usual = waterfall.detail.typical_tasks.get(node.task.task_key)
    else:
        return ""
    return "" if usual is None else short_duration(usual)
