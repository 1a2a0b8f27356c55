"""Whatever deployments, files, limits, views and keys are called: each field, on each screen, at each size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from flowctl.store.file_records import ReloadOutcome
from flowctl.store.flow_files import Loaded, save_loaded, save_problem
from flowctl.store.home import Home
from flowctl.store.limits import set_limit
from flowctl.store.reloads import record_reload
from flowctl.tui.actions import Actions, Answer, Outcome
from flowctl.tui.app import FlowctlApp
from tests.tui.planned import a_deployment, its_runs, writing
from tests.tui.screens.conftest import nothing_against
from tests.tui.screens.driving import NARROW, NOW, WIDE, drive, press, settled
from tests.tui.screens.test_hostile import HOSTILE, assert_harmless, storable

#: The kinds in four texts: each screen is opened with each.
TEXTS = {
    "signs": " ".join(HOSTILE[kind] for kind in ("markup", "action", "bidi", "nul", "lines", "surrogate", "pictures")),
    "sequences": HOSTILE["escape"] + HOSTILE["c1"],
    "wide": HOSTILE["wide"] + HOSTILE["emoji"],
    "long": HOSTILE["combining"] + HOSTILE["long"],
}
#: One field after the other is filled with what is hostile; all others are as usual.
DEPLOYMENT = ("name", "flow_name", "file", "tags", "description", "parameters", "schema", "expression", "problem")
FILE = ("path", "flow", "attribute", "message", "source", "diff", "reload")
TOUR = ("2", "i", "escape", "t", "down", "escape", "B", "escape", "y", "escape", "p", "s", "slash", "escape")
TOUR_OF_FILES = ("3", "i", "escape", "d", "i", "escape", "enter", "t", "escape", "escape", "e", "y", "escape", "r")
REST = ("f", "escape", "5", "K", "escape", "y", "escape", "colon", "escape", "question_mark", "escape", "1", "escape")


async def tour(app: FlowctlApp, pilot: Pilot[int], keys: tuple[str, ...]) -> None:
    for width, height in (NARROW, (40, 8)):
        await pilot.resize_terminal(width, height)
        for key in keys:
            await press(app, pilot, key)
            assert_harmless(app, width)
    assert app.is_running


@pytest.fixture(autouse=True)
def no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)


@pytest.fixture
def hostile_daemon(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Have the daemon refuse everything in hostile words."""
    words = TEXTS[request.node.callspec.params["kind"]]

    def ask(*_words: object, **_fields: object) -> list[Outcome]:
        return [Outcome(False, words)]

    def send(*_words: object) -> Answer:
        return Answer(words, {})

    monkeypatch.setattr(Actions, "ask", ask)
    monkeypatch.setattr(Actions, "send", send)
    monkeypatch.setattr(Actions, "why_not", nothing_against)


def schema_of(text: str) -> dict[str, Any]:
    field = {"type": "string", "title": text, "description": text, "default": text, "position": 0}
    return {"properties": {text: field, "of": {"enum": [text, "b"], "position": 1}}, "required": [text]}


@pytest.mark.usefixtures("hostile_daemon")
@pytest.mark.parametrize("kind", TEXTS)
def test_deployments_are_shown_and_never_obeyed(home: Home, kind: str) -> None:
    text = storable(TEXTS[kind])
    with writing(home) as connection:
        made = 0
        for place, field in enumerate(DEPLOYMENT):
            fields: dict[str, Any] = {
                "flow_name": text if field == "flow_name" else "etl",
                "file": text if field == "file" else "/flows/etl.py",
                "tags": [text] if field == "tags" else [],
                "description": text if field == "description" else None,
                "parameters": {text: [text, {text: text}]} if field == "parameters" else {},
                "parameter_schema": schema_of(text) if field == "schema" else None,
            }
            name = text[:200] if field == "name" else f"d{place}/{field}"
            made = a_deployment(connection, name, f"{place} * * * *", now=NOW, next_at=NOW, **fields)
            if field == "expression":
                query = "UPDATE schedule SET expression = ?, slug = ? WHERE deployment_id = ?"
                connection.execute(query, (text, text, made)).close()
            if field == "problem":
                connection.execute("UPDATE deployment SET problem = ? WHERE id = ?", (text, made)).close()
    its_runs(home, made, ["COMPLETED", "FAILED"], now=NOW)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")
        for _ in DEPLOYMENT:
            await press(app, pilot, "t", "down", "escape", "j")
            assert_harmless(app, WIDE[0])
        await tour(app, pilot, TOUR)

    drive(home, scenario, size=WIDE)


@pytest.mark.usefixtures("hostile_daemon")
@pytest.mark.parametrize("kind", TEXTS)
def test_flow_files_are_shown_and_never_obeyed(home: Home, kind: str) -> None:
    text = storable(TEXTS[kind])
    with writing(home) as connection:
        for place, field in enumerate(FILE):
            path = f"/flows/{text if field == 'path' else place}.py"
            flow = {
                "attribute": text if field == "attribute" else "sync",
                "name": text if field == "flow" else "sync",
                "line": 2,
                "description": text,
                "schema": schema_of(text),
            }
            problem = {
                "kind": text if field == "message" else "SyntaxError",
                "message": text if field == "message" else "expected ':'",
                "file": text if field == "path" else path,
                "line": 2,
                "caret": [1, 9_000],
                "lines": [[1, "import time"], [2, text if field == "source" else "for row in rows"]],
                "diff": f"--- a\n+++ b\n@@ -2 +2 @@\n-{text}\n+{text}" if field == "diff" else "",
            }
            loaded = Loaded([flow], import_us=41_000)
            save_loaded(connection, path, loaded, NOW, hash_="h", good_hash=field, problem=None)
            if place % 2 == 0:
                save_problem(connection, path, problem, NOW, hash_="h2")
            said = text if field == "reload" else "It broke."
            record_reload(connection, path, ReloadOutcome.BROKEN, said, NOW, version=1, changes=[text])

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3")
        for _ in FILE:
            await press(app, pilot, "d", "i", "escape", "enter", "t", "escape", "escape", "j")
            assert_harmless(app, WIDE[0])
        await tour(app, pilot, TOUR_OF_FILES)

    drive(home, scenario, size=WIDE)


@pytest.mark.usefixtures("hostile_daemon")
@pytest.mark.parametrize("kind", TEXTS)
def test_limits_views_and_keys_are_shown_and_never_obeyed(
    home: Home, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = storable(TEXTS[kind])
    with writing(home) as connection:
        set_limit(connection, text, 2)
    views = [{"name": text, "query": text}, {"name": "fine", "query": f"flow:{text[:100]}"}, {"name": text}, text]
    (Path(home.path) / "views.json").write_text(json.dumps({"views": views}), encoding="utf-8")
    keys = tmp_path / "config" / "flowctl" / "keys.toml"
    keys.parent.mkdir(parents=True)
    keys.write_text(f'{json.dumps(text)} = "x"\n"act.cancel" = {json.dumps(text)}\n', encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await tour(app, pilot, REST)
        # What is pasted is a stranger's too.
        for key in ("colon", "slash"):
            await press(app, pilot, "1", key)
            app.post_message(Paste(text.replace("\ufe0f", "")))
            await settled(app, pilot)
            assert_harmless(app, 40)
            await press(app, pilot, "escape", "escape")

    drive(home, scenario)
