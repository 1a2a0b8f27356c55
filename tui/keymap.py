"""The person's own keys, from `keys.toml` in their folder for settings; what is wrong in it is left out and told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flowctl.tui.model.key_table import BINDINGS
from flowctl.tui.model.keys import Binding, KeymapProblem, read_keymap
from flowctl.tui.model.texts import Line, counted

_LARGEST: Final = 100_000


def keys_file() -> Path:
    """Say where the person's own keys are written, if there are any."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(os.path.expanduser(folder), "flowctl", "keys.toml")  # noqa: PTH111 - pathlib breaks without a home


def load_keymap() -> tuple[tuple[Binding, ...], list[KeymapProblem]]:
    """Give the table of keys in force, and what was wrong with the person's own."""
    try:
        text = keys_file().read_text(encoding="utf-8", errors="replace")[:_LARGEST]
    except FileNotFoundError:
        return BINDINGS, []
    except OSError as error:
        return BINDINGS, [KeymapProblem("keys.toml", f"it cannot be read: {error.strerror}")]
    table, _, problems = read_keymap(BINDINGS, text)
    return table, problems


def mistakes_line(problems: Sequence[KeymapProblem]) -> Line:
    """Say that something in the person's own keys was left out."""
    text = f" keys.toml has {counted(len(problems), 'mistake')}: "
    return ((text, "warning"), ("5", "accent"), (" System tells where", "warning"))
