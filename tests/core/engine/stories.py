"""A flow file that dies and is taken up again, with a file of the effects that its bodies had."""

from __future__ import annotations

from pathlib import Path

from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.engine.scripts import Script, only_run, tasks_of

#: `effect` says which bodies ran in which attempt; `dies` ends the process in the first attempts.
HEAD = """\
import asyncio, os, signal, sys, threading, time
from dataclasses import dataclass
from pathlib import Path
from flowctl import flow, task, as_completed, wait, ProcessPoolTaskRunner, ThreadPoolTaskRunner, get_run_logger

HERE = Path(__file__).parent
EFFECTS = HERE / "effects"
DEATHS = HERE / "deaths"

def effect(word):
    with EFFECTS.open("a") as file:
        file.write(f"{word}\\n")

def dies(times=1, how="kill"):
    with DEATHS.open("a") as file:
        file.write(".")
    if len(DEATHS.read_text()) <= times:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("not yet")

@task
def add(x, y=1):
    effect(f"add {x} {y}")
    return x + y
"""


TAIL = """
if __name__ == "__main__":
    main()
"""


class Story:
    """A flow file and its attempts."""

    def __init__(self, project: Project, home: Home, body: str) -> None:
        self.path: Path = project.write("story.py", HEAD + body + TAIL)
        self.home = home

    def begin(self, by: str = "python") -> None:
        with Script(self.path, by=by) as script:
            script.end()
        self.said = script.errors

    def retry(self, *options: str) -> int:
        with Script(self.path, only_run(self.home).id, *options, by="retry") as script:
            self.said = script.output()
            status = script.end()
        self.said += script.errors
        return status

    @property
    def effects(self) -> list[str]:
        return (self.path.parent / "effects").read_text(encoding="utf-8").splitlines()

    def states(self) -> list[str]:
        """List the task runs of the newest attempt."""
        return [f"{task.task_name} {task.state_name}" for task in tasks_of(self.home, only_run(self.home).id)]
