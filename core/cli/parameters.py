"""Parameters from the command line: read as the flow's signature has them, checked before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from flowctl.core.authoring.exceptions import ParameterBindError, ParameterTypeError
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.parameter_words import described, type_text

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.parameters import Parameters

    AnyFlow = Flow[..., Any]

_NOT_JSON: Final = object()
#: What people who write Python type.
_PYTHON_WORDS: Final = {"True": True, "False": False, "None": None}
#: Types for which a number or a word in JSON is what is meant; for all others (dates, paths, …) it is the text.
_JSON_TYPES: Final = frozenset({int, float, bool, list, dict, tuple, set, frozenset, type(None), object})


def read_parameters(
    flow: AnyFlow, assignments: Sequence[str], json_text: str | None = None, file: str | None = None
) -> dict[str, Any]:
    """Put together a flow's arguments: file, then JSON, then single assignments; raise `CommandError` for the first
    kind of fault found, with all faults of that kind."""
    signature = flow.signature
    # An instance or class that the flow is bound to is its first argument already.
    bound = signature.positional[: len(getattr(flow, "_instance", ()))]
    names = [name for name in signature.names if name not in bound]
    arguments: dict[str, Any] = {}
    if file is not None:
        arguments |= _from_file(file)
    if json_text is not None:
        arguments |= _object(json_text, "--params-json")
    annotations = _annotations(flow) if assignments else {}
    for name, texts in _grouped(assignments).items():
        arguments[name] = _value(name, texts, annotations.get(name), signature)
    _refuse_unknown(flow, arguments, names)
    _refuse_missing(flow, arguments, [name for name in names if name in signature.required])
    _check_types(flow, arguments, bound)
    return arguments


def _grouped(assignments: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CommandError(f"-p {assignment!r} is not of the form name=value. Write for example: -p limit=20")
        grouped.setdefault(name.replace("-", "_"), []).append(_from_at(name, text))
    return grouped


def _from_at(name: str, text: str) -> str:
    """Read `@path` from the file; `@@` stands for one `@`."""
    if not text.startswith("@"):
        return text
    if text.startswith("@@"):
        return text[1:]
    try:
        with open(text[1:], encoding="utf-8") as file:  # noqa: PTH123 - a path as typed
            return file.read().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(
            f"-p {name}={text}: the file {text[1:]!r} cannot be read: {reason}. For a value that begins with @, write @@."
        ) from error


def _value(name: str, texts: list[str], annotation: Any, signature: Parameters) -> Any:
    wants_list = name == signature.var_positional or _origin(annotation) in (list, tuple, set, frozenset)
    if wants_list:
        element = annotation if name == signature.var_positional else (get_args(_bare(annotation)) or (None,))[0]
        if len(texts) == 1 and isinstance(whole := _json(texts[0]), list):
            return whole
        return [_one(text, element) for text in texts]
    if len(texts) > 1:
        raise CommandError(f"-p {name} is given {len(texts)} times, but {name!r} takes one value. Give it once.")
    return _one(texts[0], annotation)


def _one(text: str, annotation: Any) -> Any:
    """Take the text as JSON where the parameter's type speaks for it."""
    bare = _bare(annotation)
    if bare is str:
        # `str | None`: null is the only way to say None.
        return None if bare is not annotation and text == "null" else text
    found = _json(text)
    if found is _NOT_JSON:
        return _PYTHON_WORDS.get(text, text) if annotation in (None, object) else text
    if isinstance(found, (dict, list)) or found is None:
        return found
    members = get_args(annotation) if _is_union(annotation) else (annotation,)
    if annotation is None or any(_origin(member) in _JSON_TYPES for member in members):
        return found
    return _fitting(found, text, annotation)


def _fitting(found: Any, text: str, annotation: Any) -> Any:
    """For other types (an enum, a literal, a date) try the text, then what JSON makes of it."""
    from flowctl.core.authoring.parameters import coerce

    def probe(value: Any) -> None: ...

    probe.__annotations__ = {"value": annotation}
    for candidate in (text, found):
        try:
            coerce(probe, {"value": candidate})
        except ParameterTypeError:
            continue
        return candidate
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _object(text: str, source: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f'{source} is not valid JSON: {error}. Write an object: {{"limit": 20}}') from error
    if not isinstance(found, dict):
        raise CommandError(f'{source} must be a JSON object, such as {{"limit": 20}}, not {type(found).__name__}.')
    return found


def _from_file(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path as typed
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"The parameter file {path!r} cannot be read: {reason}. Look at the path.") from error
    if not path.endswith(".toml"):
        return _object(text, f"The parameter file {path!r}")
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"The parameter file {path!r} is not valid TOML: {error}.") from error


def _refuse_unknown(flow: AnyFlow, arguments: dict[str, Any], names: list[str]) -> None:
    if flow.signature.var_keyword:
        return
    unknown = [name for name in arguments if name not in names]
    if not unknown:
        return
    from flowctl.core.engine.loading_problems import nearest

    sentences: list[str] = []
    for name in unknown:
        near = nearest(name, names)
        guess = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        sentences.append(f"Flow {flow.name!r} has no parameter {name!r}.{guess}")
    raise CommandError("\n".join([*sentences, *described(flow, names)]))


def _refuse_missing(flow: AnyFlow, arguments: dict[str, Any], required: list[str]) -> None:
    missing = [name for name in required if name not in arguments]
    if missing:
        what = "a value for" if len(missing) == 1 else "values for"
        sentence = f"Flow {flow.name!r} needs {what} {', '.join(map(repr, missing))}. Give {'it' if len(missing) == 1 else 'them'} with -p name=value."
        raise CommandError("\n".join([sentence, *described(flow, missing)]))


def _check_types(flow: AnyFlow, arguments: dict[str, Any], bound: tuple[str, ...]) -> None:
    from flowctl.core.authoring.parameters import coerce

    try:
        values = flow.signature.bind_named({**dict.fromkeys(bound), **arguments})
        for name in bound:
            del values[name]
        if flow.should_validate_parameters:
            coerce(flow.fn, {name: value for name, value in values.items() if name in arguments or name not in flow.signature.defaults})
    except ParameterBindError as error:
        raise CommandError(f"The parameters do not fit flow {flow.name!r}: {error}.") from error
    except ParameterTypeError as error:
        problems = [line.removeprefix(" - ") for line in str(error).split("\n")[1:]]
        wrong = [name for name in arguments if any(line.startswith((f"{name}:", f"{name}.", f"{name}[")) for line in problems)]
        head = f"Parameters of flow {flow.name!r} do not fit:"
        raise CommandError("\n".join([head, *(f"  {line}" for line in problems), *described(flow, wrong)])) from error


def _annotations(flow: AnyFlow) -> dict[str, Any]:
    from flowctl.core.authoring.coercion import resolved_annotations

    return resolved_annotations(flow.fn)


def _bare(annotation: Any) -> Any:
    """Take `None` and `Annotated` off: `str | None` is str."""
    if type_text(annotation).startswith("Annotated["):
        return _bare(get_args(annotation)[0])
    if _is_union(annotation):
        others = [member for member in get_args(annotation) if member is not type(None)]
        if len(others) == 1:
            return _bare(others[0])
    return annotation


def _is_union(annotation: Any) -> bool:
    import types
    from typing import Union

    return get_origin(annotation) in (Union, types.UnionType)


def _origin(annotation: Any) -> Any:
    bare = _bare(annotation)
    return get_origin(bare) or bare
