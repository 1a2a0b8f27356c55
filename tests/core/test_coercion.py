"""Flow parameters fitted to their annotations."""

from __future__ import annotations

import datetime
import decimal
import functools
import subprocess
import sys
import types
import typing
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Dict, List, Literal, NewType, Optional, Union  # noqa: UP035 - as users write them

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, PositiveInt, SecretStr, TypeAdapter

from flowctl.core.authoring.exceptions import ParameterTypeError
from flowctl.core.authoring.parameters import Parameters, coerce

UserId = NewType("UserId", int)


class Color(Enum):
    RED = "red"


class Model(BaseModel):
    n: int


class Checked(BaseModel):
    model_config = ConfigDict(revalidate_instances="always")
    n: int


@dataclass
class Point:
    x: int


class Row(typing.TypedDict):
    n: int
    note: typing.NotRequired[str]


class Plain:
    pass


def annotated(annotation: Any) -> Callable[[Any], Any]:
    def fn(x: Any) -> Any:
        return x

    fn.__annotations__ = {"x": annotation}
    return fn


def coerced(annotation: Any, value: Any) -> Any:
    fn = annotated(annotation)
    return coerce(fn, Parameters.of(fn).bind((value,), {}), what="Flow run")["x"]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, "5", 5),
        (float, "2.5", 2.5),
        (float, 3, 3.0),
        (bool, "yes", True),
        (int, True, 1),
        (Path, "/a/b", Path("/a/b")),
        (datetime.date, "2024-02-03", datetime.date(2024, 2, 3)),
        (List[int], ["1", 2], [1, 2]),  # noqa: UP006
        (list[int], (1, "2"), [1, 2]),
        (Dict[str, float], {"k": "3"}, {"k": 3.0}),  # noqa: UP006
        (Optional[int], "7", 7),  # noqa: UP045
        (int | None, None, None),
        (Color, "red", Color.RED),
        (Color, Color.RED, Color.RED),
        (Literal["a", 2], 2, 2),
        (UserId, "4", 4),
        (Model, {"n": "1"}, Model(n=1)),
        (tuple[int, str], ["1", "b"], (1, "b")),
        (set[int], [1, 1], {1}),
        (uuid.UUID, "12345678123456781234567812345678", uuid.UUID(int=0x12345678123456781234567812345678)),
        (decimal.Decimal, "1.5", decimal.Decimal("1.5")),
        (bytes, "ab", b"ab"),
        ("int", "5", 5),
        ("typing.List[int]", ["4"], [4]),
        (list["int"], ["4"], [4]),
        (PositiveInt, "4", 4),
        (Row, {"n": "4"}, {"n": 4}),
        (list[Row], [{"n": "4", "note": "x"}], [{"n": 4, "note": "x"}]),
        (Row | None, {"n": "4"}, {"n": 4}),
    ],
)
def test_values_are_made_to_fit(annotation: Any, value: Any, expected: Any) -> None:
    result = coerced(annotation, value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, "x"),
        (int, 1.5),
        (str, 5),
        (Literal["a"], "b"),
        (Color, "blue"),
        (list[int], ["x"]),
        (dict[str, int], {"a": "x"}),
        (Plain, 3),
        (Model, 3),
        (PositiveInt, -1),
        (tuple[int, int], (1,)),
        (decimal.Decimal, decimal.Decimal("nan")),
        (typing.Annotated[list[int], "note"], ["x"]),
    ],
)
def test_values_that_cannot_fit_are_refused(annotation: Any, value: Any) -> None:
    with pytest.raises(ParameterTypeError, match=r"Flow run received invalid parameters:\n - x"):
        coerced(annotation, value)


def test_the_error_names_every_wrong_parameter_its_place_and_its_value() -> None:
    def fn(a: int, b: List[int], *rest: int, **more: int) -> None:  # noqa: UP006
        pass

    bound = Parameters.of(fn).bind(("no", [1, "bad"], 3, "worse"), {"z": "worst"})
    with pytest.raises(ParameterTypeError) as caught:
        coerce(fn, bound, what="Flow run")

    lines = str(caught.value).splitlines()
    assert lines[0] == "Flow run received invalid parameters:"
    assert lines[1] == " - a: Input should be a valid integer, unable to parse string as an integer, got 'no'"
    assert [line.split(":")[0] for line in lines[1:]] == [" - a", " - b.1", " - rest[1]", " - z"]


def test_the_error_does_not_tell_secrets() -> None:
    def fn(password: int, key: SecretStr, settings: dict[str, int]) -> None:
        pass

    with pytest.raises(ParameterTypeError) as caught:
        coerce(fn, {"password": "hunter2", "key": 5555, "settings": {"api_token": "xyzzy"}}, what="Flow run")

    assert "- password" in str(caught.value)
    assert "- key" in str(caught.value)
    for secret in ("hunter2", "5555", "xyzzy"):
        assert secret not in str(caught.value)


def test_the_elements_of_collecting_parameters_are_fitted() -> None:
    def fn(*args: int, **kwargs: float) -> None:
        pass

    result = coerce(fn, {"args": ("1", 2), "kwargs": {"a": "1.5"}}, what="Flow run")

    assert result == {"args": (1, 2), "kwargs": {"a": 1.5}}


def test_annotated_containers_are_copied_and_others_are_the_callers_own() -> None:
    def fn(typed: Any, exact: dict[str, int], nested: list[list[int]], loose: Any) -> None:
        pass

    fn.__annotations__["typed"] = list
    given: Any = {"typed": [1], "exact": {"a": 1}, "nested": [[1]], "loose": [1]}
    result = coerce(fn, given, what="Flow run")

    assert result == given
    assert result["typed"] is not given["typed"]
    assert result["exact"] is not given["exact"]
    assert result["nested"][0] is not given["nested"][0]
    assert result["loose"] is given["loose"]


def test_instances_of_models_dataclasses_and_own_classes_are_passed_on() -> None:
    for annotation, value in ((Model, Model(n=1)), (Point, Point(1)), (Plain, Plain()), (Plain | None, Plain())):
        assert coerced(annotation, value) is value


def test_a_model_that_wants_to_be_validated_again_is() -> None:
    changed = Checked(n=1)
    changed.n = "five"  # type: ignore[assignment] # pyright: ignore

    with pytest.raises(ParameterTypeError):
        coerced(Checked, changed)


def test_a_none_default_needs_no_optional() -> None:
    def fn(x: int = None) -> None:  # type: ignore[assignment] # pyright: ignore # noqa: RUF013
        pass

    parameters = Parameters.of(fn)

    assert coerce(fn, parameters.bind((), {}), what="Flow run") == {"x": None}
    assert coerce(fn, parameters.bind(("3",), {}), what="Flow run") == {"x": 3}


def test_annotations_that_mean_nothing_count_as_none() -> None:
    for odd in ("NoSuchName", "1 +", 5, object(), "missing.attribute", ...):
        assert coerced(odd, "5") == "5"


def test_string_annotations_see_the_closure_and_the_globals() -> None:
    class Local:
        pass

    def fn(x: Local, y: Color) -> Any:
        return Local, x, y

    value = Local()

    assert coerce(fn, {"x": value, "y": "red"}, what="Flow run") == {"x": value, "y": Color.RED}
    with pytest.raises(ParameterTypeError):
        coerce(fn, {"x": 5, "y": "red"}, what="Flow run")


def test_partials_methods_and_wrapped_functions_are_fitted() -> None:
    def fn(a: int, b: int) -> None:
        pass

    class Shop:
        def order(self, a: int) -> None:
            pass

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        pass

    assert coerce(functools.partial(fn, 1), {"b": "2"}, what="Flow run") == {"b": 2}
    assert coerce(Shop().order, {"a": "2"}, what="Flow run") == {"a": 2}
    assert coerce(wrapper, {"a": "1", "b": "2"}, what="Flow run") == {"a": 1, "b": 2}


def _containers_of(inner: Any) -> Any:
    made = [
        inner.map(_list_of),
        inner.map(_tuple_of),
        inner.map(_dict_of),
        st.tuples(inner, st.just(None)).map(_union_of),
        st.tuples(inner, inner).map(_union_of),
    ]
    return st.one_of(*made)


def _list_of(one: Any) -> Any:
    return types.GenericAlias(list, (one,))


def _tuple_of(one: Any) -> Any:
    return types.GenericAlias(tuple, (one, ...))


def _dict_of(one: Any) -> Any:
    return types.GenericAlias(dict, (str, one))


def _union_of(members: Any) -> Any:
    return Union.__getitem__(members)  # pyright: ignore


_ANNOTATIONS: Any = st.recursive(
    st.sampled_from([int, str, float, bool, bytes, type(None), Any, Color, Literal["a", 1], datetime.date, list, dict]),
    _containers_of,
    max_leaves=4,
)
_VALUES: Any = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-10, 10),
        st.floats(allow_nan=False),
        st.sampled_from(["a", "1", "x", b"a", Color.RED, datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1)]),  # noqa: DTZ001
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(st.text(), inner)
    ),
    max_leaves=5,
)


@settings(deadline=None)  # the first example imports pydantic
@given(annotation=_ANNOTATIONS, value=_VALUES)
def test_the_result_is_what_pydantic_gives(annotation: Any, value: Any) -> None:
    fn = annotated(annotation)
    try:
        expected = TypeAdapter(annotation).validate_python(value)
    except ValueError:
        with pytest.raises(ParameterTypeError):
            coerce(fn, {"x": value}, what="Flow run")
        return

    result = coerce(fn, {"x": value}, what="Flow run")["x"]

    assert repr(result) == repr(expected)


def test_values_of_the_right_type_do_not_import_pydantic() -> None:
    program = """
import sys, datetime, enum
from pathlib import Path
from typing import *
from flowctl.core.authoring.parameters import Parameters, coerce
class Color(enum.Enum): RED = "red"
class Own: pass
def fn(i: int, f: float, b: bool, p: Path, d: datetime.datetime, xs: List[int], m: Dict[str, float], c: Color,
       l: Literal["a"], u: int | str, t: tuple[int, str], own: Own,
       o: Optional[int] = None, s: "str" = "x", *a: Any): ...
bound = Parameters.of(fn).bind((1, 2, True, Path("a"), datetime.datetime(2024, 1, 1), [1], {"k": 1.0}, Color.RED,
                                "a", "x", (1, "b"), Own()), {})
assert coerce(fn, bound, what="Flow run") == bound
print("pydantic" in sys.modules)
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "False"
