"""Deleting runs, whoever writes the database: the daemon where one runs, else this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from flowctl.core.cli.faults import CommandError
from flowctl.core.daemon.client import Client, NoDaemon
from flowctl.store.deletion import delete_runs
from flowctl.store.home import Home

#: Named in one request; its answer comes before they are gone.
_AT_ONCE: Final = 1000
_LOOK_EVERY_S: Final = 0.02
_LONGEST_S: Final = 600.0


def delete_everywhere(home: Home, ids: Sequence[str]) -> None:
    """Delete root runs; returns when they are gone."""
    try:
        client = Client.connect(home, start=False)
    except NoDaemon:
        delete_runs(home, ids)
        return
    with client:
        for start in range(0, len(ids), _AT_ONCE):
            client.ask("delete", ids=list(ids[start : start + _AT_ONCE]))
        deadline = time.monotonic() + _LONGEST_S
        while client.ask("deletions")["left"]:
            if time.monotonic() > deadline:
                raise CommandError("The daemon is still deleting; it goes on by itself.")
            time.sleep(_LOOK_EVERY_S)
