"""The bridge between the store and the screens: what could not be answered is asked again."""

from __future__ import annotations

import time

import pytest
from textual.app import App

from flowctl.store.home import Home
from flowctl.store.problems import RunNotFound
from flowctl.tui import bridge as bridges
from flowctl.tui.bridge import Bridge
from flowctl.tui.data.source import Source


def test_what_could_not_be_answered_is_asked_again_though_nothing_has_changed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridges, "_RETRY_EVERY_S", 0.0)
    asked: list[Source] = []
    told: list[str] = []
    bridge = Bridge(lambda: Source.open(home), App[int]())

    def ask(source: Source) -> str:
        asked.append(source)
        if len(asked) < 3:
            raise RunNotFound("x")
        return "here"

    question = bridge.watch(ask, told.append)
    bridge.start()
    try:
        deadline = time.monotonic() + 20
        while not told:
            assert time.monotonic() < deadline
            bridge.deliver()
            time.sleep(0.01)
    finally:
        bridge.stop()

    assert told == ["here"]
    assert question.problem is None
