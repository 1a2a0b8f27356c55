"""The form of a flow that nobody watches: a look into its file tells the types, and what was typed meanwhile stays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.data.flow_look import look_into
from flowctl.tui.model.form import FlowPlace
from flowctl.tui.screens.form import FormScreen
from tests.conftest import Command, Project
from tests.tui.screens.driving import drive, press, screen_text, seen, strike, until
from tests.tui.screens.workplace import go_to

FLOW = """
from typing import Literal
from flowctl import flow

@flow
def report(title: str = "weekly", pages: int = 3, kind: Literal["pdf", "html"] = "pdf"):
    return title
"""


@pytest.fixture
def file(project: Project, flowctl_command: Command) -> Path:
    """A file with a flow that has run once."""
    path = project.write("reports.py", FLOW)
    ran = flowctl_command("run", "reports.py:report", "-p", "pages=5", "--name", "first")
    assert ran.returncode == 0, ran.stderr
    return path


async def to_form(app: FlowctlApp, pilot: Pilot[Any], key: str) -> None:
    await go_to(app, pilot, "first")
    strike(app, key)
    await seen(app, lambda: isinstance(app.screen, FormScreen))


def place_of(path: Path, attribute: str = "report") -> FlowPlace:
    return FlowPlace(str(path), attribute, sys.executable, str(path.parent), None)


def wanted() -> bool:
    return False


@pytest.mark.usefixtures("file")
def test_the_form_of_a_flow_that_only_ran_is_typed(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[Any]) -> None:
        await to_form(app, pilot, "t")
        await until(app, pilot, lambda: "one of 2" in screen_text(app))
        assert "whole number" in screen_text(app)
        await press(app, pilot, "down", *"many")
        assert "✗ not a whole number" in screen_text(app)

    drive(home, scenario)


def test_what_was_typed_before_the_types_came_stays_and_so_does_the_cursor(home: Home, file: Path) -> None:
    file.write_text(f"import time\nfrom pathlib import Path\nwhile not Path('go').exists(): time.sleep(0.01)\n{FLOW}")

    async def scenario(app: FlowctlApp, pilot: Pilot[Any]) -> None:
        await to_form(app, pilot, "R")
        await seen(app, lambda: "looking into its file" in screen_text(app))
        strike(app, "down", "ctrl+u", "7")
        await seen(app, lambda: "pages=7" in screen_text(app))
        (file.parent / "go").touch()
        await until(app, pilot, lambda: "one of 2" in screen_text(app))
        await press(app, pilot, "0")
        assert "pages=70" in screen_text(app)

    drive(home, scenario)


def test_a_file_that_cannot_be_loaded_is_told_of_and_the_form_can_be_filled_in(home: Home, file: Path) -> None:
    file.write_text("from flowctl import flow\nimport nothing_of_that_name\n")

    async def scenario(app: FlowctlApp, pilot: Pilot[Any]) -> None:
        await to_form(app, pilot, "t")
        await until(app, pilot, lambda: "nothing_of_that_name" in screen_text(app))
        await press(app, pilot, *"monthly")
        assert "title=monthly" in screen_text(app)

    drive(home, scenario)


def test_a_look_tells_what_is_gone_and_ends_at_once_when_nobody_wants_to_know(home: Home, project: Project) -> None:
    path = project.write("reports.py", FLOW)
    endless = project.write("endless.py", "from flowctl import flow\nwhile True: pass\n")

    found = look_into(home, place_of(path), wanted)
    assert found is not None
    assert found.schema is not None
    assert list(found.schema["properties"]) == ["title", "pages", "kind"]
    other, gone = (
        look_into(home, place_of(path, "other"), wanted),
        look_into(home, place_of(path.parent / "no.py"), wanted),
    )
    assert [each and each.problem for each in (other, gone)] == [
        "there is no other in its file any more",
        "its file is gone",
    ]
    assert look_into(home, place_of(endless), lambda: True) is None
