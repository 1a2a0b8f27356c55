"""The shape of the flows in a file, as their latest runs had it: which task fed which; nothing is run to know it."""

from __future__ import annotations

from functools import partial
from typing import Final

from flowctl.store.problems import RunNotFound
from flowctl.tui.data.source import Source
from flowctl.tui.model.files import ListedFile
from flowctl.tui.model.graph_lines import graph_lines
from flowctl.tui.model.texts import Line, when
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.screens.view import View

#: A held key passes many files; what they are made of is read where it rests.
_REST_S: Final = 0.1
_MOST_FLOWS: Final = 3
#: So many of the latest are looked through for one that has ended.
_RUNS: Final = 5


class FlowShapes(View):
    """What a list of files needs to show what is in them."""

    def __init__(self) -> None:
        super().__init__()
        self._file_key: str | None = None
        self._shapes: tuple[Waterfall, ...] = ()

    def shapes_changed(self) -> None:
        """Draw what is known of the shapes now."""

    def look_at_shapes(self, file: ListedFile | None) -> None:
        """Read the shapes of another file, once the cursor rests on it."""
        key = None if file is None else file.key
        if key == self._file_key:
            return
        self._file_key, self._shapes = key, ()
        if file is not None:
            self.set_timer(_REST_S, partial(self._read, file))

    def _read(self, file: ListedFile) -> None:
        if file.key != self._file_key or not self.is_current:
            return
        names = [flow.name for flow in file.flows[:_MOST_FLOWS]]

        def told(shapes: tuple[Waterfall, ...]) -> None:
            if file.key == self._file_key and self.stands:
                self._shapes = shapes
                self.shapes_changed()

        self.bridge.once(lambda source: _shapes_of(source, names), told, is_slow=True)

    def shape_lines(self) -> list[Line]:
        """Draw the shapes, each under the name of its flow."""
        ink, now = self.flowctl.ink, self.flowctl.clock()
        lines: list[Line] = []
        for each in self._shapes:
            run = each.detail.run
            said = f"   as {run.name} ran {when(run.created_at, now)}"
            lines += [((run.flow_name, "title"), (said, "quiet"))]
            lines += graph_lines(each, now, glyphs=ink.glyphs, is_ascii=ink.is_ascii)
            lines.append(())
        return lines

    @property
    def task_counts(self) -> dict[str, int]:
        """How many tasks each flow called when it ran last."""
        return {
            each.detail.run.flow_name: len({task.task_name for task in each.detail.tasks.values()})
            for each in self._shapes
        }

    def action_look_graph(self) -> None:
        """Show what waited for what in the latest run of the first flow that has run."""
        if not self._shapes:
            self.say("none of its flows has run yet, so nobody knows their shape", "quiet")
            return
        from flowctl.tui.screens.graph import GraphScreen

        self.flowctl.push_screen(GraphScreen(self._shapes[0]))


def _shapes_of(source: Source, names: list[str]) -> tuple[Waterfall, ...]:
    found: list[Waterfall] = []
    for name in names:
        latest = source.latest_of(name, _RUNS)[::-1]
        # One that has ended has called all that it calls.
        for run in sorted(latest, key=lambda run: run.took_s is None):
            try:
                waterfall = Waterfall(source.run_detail(run.id))
            except RunNotFound:
                continue  # it was deleted meanwhile
            if waterfall.root.children:
                found.append(waterfall)
                break
    return tuple(found)
