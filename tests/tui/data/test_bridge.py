"""How often the bridge looks at the store: less where nothing can have happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from textual.app import App

from flowctl.tui.bridge import EVERY_S, QUIET_EVERY_S, Bridge
from flowctl.tui.data.source import Source
from flowctl.tui.model.snapshots import Pulse


def no_source() -> Source:
    raise AssertionError("nothing is read here")


@pytest.mark.parametrize(("is_active", "pause_s"), [(True, EVERY_S), (False, QUIET_EVERY_S)])
def test_a_store_with_nothing_under_way_is_looked_at_less_often(is_active: bool, pause_s: float) -> None:
    bridge = Bridge(no_source, App[int]())
    assert bridge.pause_s() == EVERY_S

    bridge.pulse = Pulse(
        version=1, daemon_pid=None, daemon_since=None, problem=None, is_active=is_active, at=datetime.now(UTC)
    )

    assert bridge.pause_s() == pause_s
