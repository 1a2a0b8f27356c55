"""Fixtures of the commands' tests: a command line said in this process, and a home with runs in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from flowctl.__main__ import main
from flowctl.store.home import Home
from tests.core.cli import recorded


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


Say = Callable[..., Said]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """Carry out a command line in this process, with 80 columns and no colours."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: str) -> Said:
        code = main(list(words))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def runs(home: Home) -> Home:
    """A home with one run of each kind, journals not ingested yet."""
    recorded.everything(home, time.time_ns() // 1000)
    return home
