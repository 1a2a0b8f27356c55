"""Which flowctl this is; the distribution's version too."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
