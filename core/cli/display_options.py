"""How a run is to be shown, as the command line says it."""

from __future__ import annotations


class DisplayOptions:
    """What the command line says about showing a run."""

    __slots__ = ("is_json", "is_linear", "is_quiet", "least_level", "watched", "with_events")

    def __init__(
        self,
        *,
        is_json: bool = False,
        with_events: bool = False,
        is_quiet: bool = False,
        is_linear: bool = False,
        least_level: int = 0,
        watched: str | None = None,
    ) -> None:
        self.is_json = is_json
        self.with_events = with_events
        self.is_quiet = is_quiet
        #: Sentences in order, whatever the stream is.
        self.is_linear = is_linear
        #: What to type for the run, where it goes on in another process.
        self.watched = watched
        self.least_level = least_level

    @property
    def for_machines(self) -> bool:
        return self.is_json or self.with_events
