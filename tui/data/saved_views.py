"""The file `views.json` of a home: read whole, written whole, never half."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flowctl.store.home import Home
from flowctl.tui.model.views import View, read_views, write_views

_LARGEST: Final = 1_000_000


def load_views(home: Home) -> tuple[tuple[View, ...], list[str]]:
    """Read the saved views; return them and what was wrong with the file, in sentences."""
    path = _path(home)
    try:
        if path.stat().st_size > _LARGEST:
            return (), [f"{path} is too large for a list of views, and is left as it is."]
        return read_views(path.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return (), []
    except OSError as error:
        return (), [f"{path} cannot be read: {error.strerror}."]


def save_views(home: Home, views: Sequence[View]) -> str | None:
    """Write the saved views; return why that was not possible, in a sentence, or None."""
    path = _path(home)
    fresh = path.with_name(f".views.{os.getpid()}.json")
    try:
        home.ensure()
        # Beside it and then in its place: who reads sees the old ones or the new ones.
        fresh.write_text(write_views(views), encoding="utf-8")
        fresh.chmod(0o600)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        return f"The view is not saved: {path}: {error.strerror}."
    return None


def _path(home: Home) -> Path:
    return Path(home.path) / "views.json"
