"""How a run is to be shown, as the command line says it."""

from __future__ import annotations


class DisplayOptions:
    """What the command line says about showing a run."""

    __slots__ = ("is_json", "is_quiet", "least_level", "with_events")

    def __init__(
        self, *, is_json: bool = False, with_events: bool = False, is_quiet: bool = False, least_level: int = 0
    ) -> None:
        self.is_json = is_json
        self.with_events = with_events
        self.is_quiet = is_quiet
        self.least_level = least_level

    @property
    def for_machines(self) -> bool:
        return self.is_json or self.with_events
