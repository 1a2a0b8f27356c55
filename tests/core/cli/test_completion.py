"""Shell completion: what is offered, quickly, without writing and without ever failing."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.core.cli import completion
from flowctl.store.home import Home
from tests.conftest import Command
from tests.core.cli.conftest import Say


def offered(command: Command, *words: str, shell: str = "bash") -> str:
    """Ask as the shell does after a Tab behind the last word."""
    line = " ".join(["flowctl", *words])
    asked = command(
        _FLOWCTL_COMPLETE=f"complete_{shell}",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words)),
        _TYPER_COMPLETE_ARGS=line,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert asked.stderr == ""
    return asked.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ru"], {"run", "runs"}),
        (
            ["runs", ""],
            {"show", "watch", "logs", "result", "retry", "delete", "cancel", "kill", "pause", "resume"}
            | {"skip", "rerun"},
        ),
        (["runs", "show", "c"], {"calm-heron"}),
        (["runs", "retry", "d"], {"dusty-crow"}),
        (["runs", "--state", "c"], {"completed", "crashed", "cancelled"}),
        (["runs", "--flow", "e"], {"etl"}),
        (["runs", "logs", "--level", "w"], {"warning"}),
        (["runs", "logs", "--level", "W"], {"WARNING"}),
        (["runs", "result", "calm-heron", "o"], {"outer-009"}),
        (["runs", "logs", "calm-heron", "--task", "inn"], {"inner-00a"}),
    ],
)
def test_bash_is_offered_what_fits(
    words: list[str], expected: set[str], runs: Home, say: Say, flowctl_command: Command
) -> None:
    say("runs")

    assert set(offered(flowctl_command, *words).split()) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_the_state_beside_the_name(shell: str, runs: Home, say: Say, flowctl_command: Command) -> None:
    say("runs")

    answer = offered(flowctl_command, "runs", "show", "brave", shell=shell)

    assert "brave-otter" in answer
    assert "Failed etl" in answer


def test_ids_are_offered_once_one_is_begun(runs: Home, say: Say) -> None:
    say("runs")

    assert "00000003-aaaa-4aaa-8aaa-aaaaaaaaaaaa" in dict(completion.runs("00000003"))
    assert completion.runs("") and all("-aaaa-" not in value for value, _ in completion.runs(""))


def test_values_and_words_that_a_shell_would_obey_are_never_offered(runs: Home, say: Say) -> None:
    say("runs")

    offers = completion.runs("") + completion.runs("n") + completion.flows("") + completion.runs("0")
    assert len(offers) > 5
    assert not {*"".join(value + words for value, words in offers)} & set("[]\"'`$(){};&|<>\\\x1b\n")


def test_nothing_is_written_and_nothing_raised_where_there_is_no_home(home: Home) -> None:
    assert completion.runs("") == completion.flows("") == []
    assert not Path(home.path).exists()


def test_waiting_journals_are_left_to_the_next_command(runs: Home) -> None:
    before = sorted(Path(runs.path).iterdir())

    assert completion.runs("") == []
    assert sorted(Path(runs.path).iterdir()) == before


def test_a_damaged_database_offers_nothing(home: Home) -> None:
    home.ensure()
    Path(home.database).write_bytes(b"not a database" * 1000)

    assert completion.runs("") == completion.flows("") == []
