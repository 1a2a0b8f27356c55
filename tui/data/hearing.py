"""Whether the daemon answers: one small question every few seconds, over a connection that stays open.

One that hangs while no run writes leaves no other trace, nor does one that is in trouble and answers all the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon.instance import Holder
from flowctl.store.home import Home
from flowctl.tui.data import safe_rows
from flowctl.tui.data.upkeep import Standing
from flowctl.tui.model.texts import clock

if TYPE_CHECKING:
    from flowctl.core.daemon.client import Client

#: The first screen is not kept waiting by the import of all that asking takes.
_FIRST_AFTER_S: Final = 1.0
#: Each question wakes a daemon that has nothing else to do.
_ASK_EVERY_S: Final = 3.0
#: One that has said nothing for so long is stuck, or so busy that it makes no difference.
_SILENT_S: Final = 2.5
#: Connecting and writing take no time unless it has been stuck for hours.
_PATIENCE_S: Final = 0.2


class Hearing:
    """The daemon of one home, as far as it answers; all of it happens in the thread that looks at the store."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._client: Client | None = None
        self._pid = 0
        self._ask_at_s = 0.0
        #: Since when an answer is waited for.
        self._waits: tuple[float, datetime] | None = None
        self._heard_at: datetime | None = None
        #: What the daemon says is wrong with itself.
        self.trouble: str | None = None
        self.is_silent = False

    def close(self) -> None:
        """Ask no more."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def forget(self) -> None:
        """There is no daemon any more; what it said is of no account."""
        self.close()
        self._pid, self._waits, self._heard_at, self.trouble, self.is_silent = 0, None, None, None, False

    def listen(self, holder: Holder, now_s: float, at: datetime) -> Standing | None:
        """Take the answer, ask anew where that is due; tell of a daemon that does not answer."""
        if holder.pid != self._pid:
            self.forget()
            self._pid, self._ask_at_s = holder.pid, now_s + _FIRST_AFTER_S
        self._hear(now_s, at)
        if now_s > self._ask_at_s and (self._waits is None or self._client is None):
            self._ask()
            self._waits = self._waits or (now_s, at)
        self.is_silent = self._waits is not None and now_s - self._waits[0] > _SILENT_S
        if self._waits is None or not self.is_silent:
            return None
        since = self._heard_at or self._waits[1]
        text = (
            f"The daemon (process {holder.pid}) has not answered since {clock(since)}. `flowctl daemon logs` says "
            "what it did last, `flowctl daemon restart` replaces it; runs go on."
        )
        return Standing(text, since)

    def _ask(self) -> None:
        from flowctl.core.daemon.client import Client

        try:
            if self._client is None:
                self._client = Client.connect(self._home, start=False, within_s=_PATIENCE_S)
            self._client.put(secrets.token_hex(8), "status", {}, within_s=_PATIENCE_S)
        except (FlowctlError, OSError):
            self.close()  # just starting, just ending, or stuck: the next look tells

    def _hear(self, now_s: float, at: datetime) -> None:
        from flowctl.core.daemon.protocol import Refused

        if self._client is None or not self._client.has_news:
            return
        try:
            answer = self._client.news(within_s=_PATIENCE_S)
            self.trouble = None if answer is None else _trouble(answer)
        except Refused as refused:
            answer, self.trouble = {}, safe_rows.line(refused.message)
        except (FlowctlError, OSError):
            answer = None
        if answer is None:
            self.close()  # it hung up, or broke off: asked again, it may say more
            return
        self._waits, self._heard_at, self._ask_at_s = None, at, now_s + _ASK_EVERY_S


def _trouble(answer: Mapping[str, Any]) -> str | None:
    """Say in a sentence what keeps a daemon from its work."""
    troubles = cast("Mapping[str, Mapping[str, Any]]", answer.get("troubles") or {})
    if not troubles:
        return None
    name, trouble = next(iter(troubles.items()))
    first = str(trouble.get("message", "")).strip().partition("\n")[0]
    more = "" if len(troubles) == 1 else f" The System screen shows {len(troubles) - 1} more."
    return safe_rows.line(f"The daemon cannot do all its work ({name}): {first}{more}")
