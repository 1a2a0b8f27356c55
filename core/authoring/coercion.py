"""Flow parameters made to fit their annotations, as pydantic does it in lax mode.

Importing pydantic takes longer than many a flow, so values that already have their type never meet it.
What this file takes as it is, pydantic would give back equal; in doubt it asks pydantic.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, Literal, NewType, Union, get_args, get_origin

from flowctl.core.authoring.exceptions import ParameterTypeError
from flowctl.core.authoring.parameters import Parameters, unwrapped
from flowctl.core.authoring.secret_names import is_secret

#: Says that a value does not (surely) have its type.
_NO: Final[Any] = object()
_NOTHING: Final = object()
#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type

_SCALARS: Final = frozenset({int, str, float, bool, bytes, type(None), complex})
#: Taken as they are when a value is of exactly this type; named, since importing them costs.
_EXACT: Final = frozenset(
    {
        ("datetime", "datetime"),
        ("datetime", "date"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("uuid", "UUID"),
    }
)
#: Beyond so many checked elements pydantic is faster, its import included.
_MOST_ELEMENTS: Final = 20_000
_DEEPEST: Final = 20
#: Up to here every int has a float of its own.
_LARGEST_EXACT_FLOAT: Final = 2**53


def coerced(fn: Callable[..., Any], bound: dict[str, Any], *, what: str) -> dict[str, Any]:
    """Give the bound values made to fit; raise `ParameterTypeError` that tells all that do not."""
    annotations = resolved_annotations(fn)
    if not annotations:
        return dict(bound)
    parameters = Parameters.of(fn)
    result: dict[str, Any] = {}
    problems: list[str] = []
    value: Any
    for name, value in bound.items():
        annotation: Any = annotations.get(name, _NOTHING)
        if annotation is _NOTHING or _is_author_none(value, name, parameters):
            result[name] = value
        elif name == parameters.var_positional:
            result[name] = tuple(
                _one(annotation, item, f"{name}[{index}]", problems) for index, item in enumerate(value)
            )
        elif name == parameters.var_keyword:
            result[name] = {key: _one(annotation, item, key, problems) for key, item in value.items()}
        else:
            result[name] = _one(annotation, value, name, problems)
    if problems:
        raise ParameterTypeError(f"{what} received invalid parameters:\n" + "\n".join(problems))
    return result


def _is_author_none(value: Any, name: str, parameters: Parameters) -> bool:
    """`x: int = None` is the author's own word, whatever the annotation says."""
    return value is None and parameters.defaults.get(name, _NOTHING) is None


def resolved_annotations(fn: Callable[..., Any]) -> dict[str, Any]:
    """Give name -> annotation with strings evaluated; what cannot be resolved counts as not annotated."""
    plain = unwrapped(fn)
    if type(plain) is types.FunctionType and "__signature__" not in plain.__dict__:
        raw = {name: annotation for name, annotation in plain.__annotations__.items() if name != "return"}
    else:
        raw = _annotations_in_signature(fn)
        plain = _function_in(fn)
    return {
        name: annotation
        for name, given in raw.items()
        if (annotation := _resolved(given, plain)) is not _NOTHING and annotation is not Any
    }


def _one(annotation: Any, value: Any, name: str, problems: list[str]) -> Any:
    try:
        kept = _as_it_is(annotation, value, _DEEPEST)
    except Exception:  # noqa: BLE001 - a metaclass or a property of the user's raised: pydantic has the last word
        kept = _NO
    return _by_pydantic(annotation, value, name, problems) if kept is _NO else kept


def _as_it_is(annotation: Any, value: Any, depth: int) -> Any:
    """Give the value (a copy, of a container) when it surely has its type, and `_NO` otherwise."""
    if annotation in _SCALARS:
        if _type(value) is annotation:
            return value
        is_whole = annotation is float and type(value) is int
        return float(value) if is_whole and abs(value) <= _LARGEST_EXACT_FLOAT else _NO
    if annotation is Any or annotation is object:
        return value
    if annotation is None:
        return value if value is None else _NO
    origin = get_origin(annotation)
    if origin is None and isinstance(annotation, type):
        return _of_class(annotation, value)
    if depth == 0:
        return _NO
    arguments = get_args(annotation)
    if origin is Union or origin is types.UnionType:
        return _in_union(arguments, value, depth)
    if origin is Literal:
        return value if any(type(one) is type(value) and one == value for one in arguments) else _NO
    if isinstance(annotation, NewType):
        return _as_it_is(annotation.__supertype__, value, depth - 1)
    if origin in (list, dict, set, frozenset, tuple) and _type(value) is origin:
        return _in_container(origin, arguments, value, depth)
    return _NO


def _of_class(annotation: Any, value: Any) -> Any:
    if annotation in (list, dict, set):
        return value.copy() if _type(value) is annotation else _NO
    if annotation in (tuple, frozenset):
        return value if _type(value) is annotation else _NO
    if issubclass(annotation, Enum):
        return value if isinstance(value, annotation) else _NO
    if (annotation.__module__, annotation.__name__) in _EXACT:
        return value if _type(value) is annotation else _NO
    if annotation.__module__.partition(".")[0] == "pathlib":
        return value if isinstance(value, annotation) else _NO
    if annotation.__module__ == "decimal" and annotation.__name__ == "Decimal":
        return value if _type(value) is annotation and value.is_finite() else _NO
    if annotation.__module__.partition(".")[0] in sys.stdlib_module_names:
        return _NO  # pydantic knows many of them, and converts
    if hasattr(annotation, "__get_pydantic_core_schema__") or hasattr(annotation, "__pydantic_core_schema__"):
        settings: Any = getattr(annotation, "model_config", None) or getattr(annotation, "__pydantic_config__", {})
        is_kept = _type(value) is annotation and settings.get("revalidate_instances", "never") == "never"
        return value if is_kept else _NO
    if hasattr(annotation, "__total__") or hasattr(annotation, "_fields"):  # TypedDict, NamedTuple: fields are coerced
        return _NO
    if getattr(annotation, "_is_protocol", False):
        return _NO
    return value if isinstance(value, annotation) else _NO


def _in_union(members: tuple[Any, ...], value: Any, depth: int) -> Any:
    others = [member for member in members if member is not type(None)]
    if value is None and len(others) < len(members):
        return None
    if len(others) == 1:
        return _as_it_is(others[0], value, depth - 1)
    exact = [member for member in others if member is type(value)]
    if exact:
        return _as_it_is(exact[0], value, depth - 1)
    # An int may be meant for the float beside it: which one wins is pydantic's to say.
    if type(value) in _SCALARS:
        return _NO
    fitting = [kept for member in others if (kept := _as_it_is(member, value, depth - 1)) is not _NO]
    return fitting[0] if len(fitting) == 1 else _NO


def _in_container(origin: Any, arguments: tuple[Any, ...], value: Any, depth: int) -> Any:
    make: Callable[[Any], Any] = origin
    if not arguments:  # `List` without brackets; but `tuple[()]` says something
        return _NO if origin is tuple else make(value)
    if origin is dict:
        keys = _elements(arguments[0], value.keys(), len(value), depth)
        values = _elements(arguments[1], value.values(), len(value), depth)
        return _NO if keys is None or values is None else dict(zip(keys, values, strict=True))
    if origin is not tuple or (len(arguments) == 2 and arguments[1] is Ellipsis):
        elements = _elements(arguments[0], value, len(value), depth)
        return _NO if elements is None else make(elements)
    if len(arguments) != len(value):
        return _NO
    kept: list[Any] = [_as_it_is(one, item, depth - 1) for one, item in zip(arguments, value, strict=True)]
    return _NO if any(item is _NO for item in kept) else tuple(kept)


def _elements(annotation: Any, values: Iterable[Any], count: int, depth: int) -> Iterable[Any] | None:
    if annotation is Any:
        return values
    if annotation in _SCALARS and set(map(type, values)) <= {annotation}:
        return values
    if count > _MOST_ELEMENTS:
        return None
    kept: list[Any] = []
    for value in values:
        one = _as_it_is(annotation, value, depth - 1)
        if one is _NO:
            return None
        kept.append(one)
    return kept


def _by_pydantic(annotation: Any, value: Any, name: str, problems: list[str]) -> Any:
    import warnings

    from pydantic import ValidationError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the annotation, not about this call
            adapter = adapter_for(annotation)
    except Exception:  # noqa: BLE001 - what pydantic cannot make sense of is as good as no annotation
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False):
            place = ".".join(map(str, (name, *problem["loc"])))
            problems.append(f" - {place}: {problem['msg']}{_got(annotation, name, problem)}")
        return value
    except Exception as error:  # noqa: BLE001 - a validator of the user's that raised something else
        problems.append(f" - {name}: {type(error).__name__}: {error}")
        return value


def adapter_for(annotation: Any) -> Any:
    """Make the pydantic adapter of an annotation; raise what pydantic raises where it is none."""
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter

    if sys.version_info < (3, 12):
        annotation = _with_later_typed_dicts(annotation)
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        return TypeAdapter(annotation)  # models have their own configuration


def _with_later_typed_dicts(annotation: Any) -> Any:
    """Replace each `typing.TypedDict`: before Python 3.12 pydantic does not take them."""
    from typing import NotRequired, Required, get_type_hints, is_typeddict

    import typing_extensions

    typed_dict: Any = typing_extensions.TypedDict  # a function, whatever type checkers take it for

    if is_typeddict(annotation) and _type(annotation).__module__ == "typing":
        fields: dict[str, Any] = {}
        for name, hint in get_type_hints(annotation, include_extras=True).items():
            said = get_origin(hint)
            if said in (Required, NotRequired):
                hint = get_args(hint)[0]
            else:
                said = Required if name in annotation.__required_keys__ else NotRequired
            fields[name] = said[_with_later_typed_dicts(hint)]
        return typed_dict(annotation.__name__, fields)
    if get_origin(annotation) in (list, dict, tuple, set, frozenset):
        return get_origin(annotation)[tuple(map(_with_later_typed_dicts, get_args(annotation)))]
    if get_origin(annotation) in (Union, types.UnionType):
        return Union[tuple(map(_with_later_typed_dicts, get_args(annotation)))]  # noqa: UP007 - members are not known
    return annotation


def _got(annotation: Any, name: str, problem: Any) -> str:
    names = [name, *(place for place in problem["loc"] if isinstance(place, str))]
    if problem["type"] == "missing" or any(map(is_secret, names)) or "Secret" in repr(annotation):
        return ""
    import reprlib

    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    try:
        return f", got {short.repr(problem['input'])}"
    except Exception:  # noqa: BLE001 - a repr that raises must not hide what is wrong
        return f", got a value of type {type(problem['input']).__name__}"


def _annotations_in_signature(fn: Callable[..., Any]) -> dict[str, Any]:
    import inspect

    try:
        parameters = inspect.signature(fn).parameters.values()
    except (ValueError, TypeError):
        return {}
    return {one.name: one.annotation for one in parameters if one.annotation is not inspect.Parameter.empty}


def _function_in(fn: Any) -> Any:
    """The plain function under partials, methods and callable objects: its globals resolve the strings."""
    for _ in range(100):
        if isinstance(fn, types.FunctionType):
            return fn
        inner = getattr(fn, "func", None) or getattr(fn, "__func__", None) or _type(fn).__call__
        if inner is None or inner is fn:
            break
        fn = inner
    return None


def _resolved(given: Any, fn: Any) -> Any:
    if isinstance(given, type) or given is None or given is Any:
        return given
    from types import SimpleNamespace
    from typing import get_type_hints

    names = getattr(fn, "__globals__", {})
    local: dict[str, Any] = {}
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=False) if fn else ():
        try:
            local[name] = cell.cell_contents
        except ValueError:  # not yet assigned
            continue
    try:
        holder: Any = SimpleNamespace(__annotations__={"it": given})
        hint = get_type_hints(holder, names, local, include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - a name that only the maker of the function can see, or nonsense
        return _NOTHING
    return None if hint is type(None) else hint
