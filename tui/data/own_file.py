"""A small file that the interface keeps in the home: read whole, written whole, never half."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from flowctl.store.home import Home

_LARGEST: Final = 1_000_000


class OwnFile:
    """One file of a home, by its name there."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self.path = Path(home.path) / name

    def read(self) -> str | None:
        """Give its text; None where there is none. Raise `OSError` where it cannot be read, or is far too large."""
        try:
            if self.path.stat().st_size > _LARGEST:
                raise OSError(0, "it is too large")
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, text: str) -> None:
        """Write it; raise `OSError` where that is not possible."""
        fresh = self.path.with_name(f".{self.path.stem}.{os.getpid()}.json")
        try:
            # Beside it and then in its place: who reads sees the old one or the new one.
            fresh.write_text(text, encoding="utf-8")
            fresh.chmod(0o600)
            fresh.replace(self.path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
