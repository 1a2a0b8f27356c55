"""Keys of the Flows screen that ask the daemon to look into files again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flowctl.tui.actions import Answer
from flowctl.tui.model.files import FileState, ListedFile
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.rows import RowPane


class FlowsActing(View):
    """Actions on flow files."""

    def __init__(self) -> None:
        super().__init__()
        #: Path -> when it was last looked at before a reload was asked for.
        self.reloading: dict[str, datetime | None] = {}

    @property
    def rows(self) -> RowPane[ListedFile]:
        """The list."""
        raise NotImplementedError

    def files(self) -> Sequence[ListedFile]:
        """Give all files, listed or not."""
        raise NotImplementedError

    def settle(self, looked: Mapping[str, datetime | None]) -> None:
        """Take away the word that a file is being reloaded where it was looked at since."""
        for key in [key for key, before in self.reloading.items() if looked.get(key) != before]:
            del self.reloading[key]

    def action_act_reload(self) -> None:
        """Have the daemon look into the file again."""
        file = self.rows.row
        if file is None:
            self.say("nothing is chosen", "quiet")
        elif file.state in (FileState.HELPER, FileState.UNWATCHED):
            self.say("it is no flow file that is watched: `flowctl watch add`", "warning")
        else:
            self._reload({"path": file.key}, [file])

    def action_act_reload_all(self) -> None:
        """Have the daemon look into all files again."""
        known = [file for file in self.files() if file.state not in (FileState.HELPER, FileState.UNWATCHED)]
        if known:
            self._reload({}, known)
        else:
            self.say("no flow files are watched", "quiet")

    def _reload(self, fields: dict[str, object], files: list[ListedFile]) -> None:
        app = self.flowctl
        if (reason := app.actions.why_not("watch_reload", self.bridge.pulse)) is not None:
            self.say(reason, "warning")
            return
        self.reloading |= {file.key: file.checked_at for file in files}
        self.rows.repaint()

        def ask() -> None:
            app.call_later(done, app.actions.send("watch_reload", fields))

        def done(answer: Answer) -> None:
            if answer.problem is not None:
                for file in files:
                    self.reloading.pop(file.key, None)
                self.rows.repaint()
                self.say(answer.problem, "error")

        app.run_worker(ask, thread=True, group="requests", exit_on_error=False)
