"""Loads one file of the user's and says what is in it; runs in a child that is made for it and ends with it."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from flowctl.core.authoring import port
from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon.framing import Message
from flowctl.core.daemon.imports import files_behind
from flowctl.core.daemon.problem_places import surroundings_of
from flowctl.core.engine import local_code
from flowctl.core.engine.loading import FoundFlow, flows_in, load_file, tasks_in
from flowctl.core.engine.loading_problems import FileMissing, TargetProblem
from flowctl.core.engine.reports import report

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.tasks import Task

#: Longer descriptions are cut.
_LONGEST_DESCRIPTION: Final = 4_000
#: A schema is for forms and checks; one that is longer is left out.
_LONGEST_SCHEMA: Final = 1 << 20
_MOST_TASKS: Final = 500
#: No delay that can be asked for.
_UNNAMED: Final = -1.0
_LONGEST_TAG: Final = 200
#: What a file that defines flows has in its text; a cheap look before anything is parsed.
_HINT: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+flowctl\b|import[ \t][^\n]*\bflowctl\b"
    rb"|from[ \t]+[\w.]+[ \t]+import[^\n]*\b(?:flow|serve)\b)",
    re.MULTILINE,
)


class CalledOnImport(FlowctlError):
    """A file runs a flow or task while it is imported."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is called while its file is imported, so every save would run it. "
            'Put the call under `if __name__ == "__main__":`.'
        )


class _NoEngine:
    """In the place of the engine: nothing is run while a file is looked at."""

    def call_flow(self, flow: Flow[..., Any], *_: object) -> NoReturn:
        raise CalledOnImport(f"The flow {flow.name!r}")

    def call_task(self, task: Any, *_: object) -> NoReturn:
        raise CalledOnImport(f"The task {task.name!r}")

    submit_task = map_task = call_task

    def __getattr__(self, name: str) -> Any:
        raise CalledOnImport(f"`{name}` of a run")


def _no_engine() -> Any:  # it is asked for calls only, and refuses them
    return _NoEngine()


def may_define_flows(text: bytes) -> bool:
    """Tell by a glance at its text whether a file may define flows: scripts that cannot are never imported."""
    return _HINT.search(text) is not None


def inspect(request: Message, tell: Callable[[Message], None]) -> None:
    """Tell what the text of a file says, then load it and tell what came of it."""
    path: str = request["path"]
    roots: list[str] = request["roots"]
    changed_us: int | None = None
    try:
        with open(path, "rb") as file:
            changed_us = os.fstat(file.fileno()).st_mtime_ns // 1000
            tree = ast.parse(file.read(), path)
    except FileNotFoundError:
        tell(_done(is_gone=True))
        return
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        tell({"kind": "text", "files": [], "changed_us": changed_us})
        tell(_done(problem=problem_of(error, path)))
        return
    tell({"kind": "text", "files": sorted(files_behind([path], roots)), "changed_us": changed_us})
    if not (_imports_flowctl(tree) or request["is_known"]):
        tell(_done())
        return
    sys.argv = [path]
    before = list(sys.path)
    if request["path0"] is not None:
        sys.path.insert(0, request["path0"])
    port.register(_no_engine)
    local_code.install(roots)
    problem: Message | None = None
    module: ModuleType | None = None
    began = perf_counter()
    try:
        os.chdir(request["cwd"])
        module = load_file(path)
    except FileMissing:
        tell(_done(is_gone=True))
        return
    except BaseException as error:  # noqa: BLE001 - the edge around the user's file: whatever it raises is told
        problem = problem_of(error, path)
    import_us = round((perf_counter() - began) * 1_000_000)
    flows: list[Message] = []
    tasks: list[Message] = []
    if module is not None:
        try:
            flows = [_described(one) for one in flows_in(module)]
            tasks = [_described_task(name, task) for name, task in tasks_in(module)[:_MOST_TASKS]]
        except Exception as error:  # noqa: BLE001 - as above: annotations and defaults are the user's
            problem = problem_of(error, path)
    sys.path[:] = before
    files = dict(local_code.loaded)
    tell(_done(flows=flows, tasks=tasks, files=files, import_us=import_us, problem=problem))


def _done(**told: Any) -> Message:
    nothing: Message = {"flows": [], "tasks": [], "files": {}, "import_us": None, "problem": None, "is_gone": False}
    return {"kind": "done", **nothing, **told}


def _imports_flowctl(tree: ast.Module) -> bool:
    """Tell whether a file takes something from flowctl, or `flow` from a module of the user's that does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            if any(alias.name.partition(".")[0] == "flowctl" for alias in node.names):
                return True
        elif isinstance(node, ast.ImportFrom) and (
            (node.module or "").partition(".")[0] == "flowctl"
            or any(alias.name in ("flow", "serve") for alias in node.names)
        ):
            return True
    return False


def _described(found: FoundFlow) -> Message:
    import json

    flow = found.flow
    schema: dict[str, Any] | None = flow.parameters
    try:
        if len(json.dumps(schema)) > _LONGEST_SCHEMA:
            schema = None
    except (TypeError, ValueError, RecursionError):
        schema = None
    return {
        "attribute": found.attribute,
        "name": flow.name,
        "line": found.line,
        "is_own": found.is_own,
        "description": (str(flow.description)[:_LONGEST_DESCRIPTION] if flow.description else None),
        "schema": schema,
        "required": list(flow.signature.required),
        "schedules": _schedules(flow),
        "retries": flow.retries,
        "timeout_s": flow.timeout_seconds,
    }


def _described_task(name: str, task: Task[..., Any]) -> Message:
    line = getattr(getattr(task.fn, "__code__", None), "co_firstlineno", 0)
    tags = sorted(str(tag)[:_LONGEST_TAG] for tag in task.tags)
    told = {"attribute": name, "name": task.name, "line": line, "retries": task.retries, "tags": tags}
    # Whether one is named: what is named as none is meant so.
    return {**told, "has_delay": task.delay_with(_UNNAMED) != _UNNAMED}


def _schedules(flow: Flow[..., Any]) -> list[Message]:
    return [schedule.plain() for schedule in flow.schedules]


def problem_of(error: BaseException, path: str) -> Message:
    """Say what keeps a file from being loaded, and where."""
    cause: Any = getattr(error, "error", None)
    caught = cause if isinstance(error, TargetProblem) and isinstance(cause, BaseException) else error
    told = report(caught)
    frames: list[list[Any]] = told["frames"]
    place = next((frame for frame in reversed(frames) if frame[4] and frame[0]), None)
    return {
        "kind": told["type"],
        "message": told["text"],
        "file": place[0] if place else path,
        "line": place[1] if place else 0,
        "code": place[3] if place else "",
        **surroundings_of(caught, place[0] if place else path, place[1] if place else 0),
        "error": told,
    }
