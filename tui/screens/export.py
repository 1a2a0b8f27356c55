"""Saving what is on the screen: as a picture, as text, or as the record that it shows."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowctl.tui.screens.view import View


def as_text(view: View) -> str:
    """Give the screen as plain text, line by line, as it stands there."""
    strips = view._compositor.render_strips()  # pyright: ignore[reportPrivateUsage] - the one place that knows
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


def self_contained(svg: str) -> str:
    """Let a picture load nothing from elsewhere: it is shown in the fixed-width font that its viewer has.

    Rich names a font of the web, which most viewers do not fetch; what they take instead may not keep columns.
    """
    return re.sub(r"\s*@font-face\s*{[^}]*}", "", svg).replace("Fira Code, monospace", "monospace")


def stamp() -> str:
    """Write the second of now into a file's name."""
    return time.strftime("%Y%m%d-%H%M%S")


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all. Raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def save(text: str, kind: str) -> str:
    """Write a new file in the current folder; return its path. Raises `OSError`."""
    stem = f"flowctl-{stamp()}"
    for number in range(100):
        path = Path.cwd() / f"{stem}{f'-{number}' if number else ''}.{kind}"
        try:
            write_new(path, text)
        except FileExistsError:
            continue
        return str(path)
    raise FileExistsError(17, "a hundred pictures within one second", stem)
