"""From one screen to another: runs, tasks and logs open on the main view that one is in; history knows the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.await_complete import AwaitComplete

from flowctl.tui.bridge import Bridge
from flowctl.tui.history import History, Place
from flowctl.tui.key_pace import KeyPace
from flowctl.tui.model.run_rows import RunWalk
from flowctl.tui.model.snapshots import RunsPage
from flowctl.tui.screens.view import View


class Navigation(App[int]):
    """What the application knows of places."""

    bridge: Bridge

    def __init__(self, *words: Any, **options: Any) -> None:  # Textual's own, handed through
        super().__init__(*words, **options)
        self.history = History()
        self.key_pace = KeyPace()
        #: It is being left: screens lose their widgets, and nothing is to be drawn.
        self.is_over = False
        #: The list of runs that one came from.
        self.run_walk = RunWalk()

    @property
    def view(self) -> View | None:
        """The screen in front, if it is one of ours and stands, not yet in the making or in the going."""
        if self.is_over or not isinstance(self.screen, View) or not self.screen.stands:
            return None
        return self.screen

    def pop_screen(self) -> AwaitComplete:
        """Go back a screen; keys that come faster than screens go find none left to leave."""
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def go_to_mode(self, mode: str) -> None:
        """Go to a main view, as it was left; from within it, to its top."""
        if mode == self.current_mode:
            self._to_top()
        else:
            self._switch(mode)

    def go(self, place: Place) -> None:
        """Go to a place of the history."""
        if place.mode != self.current_mode:
            self._switch(place.mode)
        self._to_top()
        if place.run_id is not None:
            self.open_run(place.run_id, place.task)

    def open_run(self, run_id: str, task: int | None = None, *, log_at: tuple[int, int] | None = None) -> None:
        """Open a run, at some place of its log, or one of its tasks."""
        from flowctl.tui.screens.run import RunScreen
        from flowctl.tui.screens.task import TaskScreen

        self.push_screen(RunScreen(run_id, log_at) if task is None else TaskScreen(run_id, task))

    def open_by_name(self, spec: str) -> None:
        """Open a run by its name, its id or the beginning of that."""
        from flowctl.store.problems import AmbiguousRun, RunNotFound
        from flowctl.tui.data.source import Source

        def find(source: Source) -> tuple[str | None, str]:
            try:
                return source.find_run(spec), ""
            except (RunNotFound, AmbiguousRun) as error:
                return None, str(error)

        def found(answer: tuple[str | None, str]) -> None:
            if answer[0] is not None:
                self.open_run(answer[0])
            elif self.view is not None:
                self.view.say(answer[1], "warning")

        self.bridge.once(find, found)

    def open_log(self, run_id: str, name: str, tasks: Sequence[int] = ()) -> None:
        """Open a log on the whole screen."""
        from flowctl.tui.screens.logs import LogScreen

        self.push_screen(LogScreen(run_id, name, tasks))

    def open_neighbour(self, run_id: str, step: int) -> None:
        """Open the next run of the list in the place of this one."""
        from flowctl.tui.screens.run import RunScreen

        walk = self.run_walk
        here = walk.place_of(run_id)
        place = -1 if here is None else here + step
        key = walk.key_at(place)

        def go(page: RunsPage) -> None:
            for row in page.rows:
                walk.come_by(place, row.id)
            if (there := walk.id_at(place)) is not None:
                self._replace(RunScreen(there))
            elif self.view is not None:
                self.view.say("that run is on record no more", "quiet")

        if key is not None and (known := walk.id_at(place)) is not None:
            self._replace(RunScreen(known))
        elif key is not None:
            self.bridge.once(lambda source: source.runs_page(limit=0, keys=[key]), go)
        elif self.view is not None:
            self.view.say("no other run there", "quiet")

    def neighbour_task(self, run_id: str, number: int, step: int) -> int | None:
        """Find the task before or behind one, as the tree under this screen has them."""
        from flowctl.tui.screens.run import RunScreen

        for screen in reversed(self.screen_stack):
            if isinstance(screen, RunScreen) and screen.run_id == run_id and screen.waterfall is not None:
                return screen.neighbour_task(number, step)
        return None

    def task_place(self, run_id: str, number: int) -> tuple[int, int] | None:
        """Tell which of how many task runs one is, as the tree under this screen has them."""
        from flowctl.tui.screens.run import RunScreen

        for screen in reversed(self.screen_stack):
            if isinstance(screen, RunScreen) and screen.run_id == run_id and screen.detail is not None:
                return number, len(screen.detail.tasks)
        return None

    def replace_task(self, run_id: str, number: int) -> None:
        """Show another task in the place of this one."""
        from flowctl.tui.screens.task import TaskScreen

        self._replace(TaskScreen(run_id, number))

    def open_file(self, path: str) -> None:
        """Show a flow file among all of them."""
        from flowctl.tui.screens.flows import FlowsScreen

        self.go_to_mode("flows")
        self._to_top()
        if isinstance(self.screen, FlowsScreen):
            self.screen.wants(path)

    def open_deployment(self, key: str) -> None:
        """Show a deployment among all of them."""
        from flowctl.tui.screens.deploys import DeploysScreen

        self.go_to_mode("deploys")
        self._to_top()
        if isinstance(self.screen, DeploysScreen):
            self.screen.wants(key)

    def show_runs(self, query: str) -> None:
        """Show the runs that fit a query."""
        from flowctl.tui.screens.runs import RunsScreen

        self.go_to_mode("runs")
        self._to_top()
        if isinstance(self.screen, RunsScreen):
            self.screen.call_after_refresh(self.screen.requery, query)

    def _replace(self, screen: View) -> None:
        self.switch_screen(screen)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _switch(self, mode: str) -> None:
        while len(self.screen_stack) > 1 and isinstance(self.screen, View) and self.screen.IS_PASSING:
            self.pop_screen()
        self.switch_mode(mode)

    def _to_top(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
