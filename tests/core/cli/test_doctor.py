"""`flowctl doctor`: each thing that can be wrong is found, named and given a remedy; nothing is changed by looking."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from flowctl.core.cli import checkups, checkups_surroundings
from flowctl.core.cli.checkups import Checkup, Verdict
from flowctl.core.cli.checkups_store import has_race
from flowctl.core.daemon import file_systems
from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.cli.conftest import Say


def check(say: Say, name: str) -> list[dict[str, str | None]]:
    return [each for each in json.loads(say("doctor", "--json").out)["checks"] if each["name"] == name]


def test_a_fresh_machine_is_well_and_no_home_is_made(say: Say, home: Home) -> None:
    said = say("doctor", "--json")

    found = json.loads(said.out)
    assert (said.code, found["ok"]) == (0, True)
    assert {each["name"] for each in found["checks"]} >= {
        *("python", "home", "file system", "disk", "sqlite", "database", "settings", "daemon", "schedules"),
        *("file watches", "time zones", "limits", "terminal"),
    }
    assert not Path(home.path).exists()


def test_every_warning_and_failure_has_a_remedy(say: Say, runs: Home) -> None:
    for each in json.loads(say("doctor", "--json").out)["checks"]:
        assert each["verdict"] == "ok" or each["remedy"], each


def test_people_get_lines_with_signs(say: Say) -> None:
    said = say("doctor")

    assert "✓  python" in said.out
    assert said.out.rstrip().endswith("`flowctl db check` looks through the whole database.")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_fails(say: Say, home: Home) -> None:
    Path(home.path).mkdir(mode=0o500)

    assert check(say, "home")[0]["verdict"] == "fail"


def test_a_home_that_is_a_file_fails_with_exit_code_1(say: Say, home: Home) -> None:
    Path(home.path).write_text("")

    said = say("doctor")

    assert said.code == 1
    assert "is no folder" in said.out
    assert "→ Move it away" in said.out


def test_a_home_of_somebody_else_fails(say: Say, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.ensure()
    monkeypatch.setattr(os, "geteuid", lambda: 4711)

    (found,) = check(say, "home")

    assert found["verdict"] == "fail"
    assert "chown" in str(found["remedy"])


def test_a_home_that_others_may_look_into_is_warned_of(say: Say, home: Home) -> None:
    home.ensure()
    Path(home.path).chmod(0o755)

    (found,) = check(say, "permissions")

    assert (found["verdict"], found["remedy"]) == ("warn", f"`chmod -R go= {home.path}`")


def test_a_damaged_database_fails(say: Say, home: Home) -> None:
    home.ensure()
    Path(home.database).write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)

    assert check(say, "database")[0]["verdict"] == "fail"


def test_a_database_of_a_newer_flowctl_fails(say: Say, runs: Home) -> None:
    say("runs")
    with closing(sqlite3.connect(runs.database)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")

    (found,) = check(say, "database")

    assert found["verdict"] == "fail"
    assert "newer" in str(found["text"])


def test_a_wrong_setting_fails_with_its_place(say: Say, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("flowctl.toml", "log_level = 'LOUD'\n[deployments.x]\nflow = 'a.py:a'\n")
    monkeypatch.chdir(project.path)

    (found,) = check(say, "settings")

    assert found["verdict"] == "fail"
    assert "flowctl.toml line 1" in str(found["text"])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 1), False),
    ],
)
def test_the_versions_of_sqlite_with_the_race_are_known(version: tuple[int, ...], expected: bool) -> None:
    assert has_race(version) is expected


@pytest.mark.parametrize(("kind", "verdict"), [("nfs4", "fail"), ("9p", "fail"), ("tmpfs", "warn"), ("ext4", "ok")])
def test_file_systems_are_judged(say: Say, monkeypatch: pytest.MonkeyPatch, kind: str, verdict: str) -> None:
    def type_of(_path: str) -> str:
        return kind

    monkeypatch.setattr(file_systems, "type_of", type_of)

    assert check(say, "file system")[0]["verdict"] == verdict


def test_the_nearest_mount_tells_the_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounts = [("/", "ext4"), (str(tmp_path), "nfs"), (f"{tmp_path}/a", "tmpfs"), (f"{tmp_path}/ab", "xfs")]
    monkeypatch.setattr(file_systems, "_mounts", lambda: mounts)

    assert file_systems.type_of(f"{tmp_path}/a/b") == "tmpfs"
    assert file_systems.type_of(f"{tmp_path}/abc") == "nfs"
    assert file_systems.is_remote(f"{tmp_path}/x") == "nfs"
    assert file_systems.is_remote("/") is None


@pytest.mark.parametrize(("free", "verdict"), [(10 << 20, "fail"), (500 << 20, "warn"), (50 << 30, "ok")])
def test_little_room_on_the_disk_is_told(say: Say, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    def disk_usage(_path: str) -> SimpleNamespace:
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)

    assert check(say, "disk")[0]["verdict"] == verdict


def test_missing_time_zones_fail(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkups_surroundings, "_ZONES", ("Nowhere/Atlantis",))

    (found,) = check(say, "time zones")

    assert (found["verdict"], "tzdata" in str(found["remedy"])) == ("fail", True)


def test_a_check_that_fails_itself_is_a_finding(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def check_disk(_home: Home) -> list[Checkup]:
        raise RuntimeError("no")

    monkeypatch.setattr(checkups, "check_disk", check_disk)

    assert check(say, "disk") == [
        {
            "name": "disk",
            "verdict": str(Verdict.WARN),
            "text": "could not be checked: RuntimeError: no",
            "remedy": "Tell us, with this line: it should not happen.",
        }
    ]
