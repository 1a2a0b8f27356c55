"""How a form is drawn: a line for each field, below it what is wrong or worth knowing, at the end the equal command."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

from flowctl.core.authoring.secret_names import MASK
from flowctl.tui.model.form import Form
from flowctl.tui.model.form_choice import ChoiceList
from flowctl.tui.model.form_fields import MISSING, Field, Kind, Reading
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span, fit, width_of

_LONGEST_NAME: Final = 18
_WIDEST_BOX: Final = 44
_LEAST_BOX: Final = 12
_MOST_COMMAND_LINES: Final = 4
_MOST_PROBLEM_LINES: Final = 3
_EQUALS: Final = "equals"
_WHEN: Final = "Run at…"
#: Values of a list that are seen at once.
_LIST_LINES: Final = 6


class FormLine(NamedTuple):
    """One line, and what a click on it means."""

    line: Line
    #: Place of a field, or nothing.
    field: int | None = None
    is_buttons: bool = False
    #: A value of the list that is open.
    choice: str | None = None


def field_lines(form: Form, width: int, *, glyphs: Glyphs = UNICODE, is_tried: bool = False) -> list[FormLine]:
    """Draw the fields; `is_tried`: enter was pressed, so that what lacks a value is said everywhere."""
    names = _names_cells(form)
    box = max(_LEAST_BOX, min(_WIDEST_BOX, (width - names - 4) // 2))
    lines: list[FormLine] = []
    if form.plan.remark:
        lines += [FormLine(((f"   {piece}", "quiet"),)) for piece in wrap(form.plan.remark, max(width - 4, 10))]
        lines.append(FormLine(()))
    if not form.plan.fields:
        lines.append(FormLine((("   It takes no parameters.", "quiet"),)))
    for place, field in enumerate(form.fields):
        if place == len(form.plan.fields):
            lines.append(FormLine(()))
        lines += _field_lines(form, place, field, names, box, width, glyphs=glyphs, is_tried=is_tried)
    return lines


def foot_lines(form: Form, width: int, *, glyphs: Glyphs = UNICODE, is_low: bool = False) -> list[FormLine]:
    """Draw what stands below the fields: what is meant, the equal command, the buttons; with little height closer."""
    names = _names_cells(form)
    lines: list[FormLine] = [] if is_low else [FormLine(())]
    for label, text in form.means():
        spans: Line = (("   " + fit(label, names), "quiet"), (fit(text, max(width - names - 4, 0), cut=glyphs.cut), ""))
        lines.append(FormLine(spans))
    most = 1 if is_low else _MOST_COMMAND_LINES
    lines += [FormLine(line) for line in _command_lines(form, names, width, most, glyphs)]
    return [*lines, *([] if is_low else [FormLine(())]), FormLine(_buttons(form, names, width), is_buttons=True)]


def form_lines(form: Form, width: int, *, glyphs: Glyphs = UNICODE, is_tried: bool = False) -> list[FormLine]:
    """Draw the whole form."""
    return [*field_lines(form, width, glyphs=glyphs, is_tried=is_tried), *foot_lines(form, width, glyphs=glyphs)]


def button_at(form: Form, column: int, width: int) -> str | None:
    """Tell which button a column belongs to: `run`, `when` or `cancel`."""
    left = 0
    for text, style in _buttons(form, _names_cells(form), width):
        right = left + width_of([(text, style)])
        if left <= column < min(right, width) and text.startswith("["):
            return "cancel" if "esc" in text else "when" if "…" in text and "⏎" not in text else "run"
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
    words = field.words if text.strip() else field.words_of_empty
    head.append(("  " + fit(words, room, cut=glyphs.cut), "quiet"))
    yield FormLine(tuple(head), place)
    if is_cursor and form.choice is not None:
        yield from _list_lines(form.choice, place, names, width, glyphs)
        return
    indent = " " * (names + 3)
    said: Span | None = None
    if reading.problem is not None and (text.strip() or is_tried):
        said = (f"{glyphs.states['failed']} {reading.problem}", "failed")
    elif reading.remark:
        said = (f"{glyphs.states['completed']} {reading.remark}", "completed")
    elif is_cursor and field.kind is Kind.CHOICE:
        said = ("space lists them, arrows choose, or type", "quiet")
    elif is_cursor and field.description:
        said = (" ".join(field.description.split()), "quiet")
    elif is_cursor and width_of([(words, "")]) > room:
        said = (words, "quiet")
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
        if is_cursor and form.choice is not None and form.choice.typed:
            shown, look = form.choice.typed, ""
        inner = fit(shown, box - 2, cut=glyphs.cut)
        return [
            ("[", frame),
            (inner, f"{look} reverse".strip() if is_cursor else look),
            (glyphs.unfolded, frame),
            ("]", frame),
        ]
    text = MASK[:1] * len(edit.text) if field.is_secret else edit.text
    if not text:
        # What is taken where nothing is typed stands there to be typed over.
        inner = fit(field.default_words, box - 1, cut=glyphs.cut)
        if not is_cursor:
            return [("[", frame), (inner, "quiet"), ("]", frame)]
        return [("[", frame), (inner[:1], "quiet reverse"), (inner[1:], "quiet"), ("]", frame)]
    if not is_cursor:
        inner = fit(text, box - 1, cut=glyphs.cut)
        return [("[", frame), (inner, "failed" if reading.problem else ""), ("]", frame)]
    before, under, after = _around(text, edit.at, box - 1)
    return [("[", frame), (before, ""), (under, "reverse"), (after, ""), ("]", frame)]


def _list_lines(choice: ChoiceList, place: int, names: int, width: int, glyphs: Glyphs) -> Iterator[FormLine]:
    """Draw the open list below its field, around its cursor."""
    found, indent = choice.found, " " * (names + 3)
    first = max(0, min(choice.place - _LIST_LINES // 2, len(found) - _LIST_LINES))
    room = max(width - names - 8, 4)
    for number, text in enumerate(found[first : first + _LIST_LINES], first):
        is_here = number == choice.place
        sign = glyphs.cursor if is_here else " "
        look = "title" if is_here else ""
        yield FormLine(((f"{indent}{sign} ", "accent"), (fit(text, room, cut=glyphs.cut), look)), place, choice=text)
    said = f"{len(found)} of {choice.count}" if choice.typed else f"{choice.count}"
    said = f"{said} · type to find, ⏎ picks, esc leaves" if found else f"none of {choice.count} has {choice.typed!r}"
    yield FormLine(((f"{indent}  ", ""), (fit(said, room, cut=glyphs.cut), "quiet")), place)


def _around(text: str, at: int, cells: int) -> tuple[str, str, str]:
    """Cut out of a line what fits around its cursor: before it, under it, behind it."""
    start = 0
    while width_of([(text[start:at], "")]) > cells - 2:
        start += 1
    before = text[start:at]
    under = text[at : at + 1] or " "
    room = max(cells - width_of([(before + under, "")]), 0)
    return before, under, fit(text[at + 1 :], room, cut="")[:room] if room else ""


def _command_lines(form: Form, names: int, width: int, most: int, glyphs: Glyphs) -> Iterator[Line]:
    room = max(width - names - 4, 20)
    wrapped = wrap(form.command(), room, break_on_hyphens=False, subsequent_indent="  ") or [""]
    shown = wrapped[:most]
    if len(wrapped) > most:
        shown[-1] = f"{shown[-1][: room - 1]}{glyphs.cut}"
    for place, text in enumerate(shown):
        yield (("   " + fit(_EQUALS if place == 0 else "", names), "quiet"), (text, "accent"))


def _buttons(form: Form, names: int, width: int) -> Line:
    gap = "   " if width >= 70 else " "
    spans: list[Span] = [(" " * (names + 3 if width >= 70 else 3), ""), (f"[ {form.go} ⏎ ]", "accent")]
    if form.plan.when:
        spans += [(gap, ""), (f"[ {_WHEN} ]", "quiet")]
    return (*spans, (gap, ""), ("[ Cancel esc ]", "quiet"))
