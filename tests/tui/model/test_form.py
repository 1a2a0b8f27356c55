"""Forms: what may be typed for a parameter, what it comes to, the equal command, keys in a field."""

from __future__ import annotations

import json
import shlex
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.tui.model.form import Filled, Form
from flowctl.tui.model.form_fields import MISSING, Field, Kind, fields_of
from flowctl.tui.model.form_lines import button_at, form_lines
from flowctl.tui.model.form_times import read_time, time_field
from flowctl.tui.model.line_edit import LineEdit
from flowctl.tui.model.run_plans import flow_plan
from flowctl.tui.model.schema_checks import problem_of
from flowctl.tui.model.texts import plain, width_of

NOW = datetime(2026, 11, 23, 14, 3, 22).astimezone()
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "position": 1},
        "day": {"type": "string", "format": "date", "position": 0, "description": "which day"},
        "full": {"type": "boolean", "default": False, "position": 2},
        "region": {"type": "string", "enum": ["eu", "us"], "default": "eu", "position": 3},
        "tags": {"type": "array", "items": {"type": "string"}, "default": ["etl"], "position": 4},
        "size": {"$ref": "#/definitions/Size", "position": 5},
        "token": {"type": "string", "default": "s3cret", "position": 6},
    },
    "required": ["day"],
    "definitions": {"Size": {"type": "object", "properties": {"w": {"type": "integer"}}, "required": ["w"]}},
}
FIELDS = {field.name: field for field in fields_of(SCHEMA)}
SOURCE = {"file": "/flows/etl.py", "flow": "etl", "script": True}


def a_form() -> Form:
    return Form(flow_plan("etl", SOURCE, SCHEMA, {}), lambda: NOW)


def typed(form: Form, text: str) -> None:
    for letter in text:
        assert form.press("space" if letter == " " else letter, letter)


def test_fields_come_in_the_order_of_the_signature() -> None:
    assert list(FIELDS) == ["day", "limit", "full", "region", "tags", "size", "token"]
    assert [FIELDS[name].kind for name in ("day", "full", "region")] == [Kind.TEXT, Kind.TOGGLE, Kind.CHOICE]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("day", "2026-11-24", "2026-11-24"),
        ("day", "tomorrow", "2026-11-24"),
        ("limit", "12", 12),
        ("limit", "null", None),
        ("limit", "", MISSING),
        ("full", "true", True),
        ("region", "us", "us"),
        ("tags", "a, b", ["a", "b"]),
        ("tags", '["a", "b,c"]', ["a", "b,c"]),
        ("tags", "1", ["1"]),
        ("size", '{"w": 3}', {"w": 3}),
        ("token", "12", "12"),
        ("token", '""', ""),
    ],
)
def test_what_is_typed_is_read_as_the_type_has_it(name: str, text: str, value: object) -> None:
    read = FIELDS[name].read(text, NOW)

    assert (read.value, read.problem) == (value, None)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("day", "12a", "not a date: '12a'"),
        ("day", "", "needs a value"),
        ("limit", "12a", "not a whole number or empty: '12a'"),
        ("full", "maybe", "not true or false: 'maybe'"),
        ("region", "ap", "not one of 'eu', 'us': 'ap'"),
        ("size", '{"h": 1}', "lacks 'w'"),
        ("size", '{"w": "x"}', "w is not a whole number: 'x'"),
        ("size", "3", "not an object: 3"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(name: str, text: str, problem: str) -> None:
    assert FIELDS[name].read(text, NOW).problem == problem


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"type": "integer", "minimum": 1}, 0, "less than 1: 0"),
        ({"type": "integer", "exclusiveMaximum": 9}, 9, "not less than 9: 9"),
        ({"type": "number", "multipleOf": 0.5}, 0.7, "not a multiple of 0.5: 0.7"),
        ({"type": "string", "maxLength": 2}, "abc", "longer than 2 characters"),
        ({"type": "string", "pattern": "^a"}, "b", "does not look like ^a: 'b'"),
        ({"type": "string", "pattern": "("}, "b", None),
        ({"type": "string", "format": "uuid"}, "x", "not a UUID: 'x'"),
        ({"type": "string", "format": "duration"}, "PT1H", None),
        ({"type": "array", "minItems": 2}, [1], "has 1 item, and needs 2"),
        ({"type": "array", "items": {"type": "integer"}}, [1, "x"], "item 2 is not a whole number: 'x'"),
        ({"type": "object", "additionalProperties": False}, {"a": 1}, "has 'a', which is not known"),
        ({"type": "boolean"}, 1, "not true or false: 1"),
        ({"type": "integer"}, True, "not a whole number: true"),
        ({"enum": [1, "1"]}, True, "not one of 1, '1': true"),
        ({}, object(), None),
    ],
)
def test_values_are_checked_by_the_schema_alone(schema: dict[str, Any], value: object, problem: str | None) -> None:
    assert problem_of(value, schema, schema) == problem


def test_a_schema_that_refers_to_itself_ends() -> None:
    root: dict[str, Any] = {"definitions": {"T": {"anyOf": [{"type": "null"}, {"$ref": "#/definitions/N"}]}}}
    root["definitions"]["N"] = {"type": "object", "properties": {"next": {"$ref": "#/definitions/T"}}}
    value: Any = None
    for _ in range(50):
        value = {"next": value}

    assert problem_of(value, {"$ref": "#/definitions/T"}, root) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists, max_leaves=6))
def test_a_value_written_into_a_field_is_read_back_as_itself(value: object) -> None:
    field = Field(name="x", schema={}, root={})

    assert field.read(field.text_of(value), NOW).value == value


@given(st.text(max_size=30))
def test_text_written_into_a_field_for_text_is_read_back(text: str) -> None:
    field = Field(name="x", schema={"type": "string"}, root={})

    assert field.read(field.text_of(text), NOW).value == text


@given(st.lists(st.text(max_size=8), max_size=4))
def test_a_list_of_text_is_read_back(words: list[str]) -> None:
    field = Field(name="x", schema={"type": "array", "items": {"type": "string"}}, root={})

    assert field.read(field.text_of(words), NOW).value == words


def test_a_form_comes_to_what_was_typed_and_writes_the_equal_command() -> None:
    form = a_form()
    typed(form, "tomorrow")
    form.move(1)
    typed(form, "20")
    form.move(1)
    form.press("space", " ")
    form.move(1)
    form.press("right", None)

    verb, fields = form.wish()

    assert form.first_problem() is None
    assert verb == "run"
    assert fields["parameters"] == {"day": "2026-11-24", "limit": 20, "full": True, "region": "us"}
    assert (fields["file"], fields["flow"]) == ("/flows/etl.py", "etl")
    words = shlex.split(form.command())
    assert words[:3] == ["flowctl", "run", "/flows/etl.py:etl"]
    assert words[3:] == ["-p", "day=2026-11-24", "-p", "limit=20", "-p", "full=true", "-p", "region=us"]


def test_nothing_typed_means_the_defaults_and_what_is_needed_is_found() -> None:
    form = a_form()

    assert form.filled() == Filled({}, {})
    assert form.first_problem() == 0


def test_a_secret_stands_in_no_command_line_and_not_on_the_screen() -> None:
    form = a_form()
    form.place = 6
    typed(form, "hunter2")

    assert "hunter2" not in form.command()
    assert "-p token=@FILE" in form.command()
    text = "\n".join(plain(each.line) for each in form_lines(form, 80))
    assert "hunter2" not in text
    assert "s3cret" not in text
    assert form.wish()[1]["parameters"] == {"token": "hunter2"}


@pytest.mark.parametrize("value", ["12", "null", '"x"', "@home", "a b"])
def test_text_that_looks_like_something_else_is_assigned_so_that_it_stays_text(value: str) -> None:
    schema = {"properties": {"x": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}}
    form = Form(flow_plan("etl", SOURCE, schema, {}), lambda: NOW)
    form.paste(json.dumps(value))

    words = shlex.split(form.command())

    if value in ("12", "null", '"x"'):
        assert words[3:] == ["--params-json", json.dumps({"x": value})]
    else:
        assert words[3:] == ["-p", f"x=@{value}" if value.startswith("@") else f"x={value}"]


def test_values_of_the_last_run_are_filled_in_but_for_those_that_are_hidden_or_do_not_fit() -> None:
    form = a_form()

    left = form.fill({"day": "2026-11-20", "limit": "many", "token": "********", "gone": 1})

    assert left == ["limit", "token"]
    assert form.edits[0].text == "2026-11-20"


@pytest.mark.parametrize(
    ("text", "away"),
    [("2h", timedelta(hours=2)), ("+90", timedelta(seconds=90)), ("in 1d", timedelta(days=1))],
)
def test_a_length_of_time_is_so_much_later(text: str, away: timedelta) -> None:
    assert read_time(text, NOW) == NOW + away


def test_times_of_the_day_are_the_next_ones_and_past_ones_are_refused() -> None:
    field = time_field("at", "")

    assert read_time("14:30", NOW) == NOW.replace(hour=14, minute=30, second=0)
    assert read_time("9:00", NOW) == (NOW + timedelta(days=1)).replace(hour=9, minute=0, second=0)
    assert read_time("tomorrow 9:00", NOW) == (NOW + timedelta(days=1)).replace(hour=9, minute=0, second=0)
    assert (field.read("2020-01-01", NOW).problem or "").endswith("has passed")
    assert (field.read("soon", NOW).problem or "").startswith("not a time: 'soon'")
    assert read_time("1d", NOW, is_past=True) == NOW - timedelta(days=1)
    assert read_time("2026-11-20T10:00+00:00", NOW) == datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(0)))


def test_a_line_is_edited_at_its_cursor() -> None:
    edit = LineEdit("one two")
    for key in ("left", "left", "left", "backspace"):
        edit.press(key)
    edit.insert("-\n")
    assert edit.text == "one- two"
    edit.press("end")
    edit.press("ctrl+w")
    assert edit.text == "one- "
    edit.press("ctrl+u")
    assert (edit.text, edit.at) == ("", 0)
    assert not edit.press("f5")


@given(st.lists(st.sampled_from(["left", "right", "home", "end", "backspace", "delete", "ctrl+w", "a", "é", "字"])))
def test_no_key_takes_the_cursor_out_of_its_line(keys: list[str]) -> None:
    edit = LineEdit()
    for key in keys:
        if not edit.press(key):
            edit.insert(key)
        assert 0 <= edit.at <= len(edit.text)


@pytest.mark.parametrize("width", [60, 80, 136])
@given(text=st.text(max_size=200))
def test_no_line_of_a_form_is_wider_than_the_screen_whatever_is_typed(width: int, text: str) -> None:
    form = a_form()
    form.paste(text)
    form.place = 1

    assert max(width_of(each.line) for each in form_lines(form, width, is_tried=True)) <= width


def test_buttons_are_found_by_the_column_that_was_clicked() -> None:
    form = a_form()
    line = plain(next(each.line for each in form_lines(form, 80) if each.is_buttons))

    assert button_at(form, line.index("Run now"), 80) == "run"
    assert button_at(form, line.index("Run at"), 80) == "when"
    assert button_at(form, line.index("Cancel"), 80) == "cancel"
    assert button_at(form, 0, 80) is None


def test_tags_a_time_and_a_name_are_of_the_run_and_not_of_its_parameters() -> None:
    schema = {"properties": {"tags": {"type": "string"}, "name": {"type": "string"}}}
    form = Form(flow_plan("etl", SOURCE, schema, {}), lambda: NOW)
    for place, text in enumerate(("x", "y", "a, b", "2h", "my-run")):
        form.place = place
        form.paste(text)

    _, fields = form.wish()

    assert fields["parameters"] == {"tags": "x", "name": "y"}
    assert (fields["tags"], fields["name"]) == (["a", "b"], "my-run")
    assert datetime.fromisoformat(str(fields["at"])) == NOW + timedelta(hours=2)
    assert "--tag a --tag b --name my-run" in form.command()


def test_a_list_of_choices_is_opened_narrowed_down_and_picked_from() -> None:
    form = a_form()
    form.go_to(3)

    form.press("space", " ")
    assert form.choice is not None
    assert form.choice.picked == "eu"
    text = "\n".join(plain(each.line) for each in form_lines(form, 80))
    assert "▸ eu" in text
    form.press("down", None)
    form.press("escape", None)
    assert form.filled() == Filled({}, {})
    typed(form, "u")
    assert form.choice is not None
    assert (list(form.choice.found), form.choice.picked) == (["us", "eu"], "us")
    form.press("enter", "\r")
    assert form.filled().parameters == {"region": "us"}
    typed(form, "nothing like it")
    assert "none of 2 has 'nothing like it'" in "\n".join(plain(each.line) for each in form_lines(form, 80))
    # A tab takes it and goes on; what is nothing changes nothing.
    assert not form.press("tab", None)
    assert "none of 2" not in "\n".join(plain(each.line) for each in form_lines(form, 80))
    assert form.filled().parameters == {"region": "us"}


def test_what_enter_does_is_said_once_a_time_is_given() -> None:
    form = a_form()
    place = form.place_of("start at")
    assert place is not None
    assert form.go == "Run now"
    form.go_to(place)
    form.paste("2h")

    assert form.go == "Run then"


@given(st.lists(st.sampled_from(["up", "down", "pagedown", "end", "home", "backspace", "u", "x", "space", "ctrl+u"])))
def test_no_key_takes_the_cursor_out_of_a_list(keys: list[str]) -> None:
    form = a_form()
    form.go_to(3)
    for key in keys:
        form.press(key, " " if key == "space" else key if len(key) == 1 else None)
        if form.choice is not None:
            assert 0 <= form.choice.place <= max(len(form.choice.found) - 1, 0)
        assert form.filled().parameters.get("region", "eu") in ("eu", "us")


def test_what_a_form_is_about_is_said_whole_on_a_small_screen() -> None:
    form = Form(flow_plan("etl", SOURCE, None, {"n": 1}), lambda: NOW)
    lines = [plain(each.line).strip() for each in form_lines(form, 40)]

    assert lines[:2] == ["the types of its parameters are not", "known"]
