"""How a form is drawn: a line for each field, below it what is wrong or worth knowing, at the end the equal command."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

from flowctl.core.authoring.secret_names import MASK
from flowctl.tui.model.form import Form
from flowctl.tui.model.form_fields import MISSING, Field, Kind, Reading
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span, fit, width_of

_LONGEST_NAME: Final = 18
_WIDEST_BOX: Final = 44
_LEAST_BOX: Final = 12
_MOST_COMMAND_LINES: Final = 4
_MOST_PROBLEM_LINES: Final = 3
_EQUALS: Final = "equals"


class FormLine(NamedTuple):
    """One line, and what a click on it means."""

    line: Line
    #: Place of a field, `run`, `cancel`, or nothing.
    field: int | None = None
    is_buttons: bool = False


def form_lines(form: Form, width: int, *, glyphs: Glyphs = UNICODE, is_tried: bool = False) -> list[FormLine]:
    """Draw the whole form; `is_tried`: enter was pressed, so that what lacks a value is said everywhere."""
    names = _names_cells(form)
    box = max(_LEAST_BOX, min(_WIDEST_BOX, (width - names - 4) // 2))
    lines: list[FormLine] = []
    if form.plan.remark:
        lines += [FormLine(((f"   {form.plan.remark}", "quiet"),)), FormLine(())]
    if not form.plan.fields:
        lines.append(FormLine((("   It takes no parameters.", "quiet"),)))
    for place, field in enumerate(form.fields):
        if place == len(form.plan.fields):
            lines.append(FormLine(()))
        lines += _field_lines(form, place, field, names, box, width, glyphs=glyphs, is_tried=is_tried)
    lines.append(FormLine(()))
    for label, text in form.means():
        spans: Line = (("   " + fit(label, names), "quiet"), (fit(text, max(width - names - 4, 0), cut=glyphs.cut), ""))
        lines.append(FormLine(spans))
    lines += [FormLine(line) for line in _command_lines(form, names, width)]
    lines += [FormLine(()), FormLine(_buttons(form, names), is_buttons=True)]
    return lines


def button_at(form: Form, column: int, width: int) -> str | None:
    """Tell which button a column belongs to: `run` or `cancel`."""
    left, names = 0, _names_cells(form)
    for text, style in _buttons(form, names):
        right = left + width_of([(text, style)])
        if left <= column < min(right, width) and text.startswith("["):
            return "cancel" if "esc" in text else "run"
        left = right
    return None


def _names_cells(form: Form) -> int:
    return min(max(max((len(each.name) for each in form.fields), default=0), len(_EQUALS)), _LONGEST_NAME) + 2


def _field_lines(
    form: Form, place: int, field: Field, names: int, box: int, width: int, *, glyphs: Glyphs, is_tried: bool
) -> Iterator[FormLine]:
    is_cursor = place == form.place
    reading, text = form.reading(place), form.edits[place].text
    head: list[Span] = [
        (f" {glyphs.cursor if is_cursor else ' '} ", "accent"),
        (fit(field.name, names - 1, cut=glyphs.cut) + " ", "title" if is_cursor else ""),
    ]
    head += _box(form, place, field, reading, box, glyphs)
    room = max(width - width_of(head) - 2, 0)
    head.append(("  " + fit(field.words, room, cut=glyphs.cut), "quiet"))
    yield FormLine(tuple(head), place)
    indent = " " * (names + 3)
    said: Span | None = None
    if reading.problem is not None and (text.strip() or is_tried):
        said = (f"{glyphs.states['failed']} {reading.problem}", "failed")
    elif reading.remark:
        said = (f"{glyphs.states['completed']} {reading.remark}", "completed")
    elif is_cursor and field.kind is Kind.CHOICE:
        said = (_choices(field, reading, max(width - names - 4, 0), glyphs), "quiet")
    elif is_cursor and field.description:
        said = (" ".join(field.description.split()), "quiet")
    if said is not None:
        room = max(width - names - 4, 10)
        # What is wrong is said whole, as far as a few lines go.
        pieces = wrap(said[0], room, subsequent_indent="  ") if said[1] == "failed" else [said[0]]
        for piece in pieces[:_MOST_PROBLEM_LINES]:
            yield FormLine(((indent, ""), (fit(piece, room, cut=glyphs.cut), said[1])), place)


def _box(form: Form, place: int, field: Field, reading: Reading, box: int, glyphs: Glyphs) -> list[Span]:
    is_cursor, edit = place == form.place, form.edits[place]
    frame = "accent" if is_cursor else "quiet"
    value = reading.value if reading.value is not MISSING else field.default
    look = "" if reading.value is not MISSING else "quiet"
    if field.kind is Kind.TOGGLE:
        mark = "x" if value is True else " "
        filler = " " * (box - 2)
        return [("[", frame), (mark, f"{look} reverse".strip() if is_cursor else look), ("]", frame), (filler, "")]
    if field.kind is Kind.CHOICE:
        shown = "" if value is MISSING else field.text_of(value)
        inner = fit(shown, box - 2, cut=glyphs.cut)
        return [
            ("[", frame),
            (inner, f"{look} reverse".strip() if is_cursor else look),
            (glyphs.unfolded, frame),
            ("]", frame),
        ]
    text = MASK[:1] * len(edit.text) if field.is_secret else edit.text
    if not is_cursor:
        return [
            ("[", frame),
            (fit(text, box - 1, cut=glyphs.cut), "failed" if reading.problem and text else ""),
            ("]", frame),
        ]
    before, under, after = _around(text, edit.at, box - 1)
    return [("[", frame), (before, ""), (under, "reverse"), (after, ""), ("]", frame)]


def _around(text: str, at: int, cells: int) -> tuple[str, str, str]:
    """Cut out of a line what fits around its cursor: before it, under it, behind it."""
    start = 0
    while width_of([(text[start:at], "")]) > cells - 2:
        start += 1
    before = text[start:at]
    under = text[at : at + 1] or " "
    room = max(cells - width_of([(before + under, "")]), 0)
    return before, under, fit(text[at + 1 :], room, cut="")[:room] if room else ""


def _choices(field: Field, reading: Reading, width: int, glyphs: Glyphs) -> str:
    value = reading.value if reading.value is not MISSING else field.default
    words = [
        f"<{text}>" if choice == value and type(choice) is type(value) else text
        for choice in field.choices
        for text in [field.text_of(choice)]
    ]
    return fit(f"{' '.join(words)}   space or arrows choose", width, cut=glyphs.cut).rstrip()


def _command_lines(form: Form, names: int, width: int) -> Iterator[Line]:
    room = max(width - names - 4, 20)
    wrapped = wrap(form.command(), room, break_on_hyphens=False, subsequent_indent="  ") or [""]
    shown = wrapped[:_MOST_COMMAND_LINES]
    if len(wrapped) > _MOST_COMMAND_LINES:
        shown[-1] = f"{shown[-1][: room - 1]}…"
    for place, text in enumerate(shown):
        yield (("   " + fit(_EQUALS if place == 0 else "", names), "quiet"), (text, "accent"))


def _buttons(form: Form, names: int) -> Line:
    go = f"[ {form.plan.go} ⏎ ]"
    return ((" " * (names + 3), ""), (go, "accent"), ("   ", ""), ("[ Cancel esc ]", "quiet"))
