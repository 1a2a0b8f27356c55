"""What the user's own frames held when a try failed, as the record has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from flowctl import ProcessPoolTaskRunner, flow, task
from flowctl.core.engine import local_values
from flowctl.core.engine.reports import report
from flowctl.core.engine.settings import Settings
from flowctl.store.errors import ErrorReport
from flowctl.store.home import Home
from tests.core.engine.scripts import only_run, tasks_of

SETTINGS = Settings({}, {}, None)


def held(fn: Callable[..., Any], *args: Any, settings: Settings = SETTINGS) -> dict[str, str]:
    """Let a function fail, and give what is told of its variables."""
    with pytest.raises(Exception) as caught:
        fn(*args)
    plain = report(caught.value, settings)
    json.dumps(plain)
    frame = ErrorReport.from_plain(plain).own_frame
    assert frame is not None
    return dict(frame.locals)


def fetches(url: str, page: int) -> None:
    rows = [1, 2, 3]
    rest = len(rows) - page
    raise TimeoutError(f"{url} {rest}")


def test_the_variables_of_the_frame_that_raised_are_told_with_their_values() -> None:
    assert held(fetches, "https://api.example.org", 7) == {
        "url": "'https://api.example.org'",
        "page": "7",
        "rows": "[1, 2, 3]",
        "rest": "-4",
    }


def test_frames_of_libraries_tell_nothing() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{no")
    frames = ErrorReport.from_plain(report(caught.value, SETTINGS)).frames
    assert [bool(frame.locals) for frame in frames] == [frame.own for frame in frames]
    assert not all(frame.own for frame in frames)


def logs_in(user: str, password: str, api_key: str, key: int, sort_key: str, when: SecretStr) -> None:
    header = f"Bearer {password} of {user}"
    account = {"token": api_key, "both": (password, key)}
    raise PermissionError(f"{header[:0]}{len(account)}{sort_key[:0]}{when}")


def test_secrets_are_masked_by_their_names_and_wherever_they_stand() -> None:
    assert held(logs_in, "ada", "hunter2!", "sk-1234567", 3, "id-of-row", SecretStr("really")) == {
        "user": "'ada'",
        "password": "'********'",
        "api_key": "'********'",
        "key": "3",
        "sort_key": "'********'",
        "when": "SecretStr('**********')",
        "header": "'Bearer ******** of ada'",
        "account": "{'token': '********', 'both': ('********', 3)}",
    }


class Raises:
    def __repr__(self) -> str:
        raise KeyboardInterrupt


class Hangs:
    def __init__(self, ends: threading.Event) -> None:
        self.ends = ends

    def __repr__(self) -> str:
        self.ends.wait()
        return "at last"


def holds(odd: Any) -> None:
    before, after = 1, [2]
    raise ValueError(f"{odd is before}{after}")


def test_a_repr_that_raises_is_said_to_have_raised() -> None:
    assert held(holds, Raises()) == {"odd": "<repr raised KeyboardInterrupt>", "before": "1", "after": "[2]"}


def test_reprs_that_hang_are_not_waited_for_and_after_a_few_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_values, "_hangs", 0)
    monkeypatch.setattr(local_values, "_PATIENCE_S", 0.01)
    ends = threading.Event()
    told = [held(holds, Hangs(ends)) for _ in range(3)]
    # From now on waiting would be noticed.
    monkeypatch.setattr(local_values, "_PATIENCE_S", 1000)
    told.append(held(holds, Hangs(ends)))
    ends.set()

    assert told[:3] == [{"odd": "<its repr takes too long>", "before": "1", "after": "[2]"}] * 3
    assert told[3] == {"odd": "…", "before": "1", "after": "[2]"}


def deep(depth: int, text: str) -> None:
    if depth:
        # On lines of their own, since equal lines fold.
        if depth % 2:
            deep(depth - 1, text)
        else:
            deep(depth - 1, text)
    raise ValueError


def test_there_is_an_end_to_frames_names_and_text() -> None:
    with pytest.raises(ValueError) as caught:
        deep(40, "x" * 100_000)
    frames = [frame.locals for frame in ErrorReport.from_plain(report(caught.value, SETTINGS)).frames if frame.locals]
    assert len(frames) == 6
    assert all(len(text) <= 160 for frame in frames for _, text in frame)

    names = {f"name_{number}": f"{number}" * 150 for number in range(40)}
    code = f"def many():\n    {'; '.join(f'{name} = {text!r}' for name, text in names.items())}\n    1 / 0\n"
    space: dict[str, Any] = {}
    exec(compile(code, __file__, "exec"), space)
    assert list(held(space["many"])) == [f"name_{number}" for number in range(12)]


def test_where_the_setting_is_off_nothing_is_told() -> None:
    assert held(fetches, "u", 1, settings=Settings({"traceback_locals": False}, {}, None)) == {}


@task(retries=1)
def halves(number: int) -> int:
    half = number // 2
    return half // 0


@flow
def tries(number: int) -> None:
    halves.submit(number).wait()


@pytest.mark.parametrize("in_processes", [False, True])
def test_every_failed_try_has_its_variables_on_record(home: Home, *, in_processes: bool) -> None:
    chosen = tries.with_options(task_runner=ProcessPoolTaskRunner(max_workers=1)) if in_processes else tries
    chosen(8, return_state=True)
    (found,) = tasks_of(home, only_run(home).id)
    own = [each.error.own_frame for each in found.attempts if each.error is not None]
    assert [frame is not None and frame.locals for frame in own] == [(("number", "8"), ("half", "4"))] * 2
