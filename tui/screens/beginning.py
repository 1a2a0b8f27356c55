"""Commands for a first day: a sample flow is written and opened, a folder is watched; all on request."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.tui.actions import Answer
from flowctl.tui.screens.export import write_new

if TYPE_CHECKING:
    from flowctl.tui.screens.view import View

_MOST_NAMES: Final = 100
SAMPLE: Final = '''"""A first flow. Run it: `flowctl run {name}`, or press t in `flowctl tui`."""

from flowctl import flow, task


@task(retries=2, retry_delay_seconds=1)
def greet(name: str) -> str:
    return f"Hello, {{name}}!"


@flow(log_prints=True)
def hello(names: tuple[str, ...] = ("Ada", "Grace"), loud: bool = False) -> int:
    """Greet everybody.

    Args:
        names: whom to greet
        loud: in capitals
    """
    for greeting in greet.map(names).result():
        print(greeting.upper() if loud else greeting)
    return len(names)


if __name__ == "__main__":
    hello()
'''


def entries(view: View) -> list[tuple[str, Callable[[], object]]]:
    """Give what the palette offers on every screen."""
    return [
        ("new flow: write a sample and open it", lambda: new_flow(view)),
        ("watch a folder…", lambda: ask_folder(view)),
    ]


def new_flow(view: View) -> None:
    """Write a sample into the current folder, open it, and offer to watch it."""
    if view.flowctl.is_read_only:
        view.say("--read-only says only to look: no sample is written", "warning")
        return
    try:
        path = write_sample(Path.cwd())
    except OSError as error:
        view.say(
            f"no sample can be written into the folder you started in: {error.strerror}. Start it in one of yours.",
            "error",
        )
        return
    view.edit(str(path), 1)
    view.say(f"wrote {path.name}; `flowctl run {path.name}` runs it")
    if view.flowctl.actions.why_not("watch_add", view.bridge.pulse) is None:
        view.choose(
            f"wrote {path.name}. Watch it for saves?  y yes   any other key no",
            {key: lambda: watch(view, str(path)) for key in ("y", "Y")},
            style="accent",
        )


def write_sample(folder: Path) -> Path:
    """Write a sample under a name that is free; return its path."""
    for number in range(1, _MOST_NAMES):
        path = folder / ("hello_flow.py" if number == 1 else f"hello_flow_{number}.py")
        try:
            write_new(path, SAMPLE.format(name=path.name))
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, f"{_MOST_NAMES - 1} of them are there already")


def here() -> Path:
    """Give the current folder, or where that was removed the user's own."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(_expanded("~"))


def ask_folder(view: View) -> None:
    """Ask for a file or folder, and have it watched."""
    view.type_into(
        "#note",
        str(here()),
        placeholder="a folder with flows, or one file",
        entered=lambda text: watch(view, str(here() / _expanded(text.strip()))),
    )


def _expanded(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 - pathlib breaks where somebody is named whom nobody knows


def watch(view: View, path: str) -> None:
    """Have the daemon look after the flows in a file or folder."""
    app = view.flowctl
    if (reason := app.actions.why_not("watch_add", view.bridge.pulse)) is not None:
        view.say(reason, "warning")
        return
    view.say(f"watching {path}…", "quiet")

    def done(answer: Answer) -> None:
        if (front := app.view) is not None:
            front.say(
                answer.problem or f"watching {path}; 3 shows its flows, t runs one", "error" if answer.problem else ""
            )

    def ask() -> None:
        app.call_later(done, app.actions.send("watch_add", {"path": path, "python": sys.executable}))

    app.run_worker(ask, thread=True, group="requests", exit_on_error=False)
