"""The bridge between the store and the screens: what cannot be answered is asked again, what is the same told once."""

from __future__ import annotations

import threading
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


def test_what_was_dropped_while_it_waited_behind_something_long_is_not_read(home: Home) -> None:
    home.ensure()
    is_at_work, may_end = threading.Event(), threading.Event()
    read: list[str] = []
    bridge = Bridge(lambda: Source.open(home), App[int]())

    def last_long(_source: Source) -> None:
        is_at_work.set()
        assert may_end.wait(20)

    bridge.once(last_long, lambda _answer: None, is_slow=True)
    bridge.start()
    try:
        assert is_at_work.wait(20)
        dropped = bridge.watch(lambda _source: read.append("dropped"), lambda _answer: None, is_slow=True)
        kept = bridge.watch(lambda _source: read.append("kept"), lambda _answer: None, is_slow=True)
        deadline = time.monotonic() + 20
        while not (dropped.is_asked and kept.is_asked):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        bridge.drop(dropped)
        may_end.set()
        while not read:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        may_end.set()
        bridge.stop()

    assert set(read) == {"kept"}


def test_a_store_that_does_not_answer_is_told_to_be_stuck_until_it_does(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.ensure()
    monkeypatch.setattr(bridges, "_STUCK_S", 0.05)
    answers = threading.Event()

    def open_source() -> Source:
        answers.wait(20)
        return Source.open(home)

    bridge = Bridge(open_source, App[int]())
    assert not bridge.is_stuck
    bridge.start()
    try:
        for is_stuck in (True, False):
            deadline = time.monotonic() + 20
            while bridge.is_stuck != is_stuck:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            answers.set()
    finally:
        answers.set()
        bridge.stop()
