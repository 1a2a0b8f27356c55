"""The clock of the screen: it wakes with the full second, and four times as often only while something turns."""

from __future__ import annotations

import asyncio
import time

from flowctl.tui.ticking import QUICK, Ticking


def fail(error: Exception) -> None:
    raise AssertionError from error


def ticks(is_quick: bool, count: int) -> list[tuple[int, float]]:
    """Note the number and the time of day of some ticks."""

    async def run() -> list[tuple[int, float]]:
        seen: list[tuple[int, float]] = []
        ended = asyncio.Event()

        def tick(number: int) -> None:
            seen.append((number, time.time()))
            if len(seen) == count:
                ended.set()

        ticking = Ticking(tick, lambda: is_quick, fail)
        ticking.start()
        await asyncio.wait_for(ended.wait(), 30)
        ticking.stop()
        return seen

    return asyncio.run(run())


def test_where_nothing_turns_it_ticks_with_the_full_second() -> None:
    seen = ticks(is_quick=False, count=2)

    assert [number for number, _ in seen] == [QUICK, 2 * QUICK]
    assert int(seen[1][1]) > int(seen[0][1])


def test_where_something_turns_it_ticks_four_times_a_second() -> None:
    seen = ticks(is_quick=True, count=3)

    assert [number for number, _ in seen] == [1, 2, 3]
    assert len({int(at % 1 * QUICK) for _, at in seen}) > 1


def test_what_begins_to_turn_does_not_wait_for_the_full_second() -> None:
    async def run() -> int:
        ticked, is_quick = asyncio.Event(), False
        first = 0

        def tick(number: int) -> None:
            nonlocal first
            first = number
            ticked.set()

        ticking = Ticking(tick, lambda: is_quick, fail)
        ticking.start()
        is_quick = True
        ticking.hurry()
        await asyncio.wait_for(ticked.wait(), 30)
        ticking.stop()
        return first

    assert asyncio.run(run()) == 1


def test_a_defect_in_a_tick_is_told() -> None:
    async def run() -> Exception:
        told: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

        def tick(_number: int) -> None:
            raise ZeroDivisionError

        ticking = Ticking(tick, lambda: True, told.set_result)
        ticking.start()
        error = await asyncio.wait_for(told, 30)
        ticking.stop()
        return error

    assert isinstance(asyncio.run(run()), ZeroDivisionError)
