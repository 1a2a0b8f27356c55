"""`flowctl watch` as it is typed, with a daemon of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.conftest import Command, Project
from tests.core.cli.conftest import Say


@pytest.fixture
def with_daemon(home: Home, flowctl_command: Command) -> Iterator[None]:
    yield
    flowctl_command("daemon", "stop", "--force")


FLOW = "from flowctl import Cron, flow\n@flow(schedule=Cron('0 2 * * *'))\ndef etl(): ...\n"


def test_a_folder_is_added_listed_and_removed(project: Project, flowctl_command: Command, with_daemon: None) -> None:
    project.write("flows/etl.py", FLOW)
    project.write("flows/broken.py", "from flowctl import flow\n@flow\ndef b(:\n")

    added = flowctl_command("watch", "add", "flows")
    assert added.returncode == 0, added.stderr
    assert "✓ flows/etl.py  etl" in added.stdout
    assert "flows/broken.py:3  SyntaxError" in added.stdout
    assert "▸ 3 │ def b(:\n          │       ^" in added.stdout

    listed = json.loads(flowctl_command("watch", "ls", "--json").stdout)
    assert [row["path"] for row in listed["watched"]] == [str(project.path / "flows")]
    assert [Path(file["path"]).name for file in listed["files"]] == ["broken.py", "etl.py"]
    assert listed["daemon"]["warning"] is None

    logged = json.loads(flowctl_command("watch", "log", "flows/etl.py", "--json").stdout)
    assert [(entry["outcome"], entry["cause"], entry["version"]) for entry in logged] == [("loaded", "found", 1)]
    again = flowctl_command("watch", "reload")
    assert again.returncode == 1, "a file is still broken"
    assert "✓ flows/etl.py  etl  v1, loaded just now in " in again.stdout
    assert "asked for; as it was" in flowctl_command("watch", "log").stdout
    nowhere = flowctl_command("watch", "reload", "flows/nothing.py")
    assert "is no flow file that is watched" in nowhere.stderr

    removed = flowctl_command("watch", "rm", "flows")
    assert removed.returncode == 0
    again = flowctl_command("watch", "rm", "flows")
    assert again.returncode == 5
    assert "is not watched. Watched is: nothing." in again.stderr
    # What is deployed from there is still looked after.
    assert "deployed from elsewhere\n  ✓ flows/etl.py  etl" in flowctl_command("watch", "ls").stdout


@pytest.mark.parametrize(
    ("place", "words"), [("nothing", "No such file"), ("/", "Name the folders"), ("a.txt", "neither")]
)
def test_what_cannot_be_watched_is_refused(
    project: Project, flowctl_command: Command, with_daemon: None, place: str, words: str
) -> None:
    project.write("a.txt", "")

    done = flowctl_command("watch", "add", place)

    assert done.returncode != 0
    assert words in done.stderr


def test_without_a_daemon_the_list_is_empty_and_nothing_is_started(say: Say, home: Home) -> None:
    said = say("watch", "ls")

    assert said.code == 0
    assert "flowctl watch add FOLDER" in said.out
    assert not Path(f"{home.path}/daemon.lock").exists()


def test_adding_with_no_daemon_says_that_there_is_none(project: Project, say: Say) -> None:
    said = say("watch", "add", str(project.path), "--no-daemon")

    assert said.code != 0
    assert "flowctl daemon start" in said.err
