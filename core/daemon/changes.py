"""Says in phrases what is other in the new texts of a flow file and its modules: which functions, which files."""

from __future__ import annotations

import ast
import copy
import os
from collections.abc import Iterator, Mapping
from typing import Final

_MOST_PHRASES: Final = 20
#: Of longer texts only that they changed is told.
_LONGEST_READ: Final = 500_000

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def changes_between(before: Mapping[str, bytes], after: Mapping[str, bytes], main: str) -> list[str]:
    """Compare texts, path by path; names of the flow file itself stand bare, others behind their module."""
    phrases: list[str] = []
    for path in sorted(before.keys() | after.keys(), key=lambda path: (path != main, path)):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        name = os.path.basename(path)
        if old is None or new is None:
            phrases.append(f"{name} is {'used' if old is None else 'not used any more'}")
        else:
            prefix = "" if path == main else f"{name.removesuffix('.py')}."
            phrases += _of_text(old, new, prefix) or [f"{name} changed"]
    left_out = len(phrases) - _MOST_PHRASES
    return phrases if left_out <= 0 else [*phrases[:_MOST_PHRASES], f"and {left_out} more"]


def _of_text(old: bytes, new: bytes, prefix: str) -> list[str]:
    if max(len(old), len(new)) > _LONGEST_READ:
        return []
    try:
        before, after = _pieces(old), _pieces(new)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = list(dict.fromkeys((*after, *before)))
    changed = [name for name in names if before.get(name) != after.get(name)]
    if not changed:
        return ["only remarks or layout changed"] if not prefix else [f"only remarks in {prefix[:-1]}.py changed"]
    said = [_said(f"{prefix}{name}", name in before, name in after) for name in changed if name]
    if "" in changed:
        said.append(f"what stands outside of functions changed{f' in {prefix[:-1]}.py' if prefix else ''}")
    return said


def _said(name: str, was_there: bool, is_there: bool) -> str:
    return f"{name} {'changed' if was_there and is_there else 'is new' if is_there else 'is gone'}"


def _pieces(text: bytes) -> dict[str, str]:
    """Cut a text into its functions and classes, by name, and all the rest under the empty one."""
    found: dict[str, str] = {}
    rest: list[str] = []
    for name, node in _nodes(ast.parse(text), ""):
        if name:
            found[name] = f"{found.get(name, '')}{ast.dump(node)}"
        else:
            rest.append(ast.dump(node))
    return {**found, "": "\n".join(rest)}


def _nodes(owner: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in owner.body:
        if isinstance(node, ast.ClassDef) and any(isinstance(member, _Definition) for member in node.body):
            yield from _nodes(node, f"{prefix}{node.name}.")
            yield f"{prefix}{node.name}", _without_members(node)
        elif isinstance(node, _Definition):
            yield f"{prefix}{node.name}", node
        elif not prefix:
            yield "", node


def _without_members(node: ast.ClassDef) -> ast.ClassDef:
    """Leave a class what is its own: head, decorators, attributes."""
    bare = copy.copy(node)
    bare.body = [member for member in node.body if not isinstance(member, _Definition)]
    return bare
