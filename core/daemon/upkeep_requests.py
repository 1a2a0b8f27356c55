"""Requests about what is kept: runs to delete, limits, copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.store import limits
from flowctl.store.deletion import check_deletable, set_aside

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon
    from flowctl.core.daemon.requests import Verb

_MOST_IDS: Final = 10_000
_LONGEST_NAME: Final = 200
_MOST_SLOTS: Final = 100_000


def delete(daemon: Daemon, fields: Fields) -> Fields:
    """Delete root runs; they are gone some moments after the answer, see `deletions`."""
    ids = texts(fields, "ids")
    if len(ids) > _MOST_IDS:
        raise Refused("bad_request", f"At most {_MOST_IDS:,} runs can be deleted by one request.")
    retainer = daemon.retainer
    assert retainer is not None
    check_deletable(daemon.store.connection, daemon.home, ids)
    for run_id in ids:
        # Now, so that a daemon that dies before it is done is followed by one that sees what was begun.
        set_aside(daemon.home, run_id, run_id)
    retainer.doom(ids)
    daemon.afterwards.append(lambda: daemon.poke("retain"))
    return {"accepted": len(ids)}


def limit_set(daemon: Daemon, fields: Fields) -> Fields:
    """Set how many may hold a named limit at once; `slots` null removes it."""
    name, slots = text(fields, "name"), fields.get("slots")
    if len(name) > _LONGEST_NAME or not name.isprintable() or name.isspace():
        raise Refused("bad_request", f"A limit's name has 1 to {_LONGEST_NAME} printable characters.")
    if slots is None:
        if not limits.remove_limit(daemon.store.connection, name):
            raise Refused("not_found", f"There is no limit {name!r}. `flowctl limit ls` shows those that there are.")
    elif not isinstance(slots, int) or isinstance(slots, bool) or not 0 <= slots <= _MOST_SLOTS:
        raise Refused("bad_request", f"A limit is a whole number from 0 to {_MOST_SLOTS:,}.")
    else:
        limits.set_limit(daemon.store.connection, name, slots)
    daemon.afterwards.append(lambda: limits.publish(daemon.store.connection, daemon.home.path))
    daemon.afterwards.append(lambda: daemon.poke("dispatch"))
    return {"name": name, "slots": slots}


def deletions(daemon: Daemon, _fields: Fields) -> Fields:
    """Tell how many runs are still to be deleted."""
    retainer = daemon.retainer
    return {"left": 0 if retainer is None else len(retainer.doomed) + retainer.is_deleting}


def texts(fields: Fields, name: str) -> list[str]:
    """Read a field that is a list of texts."""
    value: Any = fields.get(name)  # whatever somebody sent
    if not isinstance(value, list) or not all(isinstance(item, str) for item in cast("list[object]", value)):
        raise Refused("bad_request", f"{name!r} has to be a list of texts.")
    return cast("list[str]", value)


def text(fields: Fields, name: str) -> str:
    """Read a field that is a text."""
    value: Any = fields.get(name)  # as above
    if not isinstance(value, str) or not value:
        raise Refused("bad_request", f"{name!r} has to be a text.")
    return value


VERBS: Final[dict[str, Verb]] = {"delete": delete, "limit_set": limit_set}
QUICK: Final[dict[str, Verb]] = {"deletions": deletions}
