"""A form: fields that are typed into and checked at once, what they come to, and the equal command; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from flowctl.core.authoring.secret_names import MASK
from flowctl.tui.model.form_choice import ChoiceList
from flowctl.tui.model.form_fields import MISSING, Field, Kind, Reading
from flowctl.tui.model.line_edit import LineEdit


class FlowPlace(NamedTuple):
    """Where a flow stands, and in what its file is loaded."""

    path: str
    attribute: str
    python: str
    cwd: str
    path0: str | None


class Filled(NamedTuple):
    """What a form comes to."""

    #: Parameter -> value, of those that are given.
    parameters: Mapping[str, object]
    #: The same of what stands below the parameters: tags, a time.
    extras: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPlan:
    """What a form is about; `command` and `wish` make of what is filled in the command line, and the request."""

    title: str
    fields: tuple[Field, ...]
    extras: tuple[Field, ...] = ()
    command: Callable[[Filled, Mapping[str, Field]], str]
    #: Verb and fields of the request to the daemon.
    wish: Callable[[Filled], tuple[str, dict[str, object]]]
    #: Label and text of what stands above the command: what is filled in means.
    means: Callable[[Filled, datetime], Sequence[tuple[str, str]]] = lambda _filled, _now: ()
    #: What enter does, in a word or two.
    go: str = "Run now"
    #: The field that says when, for a button that leads there; empty: there is none.
    when: str = ""
    #: What enter does once that field says a time.
    go_later: str = "Run then"
    #: Whose runs tell what was given earlier; empty: that means nothing here.
    flow_name: str = ""
    #: Parameter -> value that stands there from the start.
    prefilled: Mapping[str, object] = field(default_factory=dict[str, object])
    #: The same as text that is typed.
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Said below the title: where the fields come from, if not from the signature.
    remark: str = ""
    #: Where its flow stands, if that is not known.
    unknown: UnknownFlow | None = None


class UnknownFlow(NamedTuple):
    """A flow of which nobody has told the signature yet: a look into its file does."""

    place: FlowPlace
    #: Makes the plan anew with the schema of the parameters; None where it has none.
    typed: Callable[[Mapping[str, Any] | None], FormPlan]


class Form:
    """A form as it is being filled in."""

    def __init__(self, plan: FormPlan, now: Callable[[], datetime]) -> None:
        self._now = now
        self._begin(plan)

    def _begin(self, plan: FormPlan) -> None:
        self.plan = plan
        self.fields: Sequence[Field] = (*plan.fields, *plan.extras)
        self.edits = [LineEdit() for _ in self.fields]
        self.place = 0
        #: The values of the field with the cursor, while one of them is picked.
        self.choice: ChoiceList | None = None
        self.fill(plan.prefilled)
        for each, edit in zip(self.fields, self.edits, strict=True):
            if each.name in plan.texts:
                edit.put(plan.texts[each.name])
        self._first_texts = self.texts()

    def replan(self, plan: FormPlan) -> None:
        """Go on with other fields; what was typed stays, and so does the cursor, where there is such a field."""
        names, place = self._names(), self.place
        typed = {
            name: edit
            for name, edit, first in zip(names, self.edits, self._first_texts, strict=True)
            if edit.text != first
        }
        self._begin(plan)
        for now_at, name in enumerate(self._names()):
            self.edits[now_at] = typed.get(name, self.edits[now_at])
            if names and name == names[place]:
                self.place = now_at

    def _names(self) -> list[tuple[bool, str]]:
        """Name the fields; a parameter may be called as what stands below is."""
        return [(place < len(self.plan.fields), each.name) for place, each in enumerate(self.fields)]

    @property
    def field(self) -> Field | None:
        """The field that is typed into."""
        return self.fields[self.place] if self.fields else None

    @property
    def edit(self) -> LineEdit | None:
        return self.edits[self.place] if self.edits else None

    def fill(self, values: Mapping[str, object]) -> list[str]:
        """Put values into the fields of the parameters; return the names of those that do not fit, which stay out."""
        left: list[str] = []
        for place, each in enumerate(self.plan.fields):
            if each.name not in values:
                continue
            value = values[each.name]
            text = each.text_of(value)
            # What was a secret is on record as stars, and what was long in part.
            if MASK in text or each.read(text, self._now()).problem is not None:
                left.append(each.name)
            else:
                self.edits[place].put(text)
        return left

    def move(self, step: int) -> None:
        """Go to another field."""
        self.go_to(self.place + step)

    def go_to(self, place: int) -> None:
        """Go to the field in a place."""
        self.choice = None
        if self.fields:
            self.place = max(0, min(place, len(self.fields) - 1))

    def place_of(self, name: str) -> int | None:
        """Tell where one of the fields below the parameters is."""
        count = len(self.plan.fields)
        return next((count + place for place, each in enumerate(self.plan.extras) if each.name == name), None)

    def texts(self) -> list[str]:
        """Give what is typed, field by field."""
        return [edit.text for edit in self.edits]

    def put_texts(self, texts: Sequence[str]) -> None:
        """Have that typed again."""
        for edit, text in zip(self.edits, texts, strict=True):
            edit.put(text)

    def press(self, key: str, character: str | None) -> bool:
        """Do what a key does in the field; tell whether it does something there."""
        field_, edit = self.field, self.edit
        if field_ is None or edit is None:
            return False
        if self.choice is not None:
            return self._press_in_list(self.choice, edit, key, character)
        if field_.kind is Kind.CHOICE and (key == "space" or (character is not None and character.isprintable())):
            value = field_.read(edit.text, self._now()).value
            self.choice = ChoiceList(field_, field_.default if value is MISSING else value)
            return True if key == "space" else self.choice.press(key, character)
        if field_.kind is not Kind.TEXT:
            if key == "space" or key in ("left", "right"):
                self._turn(field_, edit, -1 if key == "left" else 1)
                return True
            if key in ("backspace", "delete", "ctrl+u"):
                edit.put("")
                return True
            return self._tick(field_, edit, character)
        if edit.press(key):
            return True
        if character is not None and character.isprintable():
            edit.insert(character)
            return True
        return False

    def pick(self, text: str) -> None:
        """Take a value of the list that is open."""
        if self.edit is not None and self.choice is not None:
            self.edit.put(text)
        self.choice = None

    def _press_in_list(self, choice: ChoiceList, edit: LineEdit, key: str, character: str | None) -> bool:
        if key in ("enter", "tab", "shift+tab") or (key == "space" and not choice.typed):
            if choice.picked is not None:
                edit.put(choice.picked)
            self.choice = None
            # A tab goes on to the next field as well.
            return key in ("enter", "space")
        if key == "escape":
            self.choice = None
            return True
        return choice.press(key, character)

    def paste(self, text: str) -> None:
        """Put text in where the cursor is."""
        if self.edit is not None and self.field is not None and self.field.kind is Kind.TEXT:
            self.edit.insert(text)

    def reading(self, place: int) -> Reading:
        """Tell what stands in a field."""
        return self.fields[place].read(self.edits[place].text, self._now())

    def first_problem(self) -> int | None:
        """Give the place of the first field with a problem."""
        return next((place for place in range(len(self.fields)) if self.reading(place).problem is not None), None)

    def filled(self) -> Filled:
        """Give all values; fields with a problem, and those left empty, are not among them."""
        count = len(self.plan.fields)
        found = {
            (place < count, each.name): read.value
            for place, each in enumerate(self.fields)
            if (read := self.reading(place)).value is not MISSING
        }
        parameters = {name: value for (is_parameter, name), value in found.items() if is_parameter}
        return Filled(parameters, {name: value for (is_parameter, name), value in found.items() if not is_parameter})

    def command(self) -> str:
        """Write the command line that does the same."""
        return self.plan.command(self.filled(), {each.name: each for each in self.plan.fields})

    @property
    def go(self) -> str:
        """What enter does, in a word or two."""
        is_later = self.plan.when and self.filled().extras.get(self.plan.when) is not None
        return self.plan.go_later if is_later else self.plan.go

    def means(self) -> Sequence[tuple[str, str]]:
        """Say what is filled in means, by labels."""
        return self.plan.means(self.filled(), self._now())

    def wish(self) -> tuple[str, dict[str, object]]:
        """Make the request."""
        return self.plan.wish(self.filled())

    def _turn(self, field_: Field, edit: LineEdit, step: int) -> None:
        """Go to the next of the values that a field can have."""
        values = list(field_.choices) if field_.kind is Kind.CHOICE else [False, True]
        shown = field_.read(edit.text, self._now()).value
        if shown is MISSING:
            shown = field_.default
        here = next((place for place, value in enumerate(values) if _same(value, shown)), -1 if step > 0 else 0)
        edit.put(field_.text_of(values[(here + step) % len(values)]))

    def _tick(self, field_: Field, edit: LineEdit, character: str | None) -> bool:
        """Say yes or no by a letter."""
        if character is None or not character.isprintable():
            return False
        is_yes = {"y": True, "t": True, "x": True, "n": False, "f": False}.get(character.lower())
        if is_yes is not None:
            edit.put(field_.text_of(is_yes))
        return True


def _same(one: object, other: object) -> bool:
    return one == other and type(one) is type(other)
