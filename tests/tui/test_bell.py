"""The notice on the desktop: by what there is, as it was said, and never in anybody's way."""

from __future__ import annotations

import stat
import sys
import time
from pathlib import Path

import pytest

from flowctl.tui.bell import notify


def a_tool(folder: Path, name: str) -> Path:
    """Make a tool that keeps its words, each on a line, once it has them all."""
    words = folder / "words"
    tool = folder / name
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {words}.part\n/bin/mv {words}.part {words}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    return words


def said(words: Path) -> list[str]:
    deadline = time.monotonic() + 20
    while not words.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return words.read_text().splitlines()


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_desktop_gets_the_words_and_takes_none_for_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(display, ":0")

    words = a_tool(tmp_path, "notify-send")

    assert notify("--help: Failed", "brave-otter")
    assert said(words) == ["--app-name=flowctl", "--", "--help: Failed", "brave-otter"]


def test_on_a_mac_the_words_are_no_part_of_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", str(tmp_path))

    words = a_tool(tmp_path, "osascript")

    assert notify('x" & quit', "brave-otter")
    assert said(words)[-2:] == ['x" & quit', "brave-otter"]


@pytest.mark.parametrize("is_displayed", [True, False])
def test_without_a_desktop_or_its_tool_there_is_no_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_displayed: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if is_displayed:
        monkeypatch.setenv("DISPLAY", ":0")
    else:
        a_tool(tmp_path, "notify-send")

    assert not notify("x", "y")
