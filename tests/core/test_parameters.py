"""Binding arguments to parameters as Python does, and back."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from flowctl.core.authoring.exceptions import ParameterBindError
from flowctl.core.authoring.parameters import Parameters


def two(a: Any, b: Any) -> Any:
    return a, b


def three(a: Any, b: Any, c: Any, d: Any = 1) -> Any:
    return a, b, c, d


def everything(a: Any, b: Any = 2, /, c: Any = 3, *rest: Any, d: Any, e: Any = 5, **more: Any) -> Any:
    return a, b, c, rest, d, e, more


class Shop:
    def order(self, a: int, b: int = 1) -> int:
        return a + b

    @classmethod
    def make(cls, a: int) -> int:
        return a

    def __call__(self, a: int, *, b: int = 3) -> int:
        return a + b


def wrap(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return inner


def test_the_parts_of_a_signature_are_told_in_its_order() -> None:
    parameters = Parameters.of(everything)

    assert parameters.names == ("a", "b", "c", "rest", "d", "e", "more")
    assert parameters.required == {"a", "d"}
    assert parameters.defaults == {"b": 2, "c": 3, "e": 5}
    assert parameters.positional_only == ("a", "b")
    assert parameters.var_positional == "rest"
    assert parameters.var_keyword == "more"


def test_binding_applies_defaults_and_keeps_the_order_of_the_signature() -> None:
    bound = Parameters.of(everything).bind((1,), {"z": 9, "d": 4, "c": 30, "a": 7})

    assert list(bound.items()) == [
        ("a", 1),
        ("b", 2),
        ("c", 30),
        ("rest", ()),
        ("d", 4),
        ("e", 5),
        ("more", {"z": 9, "a": 7}),
    ]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((1, 2, 3, 4, 5), {"d": 6}),
        ((1,), {"d": 6, "c": 0}),
        ((1, 2), {"d": 6, "e": 7, "a": 8, "b": 9}),
    ],
)
def test_what_was_bound_calls_the_function_as_before(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    parameters = Parameters.of(everything)

    unbound_args, unbound_kwargs = parameters.unbind(parameters.bind(args, kwargs))

    assert everything(*unbound_args, **unbound_kwargs) == everything(*args, **kwargs)


WRONG: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (two, (1,), {}),
    (two, (), {}),
    (two, (1, 2, 3), {}),
    (two, (1, 2), {"qqqqq": 3}),
    (two, (1, 2), {"a": 3}),
    (everything, (), {"d": 1}),
    (everything, (1,), {}),
    (lambda: None, (1,), {}),
    (three, (1,), {}),
    (Shop.order, (), {}),
]


@pytest.mark.parametrize(("fn", "args", "kwargs"), WRONG)
def test_errors_are_worded_as_python_words_them(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(TypeError) as python:
        fn(*args, **kwargs)

    with pytest.raises(ParameterBindError) as ours:
        Parameters.of(fn).bind(args, kwargs)

    assert str(ours.value) == str(python.value)


def test_a_type_error_of_the_default_is_not_taken_for_a_wrong_call() -> None:
    def fn(a: Any = NotImplemented) -> Any:
        return a

    assert Parameters.of(fn).bind((), {}) == {"a": NotImplemented}


def test_functions_of_one_shape_keep_their_own_names_and_defaults() -> None:
    def first(x: int = 1) -> int:
        return x

    def second(x: int = 2) -> int:
        return x

    assert Parameters.of(first).bind((), {}) == {"x": 1}
    assert Parameters.of(second).bind((), {}) == {"x": 2}
    with pytest.raises(ParameterBindError, match=r"second\(\) takes"):
        Parameters.of(second).bind((1, 2), {})


@pytest.mark.parametrize(
    ("fn", "names"),
    [
        (functools.partial(two, 1), ("b",)),
        (functools.partial(two, b=1), ("a", "b")),
        (Shop().order, ("a", "b")),
        (Shop.make, ("a",)),
        (Shop(), ("a", "b")),
        (wrap(two), ("a", "b")),
        (wrap(wrap(everything)), Parameters.of(everything).names),
        (dict, ("args", "kwargs")),
        (Shop.order, ("self", "a", "b")),
    ],
)
def test_callables_of_every_kind_have_parameters(fn: Callable[..., Any], names: tuple[str, ...]) -> None:
    assert Parameters.of(fn).names == names


def test_a_partial_is_called_with_what_was_bound() -> None:
    partial = functools.partial(everything, 1, d=4)
    parameters = Parameters.of(partial)

    args, kwargs = parameters.unbind(parameters.bind((20,), {"e": 50}))

    assert partial(*args, **kwargs) == (1, 20, 3, (), 4, 50, {})


def test_arguments_given_by_name_reach_positional_only_and_collecting_parameters() -> None:
    parameters = Parameters.of(everything)

    bound = parameters.bind_named({"a": 1, "rest": [4, 5], "d": 6, "more": {"z": 1}, "y": 2})

    assert bound == {"a": 1, "b": 2, "c": 3, "rest": (4, 5), "d": 6, "e": 5, "more": {"z": 1, "y": 2}}


def test_arguments_given_by_name_are_refused_as_in_a_call() -> None:
    with pytest.raises(ParameterBindError, match="missing 1 required positional argument: 'b'"):
        Parameters.of(two).bind_named({"a": 1})
    with pytest.raises(ParameterBindError, match="unexpected keyword argument 'c'"):
        Parameters.of(two).bind_named({"a": 1, "b": 2, "c": 3})
    with pytest.raises(ParameterBindError, match="missing 1 required positional argument: 'a'"):
        Parameters.of(everything).bind_named({"d": 3})


def test_plain_functions_are_bound_without_importing_inspect() -> None:
    program = (
        "import sys\n"
        "from flowctl.core.authoring.parameters import Parameters, coerce\n"
        "import functools\n"
        "def fn(a: int, b: 'str' = 'x', *c: float): pass\n"
        "@functools.wraps(fn)\n"
        "def wrapped(*args): pass\n"
        "for one in (fn, wrapped):\n"
        "    parameters = Parameters.of(one)\n"
        "    parameters.unbind(coerce(one, parameters.bind((1,), {}), what='Flow run'))\n"
        "print(sorted({'inspect', 'pydantic', 'dataclasses', 'json'} & set(sys.modules)))\n"
    )

    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"


def test_a_function_that_wraps_itself_is_refused_with_a_reason() -> None:
    def fn() -> None:
        """Do nothing."""

    fn.__dict__["__wrapped__"] = fn

    with pytest.raises(ValueError, match="wrapped in itself"):
        Parameters.of(fn)
