"""The orders that a list of runs can be read in, as SQL over `flow_run f`; runs that compare alike go by their age."""

from __future__ import annotations

from typing import Final

from flowctl.store.query_sql import state_sql
from flowctl.store.query_words import STATE_WORDS

#: What needs a person first, then what goes on.
_URGENCY: Final = (
    ("failed", "crashed"),
    ("retrying",),
    ("paused",),
    ("running", "cancelling"),
    ("queued",),
    ("scheduled",),
    ("cancelled",),
)
_BY_URGENCY: Final = " ".join(
    f"WHEN {state_sql(STATE_WORDS[word])} THEN {place}" for place, words in enumerate(_URGENCY) for word in words
)

#: Order -> what comes before the age in its ORDER BY.
ORDERS: Final = {
    "age": "",
    "state": f"CASE {_BY_URGENCY} ELSE {len(_URGENCY)} END, ",
    "flow": "lower(f.flow_name), ",
    #: What has not ended yet, then the longest; what never began at the end.
    "took": "CASE WHEN f.started_at IS NULL THEN 2 WHEN f.ended_at IS NULL THEN 0 ELSE 1 END, "
    "CASE WHEN f.ended_at IS NULL THEN 0 ELSE f.started_at - f.ended_at END, ",
    "name": "lower(f.name), ",
}
