"""`flowctl runs --query`: the language of the terminal interface, for scripts and pipes."""

from __future__ import annotations

import json

import pytest

from flowctl.store.home import Home
from tests.core.cli.conftest import Say
from tests.core.cli.recorded import HOSTILE


def found(say: Say, *words: str) -> list[str]:
    said = say("runs", "--json", *words)
    assert said.code == 0
    return [run["name"] for run in json.loads(said.out) if run["id"] != HOSTILE]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state:problem age<1d", ["brave-otter", "dusty-crow"]),
        ("took>1.5x", ["brave-otter"]),
        ("param.limit=3", ["calm-heron"]),
        ("param.api_key:\\*\\*", []),
        ("tag:a", ["calm-heron"]),
        ("flow:nightly-*", ["dusty-crow"]),
        ("attempt>1", ["second-wind"]),
        ('error:"no such table"', ["brave-otter"]),
        ('log:"line two"', ["calm-heron"]),
        ("-state:completed -by:schedule age<1w otter", ["brave-otter"]),
        ("(otter or heron) state:done", ["brave-otter", "calm-heron"]),
        ("", ["brave-otter", "calm-heron", "dusty-crow", "second-wind"]),
    ],
)
def test_a_query_chooses(query: str, expected: list[str], runs: Home, say: Say) -> None:
    assert found(say, "--query", query) == expected


def test_the_other_options_narrow_it_down(runs: Home, say: Say) -> None:
    assert found(say, "-q", "age<1w", "--flow", "etl", "--state", "failed") == ["brave-otter"]
    assert found(say, "-q", "age<1w", "--since", "1h", "-n", "1") == ["brave-otter"]
    assert found(say, "-q", "", "--flow", "e*") == []


def test_an_error_points_at_its_place_and_is_a_usage_error(runs: Home, say: Say) -> None:
    said = say("runs", "--query", "age<1d stat:failed")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "Error: --query: No field is called 'stat'. Did you mean state?\n  age<1d stat:failed\n         ^^^^\n"
    )


def test_a_state_that_nobody_knows_gets_a_hint(runs: Home, say: Say) -> None:
    assert "Did you mean 'problem'?" in say("runs", "-q", "state:problm").out


def test_the_text_of_a_query_never_commands_the_terminal(runs: Home, say: Say) -> None:
    said = say("runs", "-q", "stat\x1b[31m:x")

    assert said.code in (0, 2)
    assert "\x1b" not in said.out + said.err
