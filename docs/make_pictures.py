"""Regenerates the terminal pictures of the README from real runs: `python docs/make_pictures.py`.

Each run is recorded, then shown again up to the moment that the picture is of.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from flowctl.core.cli.display_live import frame, padded  # noqa: E402 - of this checkout, whatever is installed
from flowctl.core.cli.display_log import last_lines  # noqa: E402
from flowctl.core.cli.display_model import RunModel  # noqa: E402
from flowctl.core.cli.display_paint import folded, make_console, row_text  # noqa: E402
from flowctl.core.cli.display_summary import summary_lines  # noqa: E402
from flowctl.core.cli.display_tree import tree_rows  # noqa: E402
from flowctl.core.cli.display_words import Glyphs  # noqa: E402
from flowctl.core.engine.launch import launch  # noqa: E402
from flowctl.core.engine.loading import load_flow  # noqa: E402
from flowctl.store.journal import Record  # noqa: E402
from flowctl.tui.screens.export import self_contained  # noqa: E402

WIDTH = 92
DARK = TerminalTheme(
    (22, 24, 29),
    (208, 212, 220),
    [
        (40, 44, 52),
        (213, 94, 0),
        (0, 158, 115),
        (230, 159, 0),
        (0, 114, 178),
        (204, 121, 167),
        (86, 180, 233),
        (208, 212, 220),
    ],
    [
        (124, 132, 146),
        (213, 94, 0),
        (0, 158, 115),
        (230, 159, 0),
        (0, 114, 178),
        (204, 121, 167),
        (86, 180, 233),
        (240, 240, 240),
    ],
)
Moment = Callable[[RunModel], bool]


def main() -> None:
    """Run the demo flows and draw them."""
    pictures = ROOT / "docs" / "pictures"
    pictures.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        os.environ["FLOWCTL_HOME"] = f"{folder}/home"
        os.chdir(ROOT)
        census = recorded("demo_flows/census.py:census", output=f"{folder}/census")
        retries = recorded("demo_flows/retries.py")
    command = "flowctl run demo_flows/census.py:census"
    is_half = done_of("parse", 0.55)
    draw(pictures / "run.svg", command, lambda _: midst(census, is_half), folder)
    draw(pictures / "run-ended.svg", command, lambda console: ended(console, census), folder)
    draw(
        pictures / "retries.svg",
        "flowctl run demo_flows/retries.py",
        lambda _: midst(
            retries,
            lambda model: model.counts.get("retrying", 0) > 1 and model.counts.get("failed", 0) > 0,
            0.4,
        ),
        folder,
    )


class Still(Glyphs):
    """Glyphs without the spinner: many fonts have no braille, and a picture does not turn."""

    def of(self, word: str, now: float = 0.0) -> str:  # noqa: ARG002 - the shape of `Glyphs.of`
        return super().of(word)


def recorded(target: str, **arguments: object) -> list[Record]:
    """Run a flow and keep its records."""
    records: list[Record] = []
    with contextlib.redirect_stdout(io.StringIO()):
        launch(load_flow(target), arguments, observers=[records.append])
    return records


def done_of(task: str, share: float) -> Moment:
    """Wait for the moment when so much of a mapped task is done."""

    def is_reached(model: RunModel) -> bool:
        groups = [group for group in model.root.children.values() if group.name == task]
        return any(group.total > 1 and group.done >= group.total * share for group in groups)

    return is_reached


def midst(records: list[Record], moment: Moment, seconds: float = 0.03) -> list[Text]:
    """Lay out the frame at a moment of the run."""
    model = RunModel()
    at = 0
    for record in records:
        model.apply(record)
        at = record.at
        if moment(model):
            break
    now = at / 1e6 + seconds
    return [row_text(row, WIDTH) for row in frame(model, Still(is_ascii=False), now, 24)]


def ended(console: Console, records: list[Record]) -> list[Text]:
    """Lay out what stays on the terminal."""
    model = RunModel()
    for record in records:
        model.apply(record)
    glyphs, now = Glyphs(is_ascii=False), records[-1].at / 1e6
    texts = [row_text(row, WIDTH) for row in tree_rows(model, glyphs, now, 60)]
    for line in [*last_lines(model, glyphs, 24), *summary_lines(model, glyphs, now)]:
        texts += folded(console, padded(line), WIDTH - 1)
    return texts


def draw(path: Path, command: str, texts: Callable[[Console], list[Text]], folder: str) -> None:
    """Write the picture: the command, then what the terminal shows."""
    console = make_console(io.StringIO(), is_recording=True, width=WIDTH)
    console.print(Text.assemble(("$ ", "#7c8492"), (command, "bold")))
    for text in texts(console):
        console.print(text, end="\n")
    svg: Any = console.export_svg(title="flowctl", theme=DARK, unique_id=path.stem)
    path.write_text(self_contained(svg).replace(folder, "/tmp"), encoding="utf-8")
    sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
