"""Parameters from the command line: how they are read, and what is said when they do not fit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from flowctl import Flow, flow
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.parameters import read_parameters


class Size(Enum):
    SMALL = "small"
    TWO = 2


@flow
def everything(
    text: str = "",
    maybe: str | None = "x",
    count: int = 0,
    share: float = 0.0,
    flag: bool = False,
    day: date = date(2026, 1, 1),
    path: Path = Path(),
    exact: Decimal = Decimal(0),
    size: Size = Size.SMALL,
    mode: Literal["fast", 3] = "fast",
    either: int | str = 0,
    names: list[str] = [],  # noqa: B006 - as users write it
    numbers: list[int] | None = None,
    later: date | None = None,
    options: dict[str, int] = {},  # noqa: B006
    anything: Any = None,
) -> None: ...


@flow
def needy(source: str, limit: int = 20, *, password: str = "hunter2") -> None:
    """Copy.

    Args:
        source: where the rows come from
        limit: most rows to read
    """


@flow
def open_ended(*rows: int, **more: float) -> None: ...


def read(target: Flow[..., Any], *assignments: str, **sources: Any) -> dict[str, Any]:
    return read_parameters(target, assignments, **sources)


def refused(target: Flow[..., Any], *assignments: str, **sources: str) -> str:
    with pytest.raises(CommandError) as caught:
        read(target, *assignments, **sources)
    return str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("text=5", "5"),
        ("text=true", "true"),
        ("text=null", "null"),
        ("text=a=b", "a=b"),
        ("text=", ""),
        ("text=@@home", "@home"),
        ("maybe=5", "5"),
        ("maybe=null", None),
        ("count=5", 5),
        ("count=-3", -3),
        ("share=5", 5),
        ("share=1e3", 1000.0),
        ("flag=true", True),
        ("flag=yes", "yes"),
        ("day=2026-11-23", "2026-11-23"),
        ("path=12", "12"),
        ("exact=0.1", "0.1"),
        ("size=small", "small"),
        ("size=2", 2),
        ("size=TWO", Size.TWO),
        ("mode=fast", "fast"),
        ("mode=3", 3),
        ("either=5", 5),
        ("either=five", "five"),
        ("names=one", ["one"]),
        ("names=5", ["5"]),
        ('names=["a", "b"]', ["a", "b"]),
        ("numbers=5", [5]),
        ("numbers=null", None),
        ("numbers=1,2", [1, 2]),
        ("later=none", None),
        ('options={"a": 1}', {"a": 1}),
        ("anything=5", 5),
        ("anything=True", True),
        ("anything=None", None),
        ("anything=some words", "some words"),
        ('anything={"a": [1]}', {"a": [1]}),
    ],
)
def test_a_value_is_read_as_its_annotation_has_it(assignment: str, value: object) -> None:
    name = assignment.partition("=")[0]

    found = read(everything, assignment)

    assert found == {name: value}
    assert type(found[name]) is type(value)


def test_a_repeated_assignment_makes_a_list_where_the_parameter_is_one() -> None:
    assert read(everything, "names=a", "names=b,c") == {"names": ["a", "b,c"]}
    assert read(open_ended, "rows=1", "rows=2") == {"rows": [1, 2]}
    assert "'count' takes one value" in refused(everything, "count=1", "count=2")


def test_a_value_comes_from_a_file_with_an_at_sign(tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("select 1\n")

    assert read(everything, f"text=@{tmp_path}/query.sql") == {"text": "select 1"}
    assert "For a value that begins with @, write @@." in refused(everything, "text=@nothing-here")


def test_json_beats_the_file_and_single_assignments_beat_both(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('text = "toml"\ncount = 1\nshare = 0.5\nday = 2026-02-03\n')

    found = read(everything, "count=3", json_text='{"text": "json", "count": 2}', file=str(tmp_path / "p.toml"))

    assert found == {"text": "json", "count": 3, "share": 0.5, "day": date(2026, 2, 3)}


def test_dashes_stand_for_underscores() -> None:
    @flow
    def dashed(api_base: str = "") -> None: ...

    assert read(dashed, "api-base=x") == {"api_base": "x"}


def test_an_unknown_parameter_names_the_nearest_and_lists_all() -> None:
    said = refused(needy, "sorce=x").split("\n")

    assert said[0] == "Flow 'needy' has no parameter 'sorce'. Did you mean 'source'?"
    assert said[1:] == [
        "  source    str  (required)  where the rows come from",
        "  limit     int = 20         most rows to read",
        "  password  str = ********",
    ]


def test_extra_names_go_where_the_flow_takes_them() -> None:
    assert read(open_ended, "speed=1.5") == {"speed": 1.5}


def test_missing_parameters_are_described() -> None:
    assert refused(needy).split("\n") == [
        "Flow 'needy' needs a value for 'source'. Give it with -p name=value.",
        "  source  str  (required)  where the rows come from",
    ]


def test_mistyped_values_are_all_told_with_what_was_expected() -> None:
    said = refused(everything, "count=many", "day=soon", "size=huge")

    assert "  count: Input should be a valid integer, unable to parse string as an integer, got 'many'" in said
    assert "  day: " in said
    assert "  size: Input should be 'small' or 2" in said
    assert "  count  int = 0" in said


def test_a_flow_that_does_not_validate_gets_what_was_typed() -> None:
    @flow(validate_parameters=False)
    def lax(count: int = 0) -> None: ...

    assert read(lax, "count=many") == {"count": "many"}


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"json_text": "{"}, "--params-json is not valid JSON"),
        ({"json_text": "[1]"}, "must be a JSON object"),
        ({"file": "nothing.json"}, "cannot be read: No such file"),
    ],
)
def test_broken_sources_are_named(sources: dict[str, str], said: str) -> None:
    assert said in refused(everything, **sources)


def test_a_yaml_file_is_refused_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "parameters.yaml").write_text("count: 3")

    said = refused(everything, file=str(tmp_path / "parameters.yaml"))

    assert "is YAML, which is not read. Write it as .json or .toml." in said


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("a = \n")

    assert "p.toml' is not valid TOML: Invalid value (at line 1" in refused(everything, file=str(tmp_path / "p.toml"))


@pytest.mark.parametrize("assignment", ["count", "=5", ""])
def test_an_assignment_without_name_or_sign_is_refused(assignment: str) -> None:
    assert "is not of the form name=value" in refused(everything, assignment)
