"""A stretch of time on some cells: which moment is in which cell, zooming, and the times written above it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from flowctl.tui.model.texts import round_duration

_STEPS_S: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
    *(60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400),
    *(2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400, 365 * 86400),
)
#: Between the beginnings of two labels.
_CELLS_A_LABEL: Final = 10
#: A due time farther ahead than this part of the whole is pointed at from the edge.
_AHEAD: Final = 0.25
_SHORTEST_S: Final = 0.002


class TimeWindow(NamedTuple):
    """The stretch of time that is shown."""

    start: datetime
    end: datetime

    @property
    def span_s(self) -> float:
        return (self.end - self.start).total_seconds()

    def zoomed(self, factor: float, around: datetime | None = None) -> TimeWindow:
        """Show so many times as much detail around a moment, or at the end."""
        span = max(self.span_s / factor, _SHORTEST_S)
        if around is None:
            return TimeWindow(self.end - timedelta(seconds=span), self.end)
        part = min(max((around - self.start).total_seconds() / self.span_s, 0.0), 1.0)
        start = around - timedelta(seconds=span * part)
        return TimeWindow(start, start + timedelta(seconds=span))

    def panned(self, part: float) -> TimeWindow:
        """Go forward by a part of what is shown, or back where it is below 0."""
        by = timedelta(seconds=self.span_s * part)
        return TimeWindow(self.start + by, self.end + by)


def fit_window(start: datetime | None, end: datetime | None, due: datetime | None, now: datetime) -> TimeWindow:
    """Show a run from its start to its end, or to now and what is due soon after."""
    start = start or now
    last = end or max(now, start)
    span = max((last - start).total_seconds(), _SHORTEST_S)
    if end is None:
        # Room behind "now", so that what is due can be told from it.
        ahead = 0.0 if due is None else min((due - last).total_seconds(), span * _AHEAD)
        span += max(ahead, span * 0.02)
    return TimeWindow(start, start + timedelta(seconds=span))


class TimeScale:
    """A time window laid over cells."""

    __slots__ = ("_origin", "_per_s", "cells", "window")

    def __init__(self, window: TimeWindow, cells: int) -> None:
        self.window = window
        self.cells = max(cells, 0)
        self._origin = window.start
        self._per_s = self.cells / max(window.span_s, _SHORTEST_S)

    def cell(self, at: datetime) -> int:
        """Tell in which cell a moment is; below 0 or beyond the last one where it is not shown."""
        place = (at - self._origin).total_seconds() * self._per_s
        # A moment of 400 years ago is just as much out of sight.
        return int(max(min(place, 1e6), -1e6) // 1)

    def at(self, cell: int) -> datetime:
        """Tell which moment begins a cell."""
        return self._origin + timedelta(seconds=cell / self._per_s) if self._per_s else self._origin

    def labels(self, *, is_relative: bool = False, now: datetime | None = None) -> str:
        """Write times above the cells, the first one whole, then only what changes; and `now` over its cell."""
        line = [" "] * self.cells
        place = self.cell(now) if now is not None else -1
        has_now = 0 <= place < self.cells
        now_at = min(max(place - 2, 0), self.cells - 3)
        if self.cells >= 12:
            step = next((s for s in _STEPS_S if s * self._per_s >= _CELLS_A_LABEL), _STEPS_S[-1])
            for offset, text in self._ticks(step, is_relative):
                free = now_at - 1 if has_now else self.cells
                until = offset + len(text)
                # The first one stands at the edge, and no other one on top of it.
                if until <= free and all(sign == " " for sign in line[max(offset - 2, 0) : until]):
                    line[offset:until] = text
        if has_now and self.cells >= 3:
            line[now_at : now_at + 3] = "now"
        return "".join(line)

    def _ticks(self, step: float, is_relative: bool) -> list[tuple[int, str]]:
        if is_relative:
            count = int(self.window.span_s / step) + 1
            return [(int(n * step * self._per_s), f"+{round_duration(n * step) if n else '0s'}") for n in range(count)]
        first = self.window.start.astimezone()
        if step < 1:
            whole = f"{first:%H:%M:%S}.{first.microsecond // 1000:03}"
        else:
            whole = f"{first:%H:%M:%S}" if step < 43200 else f"{first.day} {first:%b %H:%M}"
        ticks = [(0, whole)]
        # By the wall clock where the user is, so that steps fall on full minutes and hours.
        shift = first.utcoffset() or timedelta()
        begin_s = (self.window.start - datetime(1970, 1, 1, tzinfo=UTC) + shift).total_seconds()
        number = int(begin_s / step) + 1
        while (number * step - begin_s) * self._per_s < self.cells:
            local = self.window.start + timedelta(seconds=number * step - begin_s)
            cell = int((number * step - begin_s) * self._per_s)
            ticks.append((cell, _tick(local.astimezone(), step)))
            number += 1
        return ticks


def _tick(local: datetime, step: float) -> str:
    if step < 1:
        # Half a millisecond more: the sum of microseconds may fall just short.
        later = local + timedelta(microseconds=500)
        return f":{later:%S}.{later.microsecond // 1000:03}"
    later = local + timedelta(milliseconds=500)
    if step < 60:
        return f"{later:%H:%M}" if later.second == 0 else f":{later:%S}"
    if step < 86400:
        return f"{later.day} {later:%b}" if (later.hour, later.minute) == (0, 0) else f"{later:%H:%M}"
    return f"{later.day} {later:%b}"
