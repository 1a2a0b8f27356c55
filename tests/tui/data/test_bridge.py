"""The bridge between the store and the screens: what cannot be answered is asked again, what is the same told once."""

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


def test_an_answer_is_told_once_however_often_it_is_the_same(home: Home) -> None:
    home.ensure()
    asked: list[Source] = []
    told: list[list[int]] = []
    bridge = Bridge(lambda: Source.open(home), App[int]())

    def ask(source: Source) -> list[int]:
        asked.append(source)
        return [min(len(asked) // 4, 1)]

    question = bridge.watch(ask, told.append)
    bridge.start()
    try:
        deadline = time.monotonic() + 20
        while len(asked) < 7:
            assert time.monotonic() < deadline
            question.is_due = True  # as if something was written
            bridge.deliver()
            time.sleep(0.01)
        assert told == [[0], [1]]

        # Who asks for something else is told in any case.
        bridge.again(question)
        while len(told) < 3:
            assert time.monotonic() < deadline
            bridge.deliver()
            time.sleep(0.01)
    finally:
        bridge.stop()
