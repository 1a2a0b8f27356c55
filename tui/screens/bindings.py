"""From the table of keys to what Textual wants: of each screen only what it has a method for, so no key is dead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.binding import Binding as TextualBinding
from textual.binding import BindingsMap

from flowctl.tui.model.keys import Binding, bindings_of

#: What a screen has to say for some keys to do anything.
_NEEDS: Final = {"act.edit": "source_place", "act.yank": "yanks", "look.inspect": "inspected"}


def living(table: Sequence[Binding], scope: str, owner: object) -> tuple[Binding, ...]:
    """Give the bindings of a scope that somebody carries out."""
    return tuple(
        each
        for each in bindings_of(table, scope)
        if hasattr(owner, f"action_{each.action}") and _is_given(owner, _NEEDS.get(each.id))
    )


def _is_given(owner: object, need: str | None) -> bool:
    """Tell whether a screen says itself what a key is about, rather than that there is nothing."""
    return need is None or getattr(type(owner), need).__qualname__ != f"Taking.{need}"


def bindings_map(bindings: Sequence[Binding]) -> BindingsMap:
    """Make the map that Textual looks keys up in."""
    return BindingsMap(
        TextualBinding(key, each.action, each.title, show=False, id=each.id) for each in bindings for key in each.keys
    )
