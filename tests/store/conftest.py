"""Fixtures of the store's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.sqlite import sqlite3
from tests.store.databases import in_memory, in_memory_databases
from tests.store.journals import ten_runs


@pytest.fixture(autouse=True, scope="module")
def closed_databases() -> Iterator[None]:
    """Close what the tests opened in memory."""
    yield
    while in_memory_databases:
        in_memory_databases.pop().close()


@pytest.fixture
def database() -> sqlite3.Connection:
    """An empty database in memory."""
    return in_memory()


@pytest.fixture
def many(home: Home) -> Iterator[Reader]:
    """A reader of the home with `ten_runs`."""
    ten_runs(home)
    catch_up(home)
    with Reader.open(home) as reader:
        yield reader
