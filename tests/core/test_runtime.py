"""Facts about the present run that the environment replaces, for tests of user code."""

from __future__ import annotations

import pytest

from flowctl import flow, runtime


def test_the_environment_replaces_facts_in_and_outside_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL__RUNTIME__FLOW_RUN__NAME", "a name")
    monkeypatch.setenv("FLOWCTL__RUNTIME__FLOW_RUN__PARAMETERS", '{"day": 3}')
    monkeypatch.setenv("FLOWCTL__RUNTIME__FLOW_RUN__TAGS", '["nightly"]')
    monkeypatch.setenv("FLOWCTL__RUNTIME__TASK_RUN__RUN_COUNT", "2")

    @flow
    def facts() -> tuple[object, ...]:
        return runtime.flow_run.name, runtime.flow_run.parameters, runtime.flow_run.tags, runtime.task_run.run_count

    assert facts() == ("a name", {"day": 3}, ["nightly"], 2)
    assert (runtime.flow_run.parameters, runtime.task_run.run_count) == ({"day": 3}, 2)


@pytest.mark.parametrize(("text", "kind"), [("three", "a number"), ("[1]", "a number"), ("true", "a number")])
def test_a_replacement_of_the_wrong_type_is_told(monkeypatch: pytest.MonkeyPatch, text: str, kind: str) -> None:
    monkeypatch.setenv("FLOWCTL__RUNTIME__FLOW_RUN__RUN_COUNT", text)

    with pytest.raises(ValueError, match=f"FLOW_RUN__RUN_COUNT must be {kind}"):
        _ = runtime.flow_run.run_count
