"""What is typed for parameters, read into values: `name=value`, JSON, files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args, get_origin

from flowctl.core.authoring.exceptions import ParameterTypeError
from flowctl.core.cli.faults import CommandError

if TYPE_CHECKING:
    from flowctl.core.authoring.parameters import Parameters

_NOT_JSON: Final = object()
#: What people who write Python type.
_PYTHON_WORDS: Final = {"True": True, "False": False, "None": None}
#: Types for which a number or a word in JSON is what is meant; for all others (dates, paths, …) it is the text.
_JSON_TYPES: Final = frozenset({int, float, bool, list, dict, tuple, set, frozenset, type(None), object})


def grouped(assignments: Iterable[str]) -> dict[str, list[str]]:
    """Split assignments at their `=`; those of one parameter together."""
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
            f"-p {name}={text}: the file {text[1:]!r} cannot be read: {reason}. "
            "For a value that begins with @, write @@."
        ) from error


def value(name: str, texts: list[str], annotation: Any, signature: Parameters) -> Any:
    """Make a parameter's value of what was assigned to it."""
    wants_list = name == signature.var_positional or _origin(annotation) in (list, tuple, set, frozenset)
    if wants_list and not (texts == ["null"] and _bare(annotation) is not annotation):
        element = annotation if name == signature.var_positional else (get_args(_bare(annotation)) or (None,))[0]
        if len(texts) == 1 and isinstance(whole := _json(texts[0]), list):
            return cast("Any", whole)
        if len(texts) == 1 and element in (int, float):
            # No other reading of `1,2,3` makes sense; a text may hold commas.
            texts = texts[0].split(",")
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
    if isinstance(bare, type) and isinstance(member := getattr(bare, "__members__", {}).get(text), bare):
        # An enum's member by its name, unless that is the value of another.
        return text if any(other.value == text for other in getattr(bare, "__members__", {}).values()) else member
    if bare is not annotation and text in ("none", "None") and get_origin(bare) is not Literal:
        return None
    found = _json(text)
    if found is _NOT_JSON:
        return _PYTHON_WORDS.get(text, text) if annotation in (None, object) else text
    if isinstance(found, (dict, list)) or found is None:
        return cast("object", found)
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


def json_object(text: str, source: str) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f'{source} is not valid JSON: {error}. Write an object: {{"limit": 20}}') from error
    if not isinstance(found, dict):
        raise CommandError(f'{source} must be a JSON object, such as {{"limit": 20}}, not {type(found).__name__}.')
    return cast("dict[str, Any]", found)


def from_file(path: str) -> dict[str, Any]:
    """Read a JSON or TOML file of parameters."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path as typed
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"The parameter file {path!r} cannot be read: {reason}. Look at the path.") from error
    if path.endswith((".yaml", ".yml")):
        raise CommandError(f"The parameter file {path!r} is YAML, which is not read. Write it as .json or .toml.")
    if not path.endswith(".toml"):
        return json_object(text, f"The parameter file {path!r}")
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"The parameter file {path!r} is not valid TOML: {error}.") from error


def _bare(annotation: Any) -> Any:
    """Take `None` and `Annotated` off: `str | None` is str."""
    if hasattr(annotation, "__metadata__"):  # Annotated
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
