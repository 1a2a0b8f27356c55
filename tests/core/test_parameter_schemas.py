"""The JSON schema of a flow's parameters, and what docstrings add to it."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import threading
from enum import Enum
from typing import Any, List, Literal, Optional  # noqa: UP035 - as users write them

import pytest
from pydantic import BaseModel

from flowctl.core.authoring.docstrings import parameter_descriptions
from flowctl.core.authoring.parameters import schema


class Color(Enum):
    RED = "red"


class Inner(BaseModel):
    n: int


_ODD = object()


class Outer(BaseModel):
    inner: Inner


def test_a_parameter_has_title_position_type_default_and_description() -> None:
    def main(a: int, b: str = "x", c: Optional[List[float]] = None) -> None:  # noqa: UP006, UP045
        """Doc.

        Args:
            a: the first
        """

    assert schema(main) == {
        "title": "Parameters",
        "type": "object",
        "properties": {
            "a": {"title": "a", "type": "integer", "position": 0, "description": "the first"},
            "b": {"title": "b", "type": "string", "position": 1, "default": "x"},
            "c": {
                "title": "c",
                "anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "null"}],
                "position": 2,
                "default": None,
            },
        },
        "required": ["a"],
    }


def test_models_become_definitions() -> None:
    def main(outer: Outer, inner: Inner, many: list[Inner]) -> None:
        pass

    found = schema(main)

    assert found["properties"]["outer"]["$ref"] == "#/definitions/Outer"
    assert found["properties"]["inner"]["$ref"] == "#/definitions/Inner"
    assert found["properties"]["many"]["items"] == {"$ref": "#/definitions/Inner"}
    assert found["definitions"]["Outer"]["properties"]["inner"] == {"$ref": "#/definitions/Inner"}
    assert found["definitions"]["Inner"]["properties"]["n"]["type"] == "integer"


def test_dates_enums_and_literals_say_so() -> None:
    def main(
        day: datetime.date, color: Color = Color.RED, mode: Literal["a", "b"] = "a", at: Any = datetime.date(2024, 1, 2)
    ) -> None:
        pass

    properties = schema(main)["properties"]

    assert properties["day"]["format"] == "date"
    assert properties["color"]["default"] == "red"
    assert properties["mode"]["enum"] == ["a", "b"]
    assert properties["at"]["default"] == "2024-01-02"


def test_collecting_parameters_are_arrays_and_objects() -> None:
    def main(*args: int, **kwargs: float) -> None:
        pass

    found = schema(main)

    assert found["properties"]["args"] == {
        "title": "args",
        "position": 0,
        "type": "array",
        "items": {"type": "integer"},
        "default": [],
    }
    assert found["properties"]["kwargs"]["additionalProperties"] == {"type": "number"}
    assert "required" not in found


def test_odd_annotations_and_defaults_never_raise() -> None:
    def main(a: Any, b: Any, c: Any = _ODD, d: Any = float("nan"), e: Any = frozenset({1})) -> None:
        pass

    main.__annotations__ |= {"a": threading.Lock, "b": "NoSuchName", "c": len}
    found = schema(main)

    assert set(found["properties"]) == {"a", "b", "c", "d", "e"}
    assert found["required"] == ["a", "b"]
    json.dumps(found, allow_nan=False)


def test_plain_annotations_do_not_import_pydantic() -> None:
    program = (
        "import sys\n"
        "from flowctl.core.authoring.parameters import schema\n"
        "def fn(a: int, b: str = 'x', c: list[int] | None = None, d: dict = {}): pass\n"
        "schema(fn)\n"
        "print('pydantic' in sys.modules)\n"
    )

    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "False"


@pytest.mark.parametrize(
    "docstring",
    [
        """Do it.

        Args:
            first (int): how many
                there are
            *second: the rest: all of it

        Returns:
            third: not a parameter
        """,
        """Do it.

        Parameters
        ----------
        first : int
            how many
            there are
        *second
            the rest: all of it

        Returns
        -------
        third : int
            not a parameter
        """,
        """Do it.

        :param int first: how many
            there are
        :param second: the rest: all of it
        :returns: third
        """,
    ],
    ids=["google", "numpy", "rest"],
)
def test_docstrings_of_three_styles_describe_parameters(docstring: str) -> None:
    assert parameter_descriptions(docstring) == {"first": "how many there are", "second": "the rest: all of it"}


def test_names_that_share_a_numpy_entry_share_its_description() -> None:
    docstring = "Do it.\n\nParameters\n----------\na, b : int\n    both\n"

    assert parameter_descriptions(docstring) == {"a": "both", "b": "both"}


def test_a_docstring_without_parameters_describes_none() -> None:
    assert parameter_descriptions("Do it: quickly.\n\nReturns:\n    a: number\n") == {}
    assert parameter_descriptions(None) == {}
