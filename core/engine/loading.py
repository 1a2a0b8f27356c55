"""From what a person types (`file.py:flow`, `package.module:flow`) to the flow; this runs the user's file.

A file is imported under its stem, its folder first on `sys.path`, as plain Python has it; a file inside a package
under its dotted name. What can go wrong is in `loading_problems`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from flowctl.core.authoring import port
from flowctl.core.engine import local_code
from flowctl.core.engine.loading_problems import (
    FileBroken,
    FileExits,
    FileMissing,
    FileUnreadable,
    FlowMissing,
    FlowsUnchosen,
    ImportRaises,
    ModuleMissing,
    NoFlows,
    NotPython,
    TargetMalformed,
    nearest,
)

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.tasks import Task

    AnyFlow = Flow[..., Any]
    AnyTask = Task[..., Any]

#: Classes within classes are searched this deep.
_DEEPEST_CLASS: Final = 3


class FoundFlow(NamedTuple):
    """A flow in a module, and where it is."""

    #: Dotted from the module: `etl`, `Jobs.nightly`.
    attribute: str
    flow: AnyFlow
    line: int
    #: False: it was imported from another module.
    is_own: bool


def load_flow(target: str) -> AnyFlow:
    """Import the file or module of a target and pick its flow; raise a `TargetProblem` where that cannot be done."""
    place, wanted = split_target(target)
    module = load_file(place) if _is_file(place) else load_module(place)
    return pick_flow(module, wanted, place)


def split_target(target: str) -> tuple[str, str]:
    """Give the file or module of a target, and the flow's name, empty if none is given."""
    if not target.strip() or "\0" in target:
        raise TargetMalformed(target)
    if os.path.exists(target) or ":" not in target:
        return target, ""
    place, _, wanted = target.rpartition(":")
    # `jobs.py:team:nightly`: a flow's own name may hold colons, a file's hardly ever does.
    while ":" in place and not os.path.exists(place):
        shorter, _, more = place.rpartition(":")
        place, wanted = shorter, f"{more}:{wanted}"
    if not place:
        raise TargetMalformed(target)
    return place, wanted


def load_file(path: str) -> ModuleType:
    """Import a Python file, once for each process."""
    if not local_code.is_on_record(path):
        check_file(path)
    path = os.path.realpath(path)
    folder, file = os.path.split(path)
    names = [file.removesuffix(".py")]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        names.insert(0, package)
    if names[-1] == "__init__" and len(names) > 1:
        names.pop()
    name = ".".join(names)
    loaded = sys.modules.get(name)
    if loaded is not None and _is_file_of(loaded, path):
        return loaded
    if len(names) == 1 and _is_taken(name, path):
        # Its folder goes last: first, every library that imports `queue` would get the user's queue.py.
        _add_to_path(folder, first=False)
        return _execute(path, f"{name}_flowfile")
    _add_to_path(folder, first=True)
    if len(names) == 1:
        return _execute(path, name)
    module = _import(name, path)
    # Another package of that name was imported before: it must not be replaced under those who use it.
    return module if _is_file_of(module, path) else _execute(path, f"{'_'.join(names)}_flowfile")


def load_module(name: str) -> ModuleType:
    """Import a module by its dotted name, the working folder first on the path, as `python -m` has it."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise FileMissing(name, _files_near(name))
    _add_to_path(os.getcwd(), first=True)
    return _import(name, None)


def pick_flow(module: ModuleType, wanted: str, place: str) -> AnyFlow:
    """Choose by attribute, then by the flow's own name; with no name, the one flow that the file itself defines."""
    found = flows_in(module)
    if wanted:
        by_attribute = [one for one in found if one.attribute == wanted]
        matches = by_attribute or [one for one in found if wanted in (one.flow.name, one.flow.fn.__name__)]
        if len({id(one.flow) for one in matches}) == 1:
            return matches[0].flow
        given: AnyFlow | None = _attribute(module, wanted)
        if not matches and given is not None and _is_flow(given):
            return given
        if matches:
            raise FlowsUnchosen(place, _choices(matches), wanted)
        if not found:
            raise NoFlows(place, *_why_none(module), wanted=wanted)
        choices = _choices(found)
        raise FlowMissing(place, wanted, choices, nearest(wanted, [name for one in choices for name in one[:2]]))
    own = [one for one in found if one.is_own]
    for candidates in ([one for one in own if "." not in one.attribute], own, found):
        if len(candidates) == 1:
            return candidates[0].flow
        if candidates:
            raise FlowsUnchosen(place, _choices(candidates))
    raise NoFlows(place, *_why_none(module))


def flows_in(module: ModuleType) -> list[FoundFlow]:
    """List the flows of a module, those in its classes too, each once, in the order of the file."""
    found: dict[int, FoundFlow] = {}
    for attribute, flow in _walk(module, vars(module), "", _DEEPEST_CLASS):
        code = getattr(flow.fn, "__code__", None)
        line = getattr(code, "co_firstlineno", 0)
        is_own = getattr(flow.fn, "__module__", None) == module.__name__
        known = found.get(id(flow))
        if known is None or attribute == flow.fn.__name__:
            found[id(flow)] = FoundFlow(attribute, flow, line, is_own)
    return sorted(found.values(), key=lambda one: (not one.is_own, one.line, one.attribute))


def tasks_in(module: ModuleType) -> list[tuple[str, AnyTask]]:
    """List the tasks that a module itself defines, by attribute, in the order of the file."""
    from flowctl.core.authoring.tasks import Task

    members: list[tuple[str, Any]] = list(vars(module).items())  # a task's result may be anything
    found: list[tuple[str, AnyTask]] = [(name, value) for name, value in members if isinstance(value, Task)]
    return [(name, task) for name, task in found if getattr(task.fn, "__module__", None) == module.__name__]


def _walk(owner: Any, members: Any, prefix: str, depth: int) -> Iterator[tuple[str, AnyFlow]]:
    for name, given in list(members.items()):
        member: Any = _bound(getattr(owner, name, None)) if isinstance(given, (staticmethod, classmethod)) else given
        if _is_flow(member):
            yield prefix + name, member
        elif depth and isinstance(member, type) and member.__module__ == _module_of(owner):
            yield from _walk(member, vars(member), f"{prefix}{name}.", depth - 1)


def _bound(member: Any) -> Any:
    """Since Python 3.13 a class method does not bind what it wraps in that one's own way."""
    wrapped: Any = getattr(member, "__func__", None)
    return wrapped.__get__(member.__self__) if _is_flow(wrapped) else member


def _module_of(owner: Any) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else str(owner.__module__)


def _is_flow(value: object) -> bool:
    from flowctl.core.authoring.flows import Flow

    return isinstance(value, Flow)


def _attribute(module: ModuleType, dotted: str) -> Any:
    """Follow a dotted name without running properties of instances: only modules and classes are entered."""
    value: Any = module
    for part in dotted.split("."):
        if not isinstance(value, (ModuleType, type)):
            return None
        value = getattr(value, part, None)
    return value


def _choices(found: list[FoundFlow]) -> list[tuple[str, str, int]]:
    return [(one.attribute, one.flow.name, one.line if one.is_own else 0) for one in found]


def _why_none(module: ModuleType) -> tuple[list[str], bool]:
    """Give the names of the tasks in a module without flows, and whether it holds flows of Prefect."""
    values = list(vars(module).items())
    tasks = [name for name, _ in tasks_in(module)]
    return tasks, any(type(value).__module__ == "prefect.flows" for _, value in values)


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place or os.path.exists(place)


def _is_file_of(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and os.path.realpath(file) == path


def _is_taken(name: str, path: str) -> bool:
    """Tell whether the name belongs to something else that can be imported."""
    if name in sys.stdlib_module_names or name in sys.modules or name == "flowctl":
        return True
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec(name)
    return spec is not None and spec.origin is not None and os.path.realpath(spec.origin) != path


def check_file(path: str) -> None:
    """Raise a `TargetProblem` where a path cannot lead to a Python file."""
    if os.path.isdir(path):
        inside = [f"{path.rstrip('/')}/{name}" for name in _listing(path) if name.endswith(".py")]
        raise NotPython(path, "is a folder", inside)
    if not os.path.exists(path):
        raise FileMissing(path, _files_near(path))
    if not path.endswith(".py"):
        raise NotPython(path, "is not a Python file", [])
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise FileUnreadable(path, error.strerror or str(error)) from error


def _files_near(path: str) -> list[str]:
    folder, name = os.path.split(path)
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    python = [file for file in _listing(folder or ".") if file.endswith(".py") and file != "__init__.py"]
    # Without the ending, which would make any two names alike.
    stems = nearest(name.removesuffix(".py"), [file.removesuffix(".py") for file in python])
    return [os.path.join(folder, f"{stem}.py") for stem in stems]


def _listing(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _add_to_path(folder: str, *, first: bool) -> None:
    if sys.path[:1] == [folder] or (not first and folder in sys.path):
        return
    if first:
        sys.path.insert(0, folder)
    else:
        sys.path.append(folder)


def _execute(path: str, name: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, path, loader=local_code.loader_for(name, path))
    if spec is None or spec.loader is None:
        raise NotPython(path, "is not a Python file", [])
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with port.loading():
            spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        _translate(error, path)
    return module


def _import(name: str, path: str | None) -> ModuleType:
    from importlib import import_module

    try:
        with port.loading():
            return import_module(name)
    except ModuleNotFoundError as error:
        if path is None and error.name and f"{name}.".startswith(f"{error.name}."):
            raise ModuleMissing(name, error.name, _files_near(name.replace(".", "/"))) from None
        _translate(error, path or name)
    except BaseException as error:
        _translate(error, path or name)


def _translate(error: BaseException, place: str) -> NoReturn:
    """Word what the user's file raised while it was imported; a Ctrl-C stays one."""
    trace = error.__traceback__
    while trace is not None and _is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    error = error.with_traceback(trace)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        raise FileBroken(error) from None
    if isinstance(error, SystemExit):
        raise FileExits(place, error) from None
    if isinstance(error, Exception):
        raise ImportRaises(place, error) from None
    raise error


def _is_machinery(file: str) -> bool:
    return file == __file__ or file.startswith("<frozen importlib") or file.endswith("/importlib/__init__.py")
