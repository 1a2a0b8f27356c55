"""What the streams that a run is shown on can take: redrawing, colours, more than ASCII."""

from __future__ import annotations

import os
from typing import IO


def is_github() -> bool:
    """Tell whether this is a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def is_gitlab() -> bool:
    """Tell whether this is a job of GitLab CI."""
    return bool(os.environ.get("GITLAB_CI"))


def is_live(stream: IO[str]) -> bool:
    """Tell whether the stream is a terminal on which things can be redrawn, and no log of a CI system."""
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown") or is_github() or is_gitlab():
        return False
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def is_ascii(stream: IO[str] | None) -> bool:
    """Tell whether glyphs have to be ASCII: `FLOWCTL_ASCII=1`, or a stream that cannot carry more."""
    if os.environ.get("FLOWCTL_ASCII", "0") not in ("", "0"):
        return True
    return "utf" not in (getattr(stream, "encoding", None) or "").lower()


def wants_colour(stream: IO[str]) -> bool:
    """Tell whether plain lines may have colours: a terminal's, or where FORCE_COLOR asks for them."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM", "dumb") != "dumb")


def silence(stream: IO[str] | None) -> None:
    """Lead a stream whose reader went away to nowhere, so that neither the run nor Python's exit stumbles over it."""
    if stream is None:
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):  # not a real file
        pass
