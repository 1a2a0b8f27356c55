"""`flowctl config`: every value and where it came from."""

from __future__ import annotations

import json

import pytest

from flowctl.core.engine.settings import SETTINGS
from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.cli.conftest import Say


def test_every_setting_stands_there_with_its_origin(
    project: Project, home: Home, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("flowctl.toml", "task_workers = 8\n")
    monkeypatch.setenv("FLOWCTL_LOG_LEVEL", "debug")

    answer = json.loads(say("config", str(project.path), "--json").out)

    settings = answer["settings"]
    assert set(settings) == {"home", *SETTINGS}
    assert answer["file"] == f"{project.path}/flowctl.toml"
    assert settings["task_workers"] == {"value": 8, "origin": f"{project.path}/flowctl.toml line 1"}
    assert settings["log_level"] == {"value": "DEBUG", "origin": "environment FLOWCTL_LOG_LEVEL"}
    assert settings["home"] == {"value": home.path, "origin": "environment FLOWCTL_HOME"}
    assert settings["durability"] == {"value": "process", "origin": "default"}


def test_the_table_fits_eighty_columns(project: Project, say: Say) -> None:
    said = say("config", str(project.path))

    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 80
    assert [name for name in SETTINGS if name not in said.out] == []
    assert "No settings file" in said.out


def test_a_variable_that_means_nothing_is_warned_of(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_TASK_WORKER", "8")

    said = say("config")

    assert said.code == 0
    assert said.err == (
        "Warning: The environment variable FLOWCTL_TASK_WORKER means nothing to flowctl. "
        "Did you mean 'FLOWCTL_TASK_WORKERS'?\n"
    )


def test_a_wrong_file_is_one_line_and_a_usage_error(project: Project, say: Say) -> None:
    file = project.write("flowctl.toml", "\ntask_worker = 8\n")

    said = say("config", str(project.path))

    assert (said.code, said.out) == (2, "")
    assert said.err == f"Error: Unknown setting 'task_worker' in {file} line 2. Did you mean 'task_workers'?\n"


def test_a_folder_that_is_not_there_is_a_usage_error(say: Say) -> None:
    said = say("config", "/no/such/folder")

    assert said.code == 2
    assert "There is no '/no/such/folder'" in said.err
