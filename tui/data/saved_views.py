"""The file `views.json` of a home: read whole, written whole, never half."""

from __future__ import annotations

from collections.abc import Sequence

from flowctl.store.home import Home
from flowctl.tui.data.own_file import OwnFile
from flowctl.tui.model.views import View, read_views, write_views


def load_views(home: Home) -> tuple[tuple[View, ...], list[str]]:
    """Read the saved views; return them and what was wrong with the file, in sentences."""
    file = _file(home)
    try:
        text = file.read()
    except OSError as error:
        return (), [f"{file.path} cannot be read, and is left as it is: {error.strerror}."]
    return ((), []) if text is None else read_views(text)


def save_views(home: Home, views: Sequence[View]) -> str | None:
    """Write the saved views; return why that was not possible, in a sentence, or None."""
    file = _file(home)
    try:
        file.write(write_views(views))
    except OSError as error:
        return f"The view is not saved: {file.path}: {error.strerror}."
    return None


def _file(home: Home) -> OwnFile:
    return OwnFile(home, "views.json")
