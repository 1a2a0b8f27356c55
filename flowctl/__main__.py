"""The command `flowctl`, also as `python -m flowctl`."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

#: Commands that stand above the command line's own layer.
MORE_COMMANDS = {"tui": "flowctl.tui.command"}


def main(words: list[str] | None = None) -> int:
    """Carry out one command line; return its exit code."""
    if words is None:
        words = sys.argv[1:]
        _prepare_streams(words)
    if words in (["--version"], ["-V"]):
        # Nothing else is imported: this is what scripts ask most.
        from flowctl import __version__

        sys.stdout.write(f"flowctl {__version__}\n")
        return 0
    if words[:1] == ["tui"]:
        from flowctl.tui.skeleton import show_first_frame

        # Before the imports: they take ten times as long as the frame.
        show_first_frame(words)
    try:
        from flowctl.core.cli.app import run_command

        code = run_command(words, MORE_COMMANDS)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away. What Python still holds for it must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    finally:
        if words[:1] == ["tui"]:
            from flowctl.tui.skeleton import take_away

            # Whatever has ended it before there was an interface is told on the terminal as it was.
            take_away()
    return code


def _prepare_streams(words: list[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if words[:1] in (["runs"], ["config"]) and "retry" not in words:
        import signal

        # `flowctl runs | head` ends as every other tool does. A run must not: it has tasks to bring to an end.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
