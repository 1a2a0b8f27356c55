"""The JSON schema of a function's parameters, for forms and command lines."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final, Union, get_args, get_origin

from flowctl.core.authoring.coercion import adapter_for, resolved_annotations
from flowctl.core.authoring.docstrings import parameter_descriptions
from flowctl.core.authoring.parameters import Parameters, unwrapped

_WORDS: Final[dict[Any, str]] = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
    None: "null",
}


def parameter_schema(fn: Callable[..., Any]) -> dict[str, Any]:
    """Describe each parameter: title, position, description, default, type; never raise for an odd annotation."""
    parameters = Parameters.of(fn)
    annotations = resolved_annotations(fn)
    descriptions = parameter_descriptions(_docstring(fn))
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for position, name in enumerate(parameters.names):
        entry: dict[str, Any] = {"title": name}
        if name in parameters.defaults:
            keep_default(entry, parameters.defaults[name], annotations.get(name))
        if name in descriptions:
            entry["description"] = descriptions[name]
        entry["position"] = position
        if name == parameters.var_positional:
            items = _of(annotations[name], definitions) if name in annotations else {}
            entry |= {"type": "array", "items": items, "default": []}
        elif name == parameters.var_keyword:
            values = _of(annotations[name], definitions) if name in annotations else True
            entry |= {"type": "object", "additionalProperties": values, "default": {}}
        elif name in annotations:
            entry = {**_of(annotations[name], definitions), **entry}
        properties[name] = entry
    result: dict[str, Any] = {"title": "Parameters", "type": "object", "properties": properties}
    if required := [name for name in parameters.names if name in parameters.required]:
        result["required"] = required
    if definitions:
        result["definitions"] = definitions
    return result


def keep_default(entry: dict[str, Any], default: Any, annotation: Any) -> None:
    """Note the default in a form that JSON can hold, or leave it out."""
    if default is None or type(default) in (bool, int, str) or (type(default) is float and abs(default) < 1e308):
        entry["default"] = default
        return
    import json

    try:
        entry["default"] = json.loads(json.dumps(default, allow_nan=False))
        return
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        adapter = adapter_for(type(default) if annotation is None else annotation)
        entry["default"] = json.loads(json.dumps(adapter.dump_python(default, mode="json"), allow_nan=False))
    except Exception:  # noqa: BLE001 - serializers are the user's: a default that cannot be shown is not shown
        return


def _of(annotation: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    plain = _without_pydantic(annotation)
    if plain is not None:
        return plain
    try:
        found: dict[str, Any] = adapter_for(annotation).json_schema(ref_template="#/definitions/{model}")
    except Exception:  # noqa: BLE001 - the annotation means nothing to pydantic, or has no JSON form
        return {}
    definitions.update(found.pop("$defs", {}))
    if "title" in found and found.get("type") == "object" and "properties" in found:
        title = str(found["title"])
        definitions.setdefault(title, found)
        return {"$ref": f"#/definitions/{title}"}
    return found


def _without_pydantic(annotation: Any) -> dict[str, Any] | None:
    """Word the common ones here: a command line should not wait for pydantic to learn that an int is an integer."""
    try:
        if annotation in _WORDS:
            found: dict[str, Any] = {"type": _WORDS[annotation]}
            if annotation is list:
                found["items"] = {}
            if annotation is dict:
                found["additionalProperties"] = True
            return found
    except TypeError:  # an unhashable Literal
        return None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Union or origin is types.UnionType:
        members = [_without_pydantic(one) for one in arguments]
        return None if None in members else {"anyOf": members}
    if origin is list and arguments:
        items = {} if arguments[0] is Any else _without_pydantic(arguments[0])
        return None if items is None else {"items": items, "type": "array"}
    if origin is dict and arguments and arguments[0] is str:
        values = True if arguments[1] is Any else _without_pydantic(arguments[1])
        return None if values is None else {"additionalProperties": values, "type": "object"}
    return None


def _docstring(fn: Any) -> str | None:
    for one in (fn, unwrapped(fn), getattr(fn, "func", None)):
        text = getattr(one, "__doc__", None)
        if isinstance(text, str) and not isinstance(one, type(None)) and not (one is fn and hasattr(fn, "func")):
            return text
    return None
