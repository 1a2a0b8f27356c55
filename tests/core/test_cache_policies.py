"""Cache keys: what has to be equal for a result to be used again."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flowctl.core.authoring.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CacheKeyFnPolicy,
    CachePolicy,
    source_hash,
    task_input_hash,
)
from flowctl.core.authoring.retry_delays import exponential_backoff


def work(x: int) -> int:
    return x


def other_work(x: int) -> int:
    return x + 1


def a_context(fn: Any = work, *, key: str = "m.work", flow_run_id: str | None = "flow-run", run: str = "run") -> Any:
    task = SimpleNamespace(fn=fn, task_key=key, name="work")
    return SimpleNamespace(task=task, task_run=SimpleNamespace(id=run), flow_run_id=flow_run_id)


def key(policy: CachePolicy, inputs: Any = None, parameters: Any = None, **context: Any) -> str | None:
    return policy.compute_key(a_context(**context), inputs if inputs is not None else {"x": 1}, parameters)


def test_inputs_make_one_key_for_equal_arguments_of_one_task() -> None:
    assert key(INPUTS, {"x": 1, "y": [2]}) == key(INPUTS, {"y": [2], "x": 1})
    assert key(INPUTS, {"x": 1}) != key(INPUTS, {"x": 2})
    assert key(INPUTS, {"x": 1}) != key(INPUTS, {"x": 1}, key="m.other")


def test_a_task_without_parameters_can_be_cached_by_its_inputs() -> None:
    assert key(INPUTS, {}) == key(INPUTS, {}) is not None


def test_large_inputs_that_differ_late_have_other_keys() -> None:
    assert key(INPUTS, {"x": [*range(500_000), 1]}) != key(INPUTS, {"x": [*range(500_000), 2]})


def test_a_parameter_can_be_left_out() -> None:
    policy = INPUTS - "noise" - "more"

    assert key(policy, {"x": 1, "noise": 1, "more": 1}) == key(policy, {"x": 1, "noise": 2, "more": 2})
    assert key(policy, {"x": 1, "noise": 1}) != key(policy, {"x": 2, "noise": 1})
    assert key(INPUTS, {"x": 1, "noise": 1}) != key(INPUTS, {"x": 1, "noise": 2}), "INPUTS itself stays as it was"
    joined = (INPUTS + TASK_SOURCE) - "noise"
    assert key(joined, {"x": 1, "noise": 1}) == key(joined, {"x": 1, "noise": threading.Lock()})
    assert TASK_SOURCE - "noise" == TASK_SOURCE


def test_the_source_of_the_task_counts() -> None:
    assert key(TASK_SOURCE, fn=work) != key(TASK_SOURCE, fn=other_work)
    assert key(TASK_SOURCE, {"x": 1}) == key(TASK_SOURCE, {"x": 2})


def test_a_change_anywhere_in_the_function_is_seen_and_outside_is_not(tmp_path: Path) -> None:
    source = "def f(x):\n    def g():\n        return (\n            x,\n            1,\n        )\n    return g\n"

    def hashed(text: str, name: str) -> str:
        file = tmp_path / name
        file.write_text(text)
        names: dict[str, Any] = {}
        exec(compile(text, str(file), "exec"), names)
        return source_hash(names["f"])

    same, moved = hashed(source, "a.py"), hashed(f"y = 1\n\n{source}\nz = 2\n", "b.py")
    changed = [hashed(source.replace("1,", "2,"), "c.py"), hashed(source.replace("f(x)", "f(x, y=1)"), "d.py")]

    assert same == moved
    assert len({same, *changed}) == 3


def test_functions_without_source_text_are_told_apart_by_their_code() -> None:
    names: dict[str, Any] = {}
    exec("def f(): return 1\ndef g(): return 2\ndef h(): return 1", names)

    assert source_hash(names["f"]) != source_hash(names["g"])
    assert source_hash(functools.partial(work, 1)) == source_hash(work)
    assert source_hash(len) != source_hash(max)


def test_the_run_id_is_the_flow_runs_or_else_the_task_runs() -> None:
    assert key(RUN_ID, flow_run_id="a", run="x") == key(RUN_ID, flow_run_id="a", run="y")
    assert key(RUN_ID, flow_run_id="a") != key(RUN_ID, flow_run_id="b")
    assert key(RUN_ID, flow_run_id=None, run="x") != key(RUN_ID, flow_run_id=None, run="y")


def test_flow_parameters_count_where_there_are_any() -> None:
    assert key(FLOW_PARAMETERS, parameters={"p": 1}) == key(FLOW_PARAMETERS, {"x": 9}, {"p": 1})
    assert key(FLOW_PARAMETERS, parameters={"p": 1}) != key(FLOW_PARAMETERS, parameters={"p": 2})
    assert key(FLOW_PARAMETERS, parameters={}) is None
    assert key(FLOW_PARAMETERS) is None


def test_the_default_reuses_within_one_flow_run_only() -> None:
    assert key(DEFAULT) == key(DEFAULT)
    assert key(DEFAULT) != key(DEFAULT, flow_run_id="other")
    assert key(DEFAULT) != key(DEFAULT, {"x": 2})
    assert key(DEFAULT) != key(DEFAULT, fn=other_work)


def test_no_cache_gives_way_and_parts_without_a_key_are_passed_over() -> None:
    assert key(NO_CACHE) is None
    assert NO_CACHE + INPUTS == INPUTS == INPUTS + NO_CACHE
    assert key(FLOW_PARAMETERS + FLOW_PARAMETERS) is None
    assert key(INPUTS + FLOW_PARAMETERS) is not None


def test_a_key_function_is_asked_with_context_and_arguments() -> None:
    asked: list[Any] = []

    def make(context: Any, arguments: dict[str, Any]) -> str | None:
        asked.append((context.task.name, arguments))
        return None if arguments["x"] < 0 else "k"

    policy = CacheKeyFnPolicy(make)

    assert key(policy, {"x": 1}) == "k"
    assert key(policy, {"x": -1}) is None
    assert asked[0] == ("work", {"x": 1})
    assert key(CachePolicy.from_cache_key_fn(make), {"x": 1}) == "k"


def test_a_key_function_that_gives_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="this one gave int"):
        key(CacheKeyFnPolicy(lambda _context, _arguments: 5))  # type: ignore[arg-type,return-value] # pyright: ignore


def test_a_policy_of_the_users_can_be_joined() -> None:
    class Weekly(CachePolicy):
        def compute_key(
            self, task_ctx: Any, inputs: Any = None, flow_parameters: Any = None, **kwargs: Any
        ) -> str | None:
            return "week-3"

    assert key(Weekly()) == "week-3"
    assert key(INPUTS + Weekly()) != key(INPUTS + TASK_SOURCE)
    assert key(INPUTS + Weekly(), {"x": 1}) == key(INPUTS + Weekly(), {"x": 1})


def test_arguments_that_cannot_be_hashed_are_an_error_with_a_remedy() -> None:
    with pytest.raises(ValueError, match=r"task 'work' cannot be hashed.*cannot pickle '_thread.lock'.*INPUTS - "):
        key(INPUTS, {"x": threading.Lock()})
    with pytest.raises(ValueError, match="flow's parameters cannot be hashed"):
        key(FLOW_PARAMETERS, parameters={"x": threading.Lock()})


def test_configure_gives_a_copy_with_its_own_place() -> None:
    policy = INPUTS.configure(key_storage="/tmp/elsewhere", isolation_level="SERIALIZABLE")

    assert policy.key_storage == "/tmp/elsewhere"
    assert INPUTS.key_storage is None
    assert key(policy) == key(INPUTS)
    assert (policy + TASK_SOURCE).key_storage == "/tmp/elsewhere"
    assert (DEFAULT.configure(key_storage="/a") - "x").key_storage == "/a"
    with pytest.raises(ValueError, match="differ in key_storage"):
        _ = policy + TASK_SOURCE.configure(key_storage="/tmp/third")


def test_task_input_hash_is_a_key_function() -> None:
    context = a_context()

    assert task_input_hash(context, {"x": 1}) == task_input_hash(context, {"x": 1})
    assert task_input_hash(context, {"x": 1}) != task_input_hash(context, {"x": 2})
    assert task_input_hash(context, {"x": 1}) != task_input_hash(a_context(other_work), {"x": 1})
    assert task_input_hash(context, {"x": threading.Lock()}) is None


def test_exponential_backoff_doubles_each_delay() -> None:
    assert exponential_backoff(0.5)(4) == [0.5, 1.0, 2.0, 4.0]
    assert len(exponential_backoff(1)(1000)) == 50
