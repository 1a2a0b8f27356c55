"""What one binding is, and everything that is made of the table of them: footer, help, palette, `keys.toml`, docs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, NamedTuple, cast

from flowctl.store.text import safe_text


class Risk(Enum):
    """How an action is confirmed."""

    #: Changes nothing, or only what is shown.
    NONE = "none"
    #: Done at once, and can be undone for some seconds.
    UNDO = "undo"
    #: Asks when it is about more than one run, or about one that is old.
    ASK = "ask"
    #: Always asks.
    CONFIRM = "confirm"


class Binding(NamedTuple):
    """One thing that a key does."""

    #: Stays the same for good: `keys.toml` speaks of it.
    id: str
    #: As Textual names them.
    keys: tuple[str, ...]
    title: str
    #: Names of screens and panes; `app`: everywhere but where text is typed.
    scopes: frozenset[str]
    group: str
    #: What the method is called that does it: `action_<action>`.
    action: str
    needs_daemon: bool = False
    risk: Risk = Risk.NONE
    #: Place in the footer, the lowest first; 0: it is not there.
    footer: int = 0
    #: Shorter, for the footer.
    brief: str = ""
    #: The command that does the same; {run}, {task} and so on stand for what is chosen.
    command: str = ""

    @property
    def changes(self) -> bool:
        """Whether it may change anything but what is shown."""
        return self.needs_daemon or self.id == "act.edit"


#: Groups of the help screen, in order.
GROUPS: Final = ("Move", "Find", "Mark", "Act", "Look", "App")
#: Keys that terminals, multiplexers or flow control take for themselves, or that look like others on the wire.
RESERVED: Final = frozenset({"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+i", "ctrl+h", "ctrl+m", "ctrl+space"})
_SHOWN: Final = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "⏎",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "comma": ",",
    "full_stop": ".",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "grave_accent": "`",
    "slash": "/",
    "colon": ":",
    "asterisk": "*",
    "exclamation_mark": "!",
    "question_mark": "?",
    "at": "@",
    "plus": "+",
    "minus": "-",
}
_ASCII: Final = {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter"}
#: Keys that are called as they are written.
_NAMED: Final = frozenset({"tab", "space", "home", "end"})
_NAMES: Final = {shown: name for name, shown in _SHOWN.items() if shown not in _ASCII}


#: Scopes that nobody wants to read one by one.
_MANY: Final = 7


class KeymapProblem(NamedTuple):
    """Something in `keys.toml` that was left out, and why."""

    place: str
    problem: str


def shown_key(key: str, *, is_ascii: bool = False) -> str:
    """Write a key as a person knows it."""
    text = _SHOWN.get(key, key)
    return _ASCII.get(text, text) if is_ascii else text


def is_typed(key: str) -> bool:
    """Tell whether a key puts a character into a field."""
    return key == "space" or (len(text := shown_key(key)) == 1 and text not in _ASCII)


def key_named(shown: str) -> tuple[str, str | None] | None:
    """Give the key that is written so, and the character it types; None: that is no key."""
    name = _NAMES.get(shown) or next((name for name, text in _SHOWN.items() if text == shown), shown)
    if name in _SHOWN:
        return name, shown if shown in _NAMES and len(shown) == 1 else None
    if len(shown) == 1 and shown.isalnum():
        return shown, shown
    return (shown, None) if shown in _NAMED or shown.startswith(("ctrl+", "shift+")) else None


def keys_of(binding: Binding, *, is_ascii: bool = False) -> str:
    """Write all keys of a binding."""
    return " ".join(shown_key(key, is_ascii=is_ascii) for key in binding.keys)


def bindings_of(table: Sequence[Binding], scope: str) -> tuple[Binding, ...]:
    """Give what works in a scope; what works everywhere comes last, and gives way to the scope's own."""
    own = [binding for binding in table if scope in binding.scopes]
    taken = {key for binding in own for key in binding.keys}
    everywhere: list[Binding] = []
    for binding in table:
        if "app" in binding.scopes and scope not in binding.scopes:
            left = tuple(key for key in binding.keys if key not in taken)
            if left:
                everywhere.append(binding._replace(keys=left))
    return (*own, *everywhere)


def footer_of(table: Sequence[Binding], scope: str, can_run: Iterable[str] | None = None) -> tuple[Binding, ...]:
    """Give what the footer names, in its order; only what can run now, where that is said by ids."""
    allowed = None if can_run is None else set(can_run)
    shown = [b for b in bindings_of(table, scope) if b.footer and (allowed is None or b.id in allowed)]
    return tuple(sorted(shown, key=lambda binding: binding.footer))


def help_of(table: Sequence[Binding], scope: str, search: str = "") -> dict[str, tuple[Binding, ...]]:
    """Give what the help shows by group; with a search only what has all its words in title, keys, id or command."""
    words = search.lower().split()
    found: dict[str, tuple[Binding, ...]] = {}
    for group in GROUPS:
        fitting = tuple(
            binding
            for binding in bindings_of(table, scope)
            if binding.group == group
            and all(
                word in f"{binding.title} {keys_of(binding)} {binding.id} {binding.command}".lower() for word in words
            )
        )
        if fitting:
            found[group] = fitting
    return found


def palette_of(table: Sequence[Binding], scope: str) -> tuple[Binding, ...]:
    """Give what the palette offers: everything, what only moves behind the rest."""
    return tuple(sorted(bindings_of(table, scope), key=lambda binding: binding.group == "Move" and not binding.footer))


def read_keymap(
    table: Sequence[Binding], text: str
) -> tuple[tuple[Binding, ...], dict[str, tuple[str, ...]], list[KeymapProblem]]:
    """Read `keys.toml`, `[keys]` with `"act.cancel" = "x"`: the table, what differs by id, what is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return tuple(table), {}, [KeymapProblem("keys.toml", f"it is no TOML: {safe_text(str(error))}")]
    wanted: object = document.get("keys", {})
    if not isinstance(wanted, dict):
        return tuple(table), {}, [KeymapProblem("keys", "it is no table: write [keys] above the lines")]
    known = {binding.id: binding for binding in table}
    changed: dict[str, tuple[str, ...]] = {}
    strays = sorted(document.keys() - {"keys"})
    problems = [KeymapProblem(safe_text(name, keep_newlines=False), "write [keys] above it") for name in strays]
    # TOML itself makes the keys text; values are whatever stands there.
    for id_, value in cast("dict[str, object]", wanted).items():
        place = safe_text(id_, keep_newlines=False)
        keys = _keys(value)
        if id_ not in known:
            problems.append(KeymapProblem(place, "no binding is called so"))
        elif keys is None:
            problems.append(KeymapProblem(place, "a key is text, several are a list of text"))
        elif held := RESERVED.intersection(keys):
            problems.append(KeymapProblem(place, f"{', '.join(sorted(held))} never arrives, or means something else"))
        else:
            changed[id_] = keys
    rebound = tuple(binding._replace(keys=changed.get(binding.id, binding.keys)) for binding in table)
    for first, second, key in clashes(rebound):
        # The one that was changed gives way; of two, both do.
        for id_ in {first, second} & changed.keys():
            problems.append(KeymapProblem(id_, f"{shown_key(key)} is taken by {second if id_ == first else first}"))
            del changed[id_]
    problems = [_with_line(problem, text) for problem in problems]
    return tuple(b._replace(keys=changed.get(b.id, b.keys)) for b in table), changed, problems


def _with_line(problem: KeymapProblem, text: str) -> KeymapProblem:
    """Say in which line of a file a problem stands, where that is plain to see."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().lstrip("\"'[").startswith(problem.place):
            return problem._replace(place=f"line {number}, {problem.place}")
    return problem


def clashes(table: Sequence[Binding]) -> list[tuple[str, str, str]]:
    """Find pairs of bindings with the same key in the same scope: their ids and the key, each pair once."""
    found: dict[tuple[str, str], str] = {}
    scopes = sorted({scope for binding in table for scope in binding.scopes} - {"app"})
    for scope in ("app", *scopes):
        taken: dict[str, str] = {}
        for binding in table:
            if scope in binding.scopes:
                for key in binding.keys:
                    if key in taken and taken[key] != binding.id:
                        found.setdefault((taken[key], binding.id), key)
                    taken.setdefault(key, binding.id)
    return [(first, second, key) for (first, second), key in found.items()]


def as_markdown(table: Sequence[Binding]) -> str:
    """Write the whole table for the documentation."""
    lines: list[str] = []
    for group in GROUPS:
        lines += [f"### {group}", "", "| Keys | Does | Where | Id | Command |", "|---|---|---|---|---|"]
        for binding in table:
            if binding.group == group:
                keys = " ".join(
                    f"`` {shown_key(key)} ``" if key == "grave_accent" else f"`{shown_key(key)}`"
                    for key in binding.keys
                )
                where = "everywhere" if "app" in binding.scopes else ", ".join(sorted(binding.scopes))
                where = "every list and log" if len(binding.scopes) >= _MANY else where
                command = f"`{binding.command}`" if binding.command else ""
                lines.append(f"| {keys} | {binding.title} | {where} | `{binding.id}` | {command} |")
        lines.append("")
    return "\n".join(lines)


def _keys(value: object) -> tuple[str, ...] | None:
    keys: list[str] = []
    # A list of TOML: whatever it holds.
    for word in cast("list[object]", value) if isinstance(value, list) else [value]:
        if not isinstance(word, str) or not word.strip():
            return None
        keys.append(_NAMES.get(word.strip(), word.strip()))
    return tuple(keys) or None
