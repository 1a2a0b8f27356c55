"""A flow made up by a seed, whose calls hang on chance in each attempt: which task is faster, what fails, when it dies.

Each call says what it must give, so that one which is given the record of another is found out.
"""

from __future__ import annotations

import os
import threading
import time
from random import Random
from typing import Any

from flowctl import Future, ThreadPoolTaskRunner, as_completed, flow, task

ROOT = "root"


class Opaque:
    """Inputs without an identity that lasts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lock = threading.Lock()


def dice(*key: object) -> Random:
    """The same in every attempt."""
    return Random(repr((os.environ["STORY_SEED"], key)))


def chance(*key: object) -> float:
    """Another in every attempt."""
    return dice(os.environ["STORY_ATTEMPT"], *key).random()


@task
def triple(x: int) -> int:
    return x * 3


@task
def tens(thing: Opaque) -> int:
    return thing.number * 10


@task
def hundreds(thing: Opaque) -> int:
    return thing.number * 100


@task
def shaky(key: str) -> int:
    if chance("shaky", key) < 0.4:
        raise ValueError(key)
    return int(chance("value", key) * 50)


@task
def late(key: str, x: int) -> int:
    time.sleep(chance("late", key) * 0.003)
    return x


@task
def outer(x: int) -> int:
    return body(f"outer {x}", x, 3)


def ask(x: int, *, submits: bool = False) -> None:
    """Call a task that is chosen by what it is asked for, and see that the answer is its own."""
    asked, factor = (tens, 10) if x % 2 else (hundreds, 100)
    answer: Any = asked.submit(Opaque(x)).result() if submits else asked(Opaque(x))
    assert answer == x * factor, "the answer to another call"


def body(key: str, x: int, steps: int) -> int:
    """Do so many steps, each of which may be the last of this attempt."""
    program = dice(key)
    for step in range(steps):
        match program.randrange(7):
            case 0:
                x = triple(x) % 997
            case 1:
                try:
                    x = shaky(f"{key} {step}")
                except ValueError:
                    x += 7
                    ask(x)
                ask(x + 1)
            case 2:
                futures: list[Future[int]] = [late.submit(f"{key} {step} {n}", x + n) for n in range(4)]
                for future in as_completed(futures):
                    ask(future.result())
            case 3:
                answers = tens.map([Opaque(x + n) for n in range(4)]).result()
                assert answers == [(x + n) * 10 for n in range(4)], "the answers to other calls"
            case 4 if key == ROOT:
                x = outer(x) % 997
            case 5 if key == ROOT:
                x = outer.submit(x).result() % 997
            case _:
                ask(x, submits=True)
        if chance("dies", key, step) < 0.12:
            raise RuntimeError("dies")
    return x


@flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
def main() -> int:
    return body(ROOT, 1, 12)
