"""What a daemon answers, and what stands in the database without any help from this process."""

from __future__ import annotations

from flowctl.core.daemon.client import Client, NoDaemon
from flowctl.store.home import Home
from flowctl.store.problems import RunNotFound
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow


def asked(home: Home, verb: str = "status", **fields: object) -> dict[str, object]:
    with Client.connect(home, start=False) as client:
        return client.ask(verb, **fields)


def seen(home: Home, spec: str = "-") -> FlowRunRow | None:
    """Read a run as it stands in the database, without any help from this process."""
    try:
        with Reader.open(home) as reader:
            return reader.find_run(spec)
    except RunNotFound:
        return None


def seen_alive(home: Home) -> bool:
    try:
        return asked(home)["state"] == "ok"
    except NoDaemon:
        return False
