"""The command as a whole: help, version, errors as one line with their exit codes, and quick starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import flowctl
from flowctl.core.cli import faults
from flowctl.core.cli.exits import Exit
from flowctl.store.home import Home
from tests.conftest import Command
from tests.core.cli.conftest import Say


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_told(option: str, say: Say) -> None:
    assert say(option) == (0, f"flowctl {flowctl.__version__}\n", "")


def test_help_names_every_command(say: Say) -> None:
    out = say("--help").out

    assert [name for name in ("run ", "runs ", "config ") if name not in out] == []


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["runs"],
        ["runs", "show"],
        ["runs", "logs"],
        ["runs", "result"],
        ["runs", "retry"],
        ["runs", "delete"],
        ["config"],
    ],
)
def test_every_command_has_help(words: list[str], say: Say) -> None:
    said = say(*words, "--help")

    assert said.code == 0
    assert said.out.startswith(f"Usage: flowctl {' '.join(words)} ")
    assert said.err == ""


def test_without_words_the_help_is_shown(say: Say) -> None:
    assert "Run flows:" in "".join(say()[1:])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["rnus"], "Error: No such command 'rnus'. Did you mean 'runs'?"),
        (["runs", "shwo"], "Error: No such command 'shwo'. Did you mean 'show'?"),
        (["runs", "--limt", "3"], "Error: No such option: --limt"),
        (["runs", "--limit", "0"], "Error: Invalid value for '--limit' / '-n': "),
    ],
)
def test_a_wrong_command_line_is_an_error_with_a_hint(words: list[str], error: str, say: Say) -> None:
    said = say(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(error)
    assert said.err.splitlines()[-1].endswith("--help` shows what is possible.")


def test_a_damaged_database_is_one_line(home: Home, say: Say) -> None:
    home.ensure()
    Path(home.database).write_bytes(b"not a database" * 1000)

    said = say("runs")

    assert said.code == Exit.STORE
    assert said.err.startswith(f"Error: The database {home.database} is damaged")
    assert len(said.err.splitlines()) == 1


def test_a_home_that_is_a_file_is_one_line(home: Home, say: Say, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    said = say("runs")

    assert (said.code, said.out) == (Exit.STORE, "")
    assert said.err.startswith(f"Error: flowctl cannot use its home folder {home.path}: it is not a folder.")


@pytest.mark.parametrize(
    ("name", "answer", "problem"),
    [("os.geteuid", 4242, "belongs to user id"), ("os.access", False, "it cannot be read")],
)
def test_a_home_that_is_not_ours_does_not_look_empty(
    name: str, answer: object, problem: str, runs: Home, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(*_: object) -> object:
        return answer

    monkeypatch.setattr(name, answered)

    said = say("runs")

    assert (said.code, said.out) == (Exit.STORE, "")
    assert problem in said.err


def test_an_error_that_nobody_foresaw_keeps_its_traceback(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("flowctl.core.cli.runs_list.print_runs", broken)

    with pytest.raises(ZeroDivisionError):
        say("runs")


def test_every_expected_error_has_a_code() -> None:
    assert faults.exit_for(faults.CommandError("x", Exit.NOT_FOUND)) == Exit.NOT_FOUND
    assert faults.exit_for(flowctl.FlowctlError("x")) == Exit.USAGE
    assert faults.exit_for(ZeroDivisionError()) is None


def test_colours_are_for_terminals_and_for_whoever_forces_them(runs: Home, flowctl_command: Command) -> None:
    assert "\x1b" not in flowctl_command("runs").stdout
    assert "\x1b[" in flowctl_command("runs", FORCE_COLOR="1").stdout


def test_looking_back_imports_neither_the_engine_nor_the_screen() -> None:
    code = (
        "import sys; from flowctl.__main__ import main; main(['runs']); "
        "unwanted = ('textual', 'sqlite_utils', 'asyncio', 'flowctl.core.engine.entry', 'flowctl.core.cli.run'); "
        "print([name for name in unwanted if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_imports_next_to_nothing() -> None:
    code = "import sys; from flowctl.__main__ import main; main(['--version']); print('typer' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)

    assert done.stdout.splitlines()[-1] == "False"
