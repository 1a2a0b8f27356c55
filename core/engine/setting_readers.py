"""Readers of settings: each makes the typed value of what a file or (as text) the environment holds, or ValueError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast


def flag(value: object) -> object:
    """Read yes or no."""
    if isinstance(value, str):
        value = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }.get(value.lower(), value)
    if not isinstance(value, bool):
        raise ValueError
    return value


def whole(least: int) -> Callable[[object], object]:
    """Make a reader of whole numbers from a least one on."""

    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, (int, str)) or (number := int(value)) < least:
            raise ValueError
        return number

    return read


def seconds(value: object) -> object:
    """Read a number of seconds from 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or not 0 <= (number := float(value)) < 1e9:
        raise ValueError
    return number


def choice(*allowed: str) -> Callable[[object], object]:
    """Make a reader of one of these words, in any case."""

    def read(value: object) -> object:
        for word in allowed:
            if isinstance(value, str) and value.lower() == word.lower():
                return word
        raise ValueError

    return read


_UNITS: Final = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def size(value: object) -> object:
    """Read a number of bytes, with a unit or without."""
    if isinstance(value, str):
        number = value.rstrip("BKMGbikmg ")
        unit = value[len(number) :].strip().lower() or "b"
        if unit not in _UNITS:
            raise ValueError
        value = int(float(number) * _UNITS[unit])
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def words(value: object) -> object:
    """Read a list of words."""
    if not isinstance(value, (str, list)):
        raise ValueError
    items = value.split(",") if isinstance(value, str) else cast("list[object]", value)
    if not all(isinstance(item, str) for item in items):
        raise ValueError
    return tuple(word for item in items if (word := str(item).strip().lower()))
