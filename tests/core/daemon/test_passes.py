"""When a pass gets its turn, and what happens to one that fails."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime

from flowctl.core.daemon.chores import Chores, Done
from flowctl.core.daemon.passes import FIRST_WAIT_S, MOST_WAIT_S, Pass, Trouble


def a_pass() -> Pass:
    return Pass("ingest", lambda _now: None)


def trouble(noon: datetime, message: str = "full") -> Trouble:
    return Trouble(noon, message, is_defect=False)


def test_a_pass_is_due_at_first_then_when_it_said_and_when_it_is_poked() -> None:
    each = a_pass()
    first = each.is_due(100.0)
    each.succeeded(100.0, 5.0)
    early, late = each.is_due(104.9), each.is_due(105.0)
    each.succeeded(105.0, None)
    never = each.is_due(1e9)
    each.poke()

    assert (first, early, late, never, each.is_due(0.0)) == (True, False, True, False, True)


def test_a_failed_pass_waits_longer_each_time_and_no_poke_wakes_it(noon: datetime) -> None:
    each = a_pass()
    waits: list[float] = []
    for _ in range(6):
        each.failed(0.0, trouble(noon))
        each.poke()
        assert each.due_s is not None
        waits.append(each.due_s)

    assert waits == [FIRST_WAIT_S, 0.5, 1.0, MOST_WAIT_S, MOST_WAIT_S, MOST_WAIT_S]
    assert each.succeeded(10.0, None)
    assert each.trouble is None
    each.failed(10.0, trouble(noon))
    assert each.due_s == 10.0 + FIRST_WAIT_S


def test_the_same_trouble_is_no_news_and_keeps_its_beginning(noon: datetime) -> None:
    each = a_pass()
    later = noon.replace(hour=13)

    news = [
        each.failed(0.0, Trouble(at, message, is_defect=False))
        for at, message in ((noon, "full"), (later, "full"), (later, "damaged"), (later, "damaged"))
    ]

    assert news == [True, False, True, False]
    assert each.trouble == trouble(later, "damaged")
    assert not a_pass().succeeded(0.0, None)


def test_chores_are_done_aside_one_of_a_name_and_told_of_in_the_loop() -> None:
    async def main() -> tuple[list[Done[int]], list[int], bool]:
        told = asyncio.Event()
        gate = threading.Event()
        ran: list[int] = []
        chores: Chores[int] = Chores(told.set)

        def slow() -> int:
            gate.wait(10)
            ran.append(1)
            return 7

        chores.begin("copy", slow)
        chores.begin("copy", slow)
        chores.begin("measure", lambda: 1 // 0)
        is_under_way = "copy" in chores
        gate.set()
        done: list[Done[int]] = []
        async with asyncio.timeout(10):
            while len(done) < 2:
                await told.wait()
                told.clear()
                done += chores.collect()
        return sorted(done), ran, is_under_way

    done, ran, is_under_way = asyncio.run(main())

    assert (ran, is_under_way) == ([1], True)
    assert (done[0].name, done[0].value, done[0].error) == ("copy", 7, None)
    assert isinstance(done[1].error, ZeroDivisionError)
