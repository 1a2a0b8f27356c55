"""Reading flow files: those that are watched, the modules behind them, flows that ran from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

from flowctl.store import flow_files
from flowctl.store.file_records import ReloadOutcome
from flowctl.store.flow_files import Loaded
from flowctl.store.home import Home
from flowctl.store.limits import set_limit
from flowctl.store.reloads import record_reload
from flowctl.tui.data.source import Source
from flowctl.tui.model.files import FileState
from tests.store.journals import a_run, an_id, write_journal
from tests.tui.planned import a_deployment, writing

NOW = datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)
FLOW: dict[str, object] = {
    "attribute": "sync",
    "name": "sync_crm\x1b[31m",
    "line": 26,
    "schema": {"properties": {"day": {}}},
}


def test_files_are_listed_with_what_serves_and_what_is_made_of_them(home: Home) -> None:
    with writing(home) as connection:
        loaded = Loaded([FLOW], modules=["/flows/common.py"], tasks=[{"name": "push", "retries": 3}])
        flow_files.save_loaded(connection, "/flows/crm.py", loaded, NOW, hash_="h", good_hash="g", problem=None)
        problem = {"kind": "SyntaxError", "message": "expected ':'", "line": 31}
        flow_files.save_problem(connection, "/flows/crm.py", problem, NOW, hash_="h2")
        a_deployment(connection, "crm/sync", "5 * * * *", now=NOW, flow_name="sync", file="/flows/crm.py")
        record_reload(connection, "/flows/crm.py", ReloadOutcome.BROKEN, "It broke.", NOW, version=1)
    write_journal(home, an_id(1), a_run(an_id(1), flow_name="elsewhere"))
    source = Source.open(home, clock=lambda: NOW)

    source.pulse()
    page = source.files_page()
    form = source.file_form("/flows/crm.py", "sync")
    source.close()

    crm, common, elsewhere = page.files
    assert (crm.state, crm.version, crm.is_old_serving) == (FileState.BROKEN, 1, True)
    assert "\x1b" not in crm.flows[0].name
    assert crm.flows[0].deployments == ("crm/sync",)
    assert crm.tasks == {"push": 3}
    assert (common.path, common.state, common.used_by) == ("/flows/common.py", FileState.HELPER, ("/flows/crm.py",))
    assert (elsewhere.state, elsewhere.flows[0].name) == (FileState.UNWATCHED, "elsewhere")
    assert page.reloads[0].words == "It broke."
    assert form is not None
    assert [field.name for field in form.fields] == ["day"]


def test_retries_without_a_delay_are_told_once_and_limits_of_tags_are_named(home: Home) -> None:
    tasks: list[dict[str, object]] = [
        {"name": "rates", "retries": 3, "has_delay": False, "tags": ["api", "none"]},
        {"name": "meant", "retries": 3, "has_delay": True, "tags": []},
        {"name": "of an older look", "retries": 3},
    ]
    with writing(home) as connection:
        loaded = Loaded([FLOW], tasks=tasks)
        flow_files.save_loaded(connection, "/flows/fx.py", loaded, NOW, hash_="h", good_hash="g", problem=None)
        for version in (1, 2):
            record_reload(connection, "/flows/fx.py", ReloadOutcome.LOADED, "It was loaded.", NOW, version=version)
        set_limit(connection, "tag:api", 4)
    source = Source.open(home, clock=lambda: NOW)

    source.pulse()
    page = source.files_page()
    source.close()

    (file,) = page.files
    assert file.state is FileState.DOUBTFUL
    assert file.advice == ("task 'rates' has retries but no retry_delay_seconds",)
    assert file.limits == {"api": 4}
    assert [bool(each.advice) for each in page.reloads] == [True, False]
