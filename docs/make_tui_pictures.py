"""Regenerates the pictures of `flowctl tui` from real runs and a real daemon: `python docs/make_tui_pictures.py`.

Flows of a folder of their own run in a home of their own; the interface is opened over them, keys are pressed, and what
it shows is saved. Hours and durations are those of the moment.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from flowctl.store.home import Home  # noqa: E402 - of this checkout, whatever is installed
from flowctl.store.queries import Reader  # noqa: E402
from flowctl.store.records import TaskRunRow  # noqa: E402
from flowctl.tui.app import FlowctlApp  # noqa: E402
from flowctl.tui.model.glyphs import UNICODE  # noqa: E402
from flowctl.tui.model.themes import choose_look  # noqa: E402
from flowctl.tui.screens.export import self_contained  # noqa: E402

#: Many fonts have no braille, and a picture does not turn.
STILL: Final = UNICODE._replace(spinner="◐", states={**UNICODE.states, "running": "◐"})
NARROW: Final = (80, 24)
WIDE: Final = (140, 40)
FLOWS: Final = """
import time
from datetime import date
from flowctl import Cron, flow, task

@task
def extract(day: date) -> list[str]:
    time.sleep(0.4)
    return ["a", "b", "c", "d"]

@task(retries=4, retry_delay_seconds=[3, 45, 60, 90])
def transform(part: str, is_slow: bool) -> int:
    print(f"part {part}: reading")
    if part == "d" and is_slow:
        raise TimeoutError("read timed out (10 s)")
    time.sleep({"a": 40, "b": 50}.get(part, 2) if is_slow else 0.3)
    print(f"part {part}: 812 rows")
    return 812

@task
def load(rows: list[int]) -> int:
    return sum(rows)

@flow(log_prints=True, schedule=Cron("50 * * * *", timezone="Europe/Paris"))
def etl_hourly(day: date = date(2026, 11, 23), full: bool = False) -> int:
    return load(transform.map(extract(day), is_slow=full))
"""
REPORT: Final = """
import time
from flowctl import Cron, flow, task

@task
def render(title: str) -> bytes:
    time.sleep(0.5)
    if "draft" in title:
        raise ValueError(f"no page in {title!r}")
    return title.encode()

@flow(schedule=Cron("30 14 * * 1-5"))
def report_pdf(title: str = "Weekly") -> bytes:
    return render(title)
"""
CRM: Final = """
import time
from flowctl import Cron, flow, task

@task
def push(row: int) -> int:
    time.sleep(0.1)
    return row

@flow(schedule=Cron("0 */2 * * *"))
def sync_crm(region: str = "eu-west"):
    for row in range(3):
        push(row)
"""
#: Name -> size, and the keys that lead there from the list of runs.
PICTURES: Final[dict[str, tuple[tuple[int, int], Sequence[str]]]] = {
    "runs": (NARROW, ()),
    "runs-wide": (WIDE, ()),
    "run": (NARROW, ("enter",)),
    "task": (NARROW, ("enter", *["j"] * 6, "enter")),
    "deploys": (NARROW, ("2",)),
    "form": (NARROW, ("2", "t")),
    "flows": (NARROW, ("3",)),
    "logs": (NARROW, ("4",)),
    "system": (NARROW, ("5",)),
    "help": (NARROW, ("question_mark",)),
}


def main() -> None:
    """Let things happen, and draw them."""
    with TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "FLOWCTL_HOME": f"{folder}/home"}
        os.environ.pop("NO_COLOR", None)
        project = Path(folder, "flows")
        project.mkdir()
        os.chdir(project)
        try:
            happen(project)
            for name, (size, keys) in PICTURES.items():
                draw(name, size, keys)
        finally:
            flowctl("runs", "kill", "--state", "active", "--yes", is_sure=False)
            flowctl("daemon", "stop", is_sure=False)


def happen(project: Path) -> None:
    """Have runs complete, fail, wait and go on; deploy a flow, and break a file."""
    for name, text in (("etl", FLOWS), ("report", REPORT), ("crm", CRM)):
        (project / f"{name}.py").write_text(text)
    flowctl("watch", "add", str(project))
    for _ in range(3):
        flowctl("deployment", "run", "etl-hourly", "--watch")
        flowctl("deployment", "run", "sync-crm", "--watch")
    flowctl("deployment", "run", "report-pdf", "--watch")
    flowctl("run", "report.py", "-q", "-p", "title=the draft", is_sure=False)
    (project / "crm.py").write_text(CRM.replace("range(3):", "range(3)"))
    flowctl("deployment", "run", "etl-hourly", "-p", "full=true")
    home = Home.default()
    until(lambda: any(run.state_name == "AwaitingRetry" and run.run_count == 2 for run in latest_tasks(home)))


def latest_tasks(home: Home) -> list[TaskRunRow]:
    """Read the task runs of the latest run."""
    with Reader.open(home) as reader:
        return list(reader.task_runs(reader.find_run("-").id))


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, a minute at most."""
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("it does not come true")
        time.sleep(0.1)


def flowctl(*words: str, is_sure: bool = True) -> None:
    """Carry out a command of this checkout."""
    command = [sys.executable, "-m", "flowctl", *words]
    subprocess.run(command, check=is_sure, stdout=subprocess.DEVNULL, stderr=None if is_sure else subprocess.DEVNULL)


def draw(name: str, size: tuple[int, int], keys: Sequence[str]) -> None:
    """Open the interface, press keys, and save what it shows."""
    look = choose_look({"TERM": "xterm-256color", "COLORTERM": "truecolor"})._replace(glyphs=STILL)
    app = FlowctlApp(Home.default(), look)

    async def show() -> str:
        async with app.run_test(size=size) as pilot:
            for key in (None, *keys):
                if key is not None:
                    await pilot.press(key)
                while not app.bridge.is_idle():
                    await asyncio.sleep(0.05)
                await pilot.pause(0.3)
            return self_contained(app.export_screenshot(title="flowctl tui"))

    path = ROOT / "docs" / "pictures" / f"tui-{name}.svg"
    folder = os.environ["HOME"]
    # As long as what it replaces: the picture sets every text to its width.
    path.write_text(asyncio.run(show()).replace(folder, "/home/grace/work"[: len(folder)]), encoding="utf-8")
    sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
