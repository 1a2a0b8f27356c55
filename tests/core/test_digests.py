"""The identity of arguments: the same in every process for equal values."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from flowctl.core.authoring.canonical import CannotHash, canonical_hash
from flowctl.core.engine.digests import SIZE, Shared, digest

PROGRAM = '''
"""Prints the digests of many values; runs as a script and as a module."""
import datetime, decimal, functools, pathlib, sys, uuid
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
import pandas as pd
from flowctl.core.engine.digests import digest
from pydantic import BaseModel

class Color(Enum):
    RED = "red"

class Pair(NamedTuple):
    a: int
    b: set

@dataclass
class Point:
    x: object

class Model(BaseModel):
    tags: set[str]

class Slots:
    __slots__ = ("a",)
    def __init__(self): self.a = {"x", "y"}

def named(x): return x

def outer(n):
    def inner(x): return x + n
    return inner

words = [f"word-{n}" for n in range(50)]
VALUES = dict(
    numbers=(1, 2.5, True, None, 10**30, -0.0), text="é\\ud800", data=b"ab", long="x" * 10_000,
    strings=set(words), frozen=frozenset(words), mixed={1, "a", None, (1, "b"), frozenset(words)},
    table={word: {word} for word in words}, keys={(1, "a"): 1, "b": 2, None: 3, 4.5: 4},
    color=Color.RED, pair=Pair(1, set(words)), point=Point(set(words)), model=Model(tags=set(words)), slots=Slots(),
    day=datetime.date(2024, 1, 2), at=datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
    path=pathlib.Path("/a/b"), id=uuid.UUID(int=1), amount=decimal.Decimal("1.5"),
    cls=Point, function=named, inner=outer(3), lambda_=lambda x: x in {"a", "b", "c"},
    partial=functools.partial(named, 1),
    array=np.arange(10), frame=pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), twice=[words, words], builtin=len,
    method=Point(1).__init__,
)
def main(main_name=None):
    for name, value in VALUES.items():
        found = digest({"x": value}, main_name)
        print(name, found.hex() if found else None)

if __name__ == "__main__":
    main(*sys.argv[1:])
'''


class Model(BaseModel):
    n: int = 1


@dataclass
class Point:
    x: Any


def _output(folder: Path, seed: str, *arguments: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment, cwd=folder
    )
    return done.stdout.splitlines()


def test_digests_are_equal_in_processes_with_other_hash_seeds(tmp_path: Path) -> None:
    (tmp_path / "values.py").write_text(PROGRAM)

    first = _output(tmp_path, "1", "values.py")
    second = _output(tmp_path, "4242", "values.py")

    assert len(first) > 25
    assert [line for line in first if line.endswith("None")] == []
    assert len({line.split()[1] for line in first}) == len(first)
    assert first == second


@pytest.mark.parametrize("name", ["values", ""])
def test_a_script_and_the_same_file_as_a_module_give_equal_digests(tmp_path: Path, name: str) -> None:
    (tmp_path / "values.py").write_text(PROGRAM)

    as_script = _output(tmp_path, "1", str(tmp_path / "values.py"), *([name] if name else []))
    as_module = _output(tmp_path, "2", "-c", "import values; values.main()")

    assert as_script == as_module


def test_a_script_inside_a_package_and_as_its_module_give_equal_digests(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    (tmp_path / "jobs" / "values.py").write_text(PROGRAM)

    as_script = _output(tmp_path, "1", "jobs/values.py")
    as_program = _output(tmp_path, "2", "-m", "jobs.values")
    as_module = _output(tmp_path, "3", "-c", "import jobs.values; jobs.values.main()")

    assert as_script == as_program == as_module


def test_which_objects_are_shared_makes_no_difference() -> None:
    one = "".join(["a", "b", "c" * 5000])
    other = "".join(["a", "b", "c" * 5000])
    assert one is not other

    for same, apart in (((one, one), (one, other)), ([Point(one)] * 2, [Point(one), Point(other)])):
        assert digest({"x": same}) == digest({"x": apart})


def test_the_order_of_dicts_makes_no_difference() -> None:
    assert digest({"x": {"a": 1, "b": [2]}}) == digest({"x": {"b": [2], "a": 1}})
    assert digest({"x": {1: "a", "b": None}}) == digest({"x": {"b": None, 1: "a"}})


OTHERS: list[tuple[Any, Any]] = [
    (1, 2),
    (1, True),
    (1, 1.0),
    ("1", 1),
    ("a", b"a"),
    ([1, 2], (1, 2)),
    ([1, [2]], [[1], 2]),
    ([["a"], ["b"]], [["a", "b"], []]),
    ({"a": 1}, {"a": 2}),
    ({1, 2}, {1, 3}),
    ({1, 2}, frozenset({1, 2})),
    ({(1,), "a"}, {(2,), "a"}),
    (Point(1), Point(2)),
    (Model(n=1), Model(n=2)),
    ("x" * 5000, "x" * 4999 + "y"),
    (list(range(100_000)), [*range(99_999), 5]),
    (np.arange(5), np.arange(1, 6)),
    (np.zeros((2, 3)), np.zeros((3, 2))),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    (len, max),
    (lambda: 1, lambda: 2),
    ("a".join, "b".join),
    ({n: n for n in range(100)}, {n: n + 1 for n in range(100)}),
]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_values_have_other_digests(one: Any, other: Any) -> None:
    assert digest({"x": one}) != digest({"x": other})
    assert digest({"x": [one, Point(1)]}) != digest({"x": [other, Point(1)]})


def test_the_names_of_parameters_count() -> None:
    assert digest({"x": 1}) != digest({"y": 1})


def test_fields_left_to_their_default_make_no_difference() -> None:
    assert digest({"x": Model()}) == digest({"x": Model(n=1)})


def _endless() -> list[Any]:
    endless: list[Any] = []
    endless.append({"again": endless})
    return endless


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


class Raises:
    def __reduce__(self) -> Any:
        raise RuntimeError("not this one")


@pytest.mark.parametrize(
    "make",
    [threading.Lock, lambda: (letter for letter in "abc"), _endless, _deep, Raises, lambda: [Point(threading.Lock())]],
)
def test_what_cannot_be_told_again_has_no_digest(make: Callable[[], Any]) -> None:
    value = make()

    assert digest({"x": value, "y": 1}) is None
    with pytest.raises(CannotHash):
        canonical_hash(value)


def test_a_digest_is_eight_bytes() -> None:
    for value in (1, "a", [1], Point(1), "x" * 10_000_000):
        found = digest({"x": value})
        assert found is not None
        assert len(found) == SIZE


def test_huge_arguments_take_neither_time_nor_memory_and_still_differ() -> None:
    array = np.zeros(20_000_000, dtype=np.uint8)
    text, data, rows = "x" * 50_000_000, b"x" * 50_000_000, [[n] for n in range(300_000)]
    shared: list[Any] = [1]
    for _ in range(100):
        shared = [shared, shared]
    values = (array, text, data, rows, shared, pd.DataFrame({"a": array}))
    began = time.process_time()

    for value in values:
        assert digest({"x": value}) is not None

    took = time.process_time() - began
    tracemalloc.start()
    for value in values[:3]:
        digest({"x": value})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 3
    assert peak < 30_000_000
    assert digest({"x": text}) != digest({"x": text + "x"})
    assert digest({"x": data}) != digest({"x": data[:-1] + b"y"})


@pytest.mark.parametrize("part", [b"x", "x", "é"])
def test_large_arguments_that_differ_somewhere_have_other_digests(part: Any) -> None:
    half = part * 3_000_000

    assert digest({"x": half + part + half}) != digest({"x": half + type(part)() + half + part[:0]})
    assert digest({"x": half + half}) != digest({"x": half + half[:-1] + (b"y" if isinstance(part, bytes) else "y")})
    middle = [*range(500_000), "a", *range(500_000)]
    assert digest({"x": middle}) != digest({"x": [*middle[:500_000], "b", *middle[500_001:]]})


def test_a_digest_of_a_part_only_can_be_told() -> None:
    rows = [[n] for n in range(200_000)]
    whole, in_part = digest({"x": rows[:1000]}), digest({"x": rows})

    assert (len(whole or b""), len(in_part or b"")) == (SIZE, SIZE + 1)
    assert digest({"x": [*rows[:-1], [0]]}) == in_part, "the limit is where this test takes it to be"
    assert canonical_hash(rows) != canonical_hash([*rows[:-1], [0]]), "without a limit all of a value counts"


def test_what_the_calls_of_a_map_have_in_common_is_hashed_once_and_still_counts() -> None:
    class Counted:
        times = 0

        def __reduce__(self) -> Any:
            Counted.times += 1
            return (dict, ())

    same, shared = Counted(), Shared(["common"])

    digests = [digest({"x": n, "common": same}, shared=shared) for n in range(5)]

    assert Counted.times == 1
    assert len(set(digests)) == 5
    assert digest({"x": 1, "common": [2]}, shared=Shared(["common"])) != digest(
        {"x": 1, "common": [3]}, shared=Shared(["common"])
    )
    in_part = digest({"x": 1, "common": [[n] for n in range(200_000)]}, shared=Shared(["common"]))
    assert in_part is not None
    assert len(in_part) == SIZE + 1


_PLAIN: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


def _copied(value: Any) -> Any:
    """The same value, with no object in common that can be avoided."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(item) for item in value)  # pyright: ignore
    if isinstance(value, dict):
        return {_copied(key): _copied(item) for key, item in reversed(value.items())}  # pyright: ignore
    return value


@given(value=_PLAIN, other=_PLAIN)
def test_digests_are_equal_just_when_values_are(value: Any, other: Any) -> None:
    assert digest({"x": value}) == digest({"x": _copied(value)})
    if value != other:
        assert digest({"x": value}) != digest({"x": other})
