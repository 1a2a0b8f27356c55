"""Copying out of the interface, with tools that keep what they get: which one is asked, and what is said of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from flowctl.tui.clipboard import copy

#: The displays that a desktop tells its programs of.
VARIABLES = ("WAYLAND_DISPLAY", "DISPLAY", "TMUX")


class Desk:
    """A machine with some tools, and what was written to its terminal."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.written: list[str] = []
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", str(folder))
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)

    def has(self, tool: str, code: int = 0, /, **variables: str) -> None:
        """Have a tool that keeps its words and what it reads."""
        script = self.folder / tool
        script.write_text(f'#!/bin/sh\necho "$@" > {script}.words\n/bin/cat > {script}.got\nexit {code}\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def got(self, tool: str) -> bytes:
        return (self.folder / f"{tool}.got").read_bytes()

    def copy(self, text: str, *, is_remote: bool = False) -> str:
        return copy(text, home=str(self.home), is_remote=is_remote, write_osc52=self.written.append)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("tool", "variables"),
    [
        ("pbcopy", {}),
        ("wl-copy", {"WAYLAND_DISPLAY": "wayland-0"}),
        ("xclip", {"DISPLAY": ":0"}),
        ("xsel", {"DISPLAY": ":0"}),
    ],
)
def test_a_tool_of_this_machine_is_asked_and_named(desk: Desk, tool: str, variables: dict[str, str]) -> None:
    desk.has(tool, 0, **variables)

    assert desk.copy("häufig\n") == f"{tool}, tui.clip"
    assert desk.got(tool).decode() == "häufig\n"
    assert desk.written == []


def test_windows_gets_text_as_it_reads_it(desk: Desk) -> None:
    desk.has("clip.exe")

    assert desk.copy("häufig") == "clip.exe, tui.clip"
    assert desk.got("clip.exe").decode("utf-16") == "häufig"


def test_a_tool_without_a_display_is_not_asked_and_one_that_fails_gives_way(desk: Desk) -> None:
    desk.has("wl-copy")
    desk.has("xclip", 1, DISPLAY=":0")
    desk.has("xsel")

    assert desk.copy("x") == "xsel, tui.clip"
    assert not (desk.folder / "wl-copy.got").exists()


def test_where_no_tool_works_the_terminal_is_told(desk: Desk) -> None:
    assert desk.copy("x") == "the terminal (OSC 52), tui.clip"
    assert desk.written == ["x"]


def test_from_afar_the_terminal_and_tmux_are_told_and_no_tool_of_that_machine(desk: Desk) -> None:
    desk.has("pbcopy")
    desk.has("tmux", TMUX="/tmp/tmux-0/default,1,0")

    assert desk.copy("x", is_remote=True) == "the terminal (OSC 52), tmux, tui.clip"
    assert desk.written == ["x"]
    assert (desk.folder / "tmux.words").read_text() == "load-buffer -w -\n"
    assert not (desk.folder / "pbcopy.got").exists()


def test_what_is_too_long_for_a_terminal_is_in_the_file_alone_and_that_is_said(desk: Desk) -> None:
    text = "x" * 600_000

    assert desk.copy(text) == f"{desk.home}/tui.clip alone: it is too much for a terminal"
    assert desk.written == []
    assert (desk.home / "tui.clip").read_text() == text
    desk.has("xsel", DISPLAY=":0")
    assert desk.copy(text) == "xsel, tui.clip"


def test_the_file_is_ours_alone_and_where_it_cannot_be_written_it_is_not_named(desk: Desk) -> None:
    desk.copy("secret")

    clip = desk.home / "tui.clip"
    assert clip.read_text() == "secret"
    assert stat.S_IMODE(clip.stat().st_mode) == 0o600
    clip.unlink()
    clip.symlink_to("elsewhere")
    assert desk.copy("secret") == "the terminal (OSC 52)"
    assert not (desk.home / "elsewhere").exists()
