"""Catching up when the database is gone: it is made anew from the journals."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.store import catchup
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from tests.store.databases import contents_of
from tests.store.journals import (
    a_run,
    an_id,
    many_runs,
    write_journal,
)

RUN = an_id(1)
_IMPORTS = "import sys; from flowctl.store.home import Home; from flowctl.store.catchup import catch_up"


def test_a_database_that_was_moved_away_is_rebuilt_from_the_journals(home: Home) -> None:
    many_runs(home, 5)
    write_journal(home, an_id(7), a_run(an_id(7), ends=None))
    catch_up(home)
    before = contents_of(home)
    Path(home.database).rename(home.database + ".damaged")

    catch_up(home)

    assert contents_of(home) == before


def test_a_rebuild_that_was_killed_is_taken_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    many_runs(home, 5)
    catch_up(home)
    before = contents_of(home)
    Path(home.database).unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(catchup, "ingest_active", killed)
        catch_up(home)
    catch_up(home)

    assert contents_of(home) == before
