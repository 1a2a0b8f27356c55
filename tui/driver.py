"""The terminal as Textual drives it, made to bear what terminals, shells and other programs do to it."""

from __future__ import annotations

import codecs
import os
import select
import signal
import sys
import termios
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste, Resize
from textual.message import Message

from flowctl.tui import skeleton
from flowctl.tui.incoming import PASTE_S, Incoming, Kind, Piece

#: How often it is looked whether what has come is all: half a sequence is a key of its own.
_INPUT_S: Final = 0.1
#: After so long without a letter nothing more belongs to what has come, and nobody looks.
_OVER_S: Final = max(2 * PASTE_S, 2 * ESCAPE_DELAY)
_BLOCK: Final = 1 << 16


class TerminalDriver(LinuxDriver):
    """A terminal that is written to by way of standard output."""

    def __init__(self, app: App[Any], **options: Any) -> None:  # Textual's own, handed through
        super().__init__(app, **options)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        # Textual takes standard error, which people send to files.
        self._file = _Output()  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue] - all that is used of a file
        self._raw: list[Any] | None = None
        self._is_stopped = False
        #: How often something was painted, and how many letters that took.
        self.frames = self.letters = 0
        #: Wakes what waits for input when there is to be no more.
        self._hears, self._tells = os.pipe()
        self._parser = XTermParser(self._debug)

    def start_application_mode(self) -> None:
        """Take the terminal; what it was before the first frame is what it is given back as."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if (before := skeleton.settings_before()) is not None:
            self.attrs_before = before
        try:
            self._raw = termios.tcgetattr(self.fileno)
        except termios.error:
            self._raw = None  # it has gone

    def disable_input(self) -> None:
        """Take no more input, and wait for none."""
        os.write(self._tells, b"!")
        super().disable_input()
        os.read(self._hears, 1)

    def write(self, data: str) -> None:
        """Write sooner or later; while another program has the terminal, nothing."""
        if self._writer_thread is not None:
            self.frames += 1
            self.letters += len(data)
            super().write(data)

    def close(self) -> None:
        """Write what there is, and no more: there is nobody who would take it, and to wait for that has no end."""
        super().close()
        self._writer_thread = None

    def _get_terminal_size(self) -> tuple[int, int]:
        # Textual asks COLUMNS and LINES first, which nobody who exports them keeps up to date.
        try:
            width, height = os.get_terminal_size(self.fileno)
        except OSError:
            width = height = 0
        return (width, height) if width and height else super()._get_terminal_size()

    def run_input_thread(self) -> None:
        """Read what is typed; bytes that are no text are nothing that anybody has typed."""
        decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        incoming = Incoming(ESCAPE_DELAY)
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(self._hears, select.POLLIN)
        text = ""
        while not self.exit_event.is_set():
            # An escape is a key of its own if nothing follows it soon.
            wait_s = ESCAPE_DELAY if "\x1b" in text else _INPUT_S if incoming.quiet_s < _OVER_S else None
            text = ""
            if self.fileno in dict(poll.poll(None if wait_s is None else wait_s * 1000)):
                try:
                    data = os.read(self.fileno, 1 << 12)
                except OSError:
                    data = b""
                if not data and self.exit_event.wait(_INPUT_S):
                    return  # the terminal has gone, which others look after
                text = decode(data)
            self._hand_on(self._parser.tick())
            for piece in incoming.take(text):
                self._hand_on(self._messages(piece))

    def _hand_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if self._is_typed(message):
                self.process_message(message)

    def _messages(self, piece: Piece) -> Sequence[Message]:
        """Say what a piece means."""
        if piece.kind is Kind.PASTED:
            return [Paste(piece.text.replace("\0", ""))]
        if piece.kind is Kind.ESCAPE:
            return [Key("escape", "\x1b")]
        parser = self._parser
        try:
            # Enter, before the terminal was set to give it as it is.
            messages = [*parser.feed(piece.text.replace("\n", "\r"))]
        except (ValueError, ArithmeticError):  # numbers beyond all bounds, or none where one has to be
            self._parser = XTermParser(self._debug)
            # What it knows of the mouse.
            for name in ("mouse_pixels", "terminal_size", "terminal_pixel_size"):
                setattr(self._parser, name, getattr(parser, name))
            return []
        if piece.kind is Kind.SEQUENCE and parser._timeout_time is not None:  # pyright: ignore[reportPrivateUsage] - not told else
            # A key that it does not know: it waits for more, and would then take all of it for letters.
            parser._timeout_time = 0.0  # pyright: ignore[reportPrivateUsage]
            deque(parser.tick(), maxlen=0)
        return messages

    def _is_typed(self, message: Message) -> bool:
        if isinstance(message, Key):
            # Half of a letter, which cannot be written, nor looked for in a database.
            return message.character is None or not "\ud800" <= message.character <= "\udfff"
        # Only a terminal that was asked for it tells its size so.
        return not isinstance(message, Resize) or self._in_band_window_resize

    def _sigtstp_application(self, *_: object) -> None:
        if self._auto_restart:
            # A signal comes in the midst of anything; stopping has to wait for locks.
            self._loop.call_soon_threadsafe(self._stop)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)  # the terminal is an editor's now

    def _stop(self) -> None:
        if self._is_stopped or not self._app.is_running:
            return
        self._is_stopped = self._must_signal_resume = True
        self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: object) -> None:
        if self._auto_restart:
            self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        if self._is_stopped:
            self.resume_application_mode()
            self._is_stopped = self._writer_thread is None
            if self._is_stopped:  # in the background a terminal cannot be had
                os.kill(os.getpid(), signal.SIGSTOP)
                return
        elif self._raw is not None and self._writer_thread is not None:
            # It was stopped from outside, without notice, and others had the terminal meanwhile.
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._raw)
            self.write("\x1b[?1049h\x1b[?25l\x1b[?1004h")
            self._enable_mouse_support()
            self._enable_bracketed_paste()
            self._disable_line_wrap()
        # All of it: what was there is gone, also where nothing of it has changed.
        self._app.refresh(layout=True)


class _Output:
    """Standard output as a file; what cannot be written any more, nobody sees."""

    def __init__(self) -> None:
        assert sys.__stdout__ is not None  # it is a terminal
        self._descriptor = sys.__stdout__.fileno()
        self._encoding = sys.__stdout__.encoding
        self._waiting = bytearray()
        self._is_gone = False

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._descriptor

    def write(self, text: str) -> None:
        """Write sooner or later."""
        self._waiting += text.encode(self._encoding, "replace")
        if len(self._waiting) > _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write now, also where another program has made the terminal one that does not wait."""
        data, self._waiting = self._waiting, bytearray()
        while data and not self._is_gone:
            try:
                del data[: os.write(self._descriptor, data)]
            except BlockingIOError:
                select.select([], [self._descriptor], [], 1.0)
            except OSError:
                self._is_gone = True
