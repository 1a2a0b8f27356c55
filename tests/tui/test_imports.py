"""What does not need the interface does not import what it is made with."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: What comes with Textual, or costs as much.
HEAVY = ("textual", "flowctl.tui.app")
ALL_OF_THEM = """
from importlib import import_module
from pkgutil import iter_modules
for package in ("flowctl.tui.model", "flowctl.tui.data"):
    for module in iter_modules(import_module(package).__path__, f"{package}."):
        import_module(module.name)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import flowctl; flowctl.flow, flowctl.task",
        "from flowctl.__main__ import main; main(['--help'])",
        "from flowctl.__main__ import main; main(['tui', '--help'])",
        "from flowctl.__main__ import main; main(['runs'])",
        # Not even to say that there is no terminal: in pipes and scripts it is at once.
        "from flowctl.__main__ import main; main(['tui'])",
        ALL_OF_THEM,
    ],
    ids=["the door", "help", "help of the interface", "runs", "no terminal", "model and data"],
)
def test_textual_stays_out(code: str) -> None:
    program = f"import sys, json\n{code}\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
        stdin=subprocess.DEVNULL,
    )

    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_first_frame_needs_next_to_nothing() -> None:
    program = (
        "import json, sys; before = set(sys.modules); from flowctl.tui.skeleton import frame; frame(80, 24, []);"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )

    assert not {"rich", "typer", "sqlite3", "textual", "asyncio", "pathlib"}.intersection(loaded(program))


def loaded(program: str) -> list[str]:
    """Carry out a program whose last line tells names of modules."""
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=50)
    return [str(name) for name in json.loads(done.stdout.splitlines()[-1])]
