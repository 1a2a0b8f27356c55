"""How commands ask the daemon for something: it is started where there is none, unless that was forbidden."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from flowctl.core.daemon.client import Client
from flowctl.core.daemon.protocol import Fields
from flowctl.store.home import Home


@contextmanager
def asking(home: Home, *, no_daemon: bool = False) -> Generator[Client, None, None]:
    """Connect to the daemon of a home."""
    with Client.connect(home, start=not no_daemon) as client:
        yield client


def ask(verb: str, *, no_daemon: bool = False, **fields: object) -> Fields:
    """Ask one thing; raise `Refused` with the daemon's own sentence."""
    with asking(Home.default(), no_daemon=no_daemon) as client:
        return client.ask(verb, **fields)
