"""How short locks are taken that busy threads share."""

from __future__ import annotations

from _thread import LockType
from time import sleep


def take(lock: LockType) -> None:
    """Acquire a lock that is never held for long; the caller releases it.

    A thread that blocks in the kernel is given the lock before it has the interpreter, and then all others queue
    for the lock in their turn: once that has begun, each acquisition costs two switches of threads. Who only tries
    while it has the interpreter, and else hands it to the holder, cannot begin it (10,000 submits: 14,000/s against
    25,000/s on two cores).
    """
    while not lock.acquire(False):
        sleep(0)
