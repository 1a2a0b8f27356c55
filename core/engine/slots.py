"""Named limits between processes: one file for each slot, locked by who has it; the kernel frees a dead holder's."""

from __future__ import annotations

import os
from typing import Final

_SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def take_slot(home: str, name: str, slots: int) -> int | None:
    """Take a slot of a limit; give the descriptor that holds it until it is closed, or None where all are taken."""
    import fcntl

    folder = f"{home}/limits"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    prefix = _prefix(name)
    free: int | None = None
    taken = 0
    # More than there are slots, when the limit was lowered under those who have one.
    for number in range(max(slots, _highest(folder, prefix) + 1)):
        descriptor = os.open(f"{folder}/{prefix}{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            taken += 1
            os.close(descriptor)
            continue
        if free is None and taken < slots:
            free = descriptor
        else:
            os.close(descriptor)
    if free is not None and taken >= slots:
        os.close(free)
        return None
    return free


def free_slots(home: str, name: str, slots: int) -> int:
    """Count the slots of a limit that nobody has at this moment."""
    import fcntl

    folder = f"{home}/limits"
    prefix = _prefix(name)
    taken = 0
    for number in range(_highest(folder, prefix) + 1):
        try:
            descriptor = os.open(f"{folder}/{prefix}{number}", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            # Shared, so that two who look at once do not take each other for holders.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            taken += 1
        finally:
            os.close(descriptor)
    return max(slots - taken, 0)


def _prefix(name: str) -> str:
    """Write a limit's name as the beginning of a file name, different for different names."""
    return "".join(each if each in _SAFE else f"%{ord(each):x}%" for each in name) + "."


def _highest(folder: str, prefix: str) -> int:
    """Give the highest number of a slot that was ever used; -1 where none was."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return -1
    numbers = [name[len(prefix) :] for name in names if name.startswith(prefix)]
    return max((int(number) for number in numbers if number.isdecimal()), default=-1)
