"""The parameters of a flow in words: name, type, default, what the docstring says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.secret_names import MASK, is_secret

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow

_LONGEST_DEFAULT = 60


def described(flow: Flow[..., Any], names: Iterable[str]) -> list[str]:
    """Write a line for each parameter: `  limit  int = 20  most rows to read`."""
    from flowctl.core.authoring.coercion import resolved_annotations
    from flowctl.core.authoring.docstrings import parameter_descriptions

    annotations = resolved_annotations(flow.fn)
    remarks = parameter_descriptions(getattr(flow.fn, "__doc__", None))
    signature = flow.signature
    rows: list[tuple[str, str, str]] = []
    for name in names:
        kind = type_text(annotations[name]) if name in annotations else "any value"
        if name in signature.defaults:
            kind += f" = {_default(name, signature.defaults[name])}"
        elif name in signature.required:
            kind += "  (required)"
        shown = {signature.var_positional: f"*{name}", signature.var_keyword: f"**{name}"}.get(name, name)
        rows.append((shown, kind, remarks.get(name, "")))
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [f"  {name:<{widths[0]}}  {kind:<{widths[1]}}  {remark}".rstrip() for name, kind, remark in rows]


def type_text(annotation: Any) -> str:
    """Write an annotation as its author did."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(annotation)).replace("NoneType", "None")


def _default(name: str, value: Any) -> str:
    if is_secret(name) and value is not None:
        return MASK.strip("'")
    try:
        text = repr(str(value) if isinstance(value, PurePath) else value)
    except Exception as error:  # noqa: BLE001 - the `__repr__` is the user's
        return f"<repr raised {type(error).__name__}>"
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[:_LONGEST_DEFAULT]}…"
