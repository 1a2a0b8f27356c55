"""Saved flow files come into force: real files, inspectors and store, the pass stepped by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.store import plan_queries, plans, source_versions
from flowctl.store.flow_files import load_source
from flowctl.store.plan_records import DeploymentSpec, FlowReference, Origin
from flowctl.store.writer import Store
from tests.conftest import Project
from tests.core.daemon.saving import WAYS
from tests.core.daemon.watched import Watched

FLOW = """from flowctl import Cron, flow
from parts import scale

@flow(schedule=Cron("0 2 * * *"))
def etl(n: int = 1):
    return scale(n)
"""

PARTS = "def scale(n):\n    return n * 10\n"


@pytest.fixture
def watched(store: Store) -> Iterator[Watched]:
    watched = Watched(store)
    yield watched
    watched.close()


@pytest.fixture
def etl(project: Project) -> Path:
    project.write("parts.py", PARTS)
    return project.write("etl.py", FLOW)


def good_texts(watched: Watched, path: Path) -> dict[str, bytes]:
    file = watched.file(path)
    assert file is not None
    assert file.good_hash is not None
    content = load_source(watched.store.connection, file.good_hash)
    assert content is not None
    return source_versions.unpack(content)


def test_a_watched_folder_gives_deployments_of_the_flows_with_schedules(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    deployment = watched.deployment("etl")
    assert deployment.origin is Origin.CODE
    assert [(each.slug, each.expression) for each in deployment.schedules] == [("0 2 * * *", "0 2 * * *")]
    assert deployment.parameter_schema is not None
    assert deployment.parameter_schema["properties"]["n"]["default"] == 1  # type: ignore[index]
    assert deployment.reference.file == str(etl)
    assert deployment.reference.cwd == str(etl.parent)
    assert set(good_texts(watched, etl)) == {str(etl), str(etl.with_name("parts.py"))}


@pytest.mark.parametrize("save", WAYS)
def test_one_save_is_one_reload_however_the_editor_saves(
    watched: Watched, etl: Path, save: Callable[[Path, str], None]
) -> None:
    watched.watch(etl.parent)

    save(etl, FLOW.replace("0 2", "0 3"))
    watched.reloaded(etl, 2)
    assert [each.expression for each in watched.deployment("etl").schedules] == ["0 3 * * *"]
    save(etl, FLOW.replace("0 2", "0 4"))
    watched.reloaded(etl, 3)
    watched.settle()

    assert [each.expression for each in watched.deployment("etl").schedules] == ["0 4 * * *"]
    assert watched.count(etl, "reloaded") == 3
    assert len(watched.log) == 3


def test_a_touch_and_a_file_of_no_concern_reload_nothing(watched: Watched, etl: Path, project: Project) -> None:
    watched.watch(etl.parent)

    etl.touch()
    etl.chmod(0o600)
    etl.write_text(FLOW)
    project.write("other.py", "raise SystemExit\n")
    project.write("notes.txt", "flow")
    etl.write_text(FLOW.replace("n: int = 1", "n: int = 2"))
    watched.reloaded(etl, 2)
    watched.settle()

    assert len(watched.log) == 2


def test_a_saved_module_reloads_the_flow_files_that_import_it_and_no_others(
    watched: Watched, etl: Path, project: Project
) -> None:
    other = project.write("other.py", "from flowctl import flow\n@flow\ndef other(): ...\n")
    watched.watch(etl.parent)

    etl.with_name("parts.py").write_text(PARTS.replace("10", "20"))
    watched.reloaded(etl, 2)
    watched.settle()

    assert good_texts(watched, etl)[str(etl.with_name("parts.py"))] == PARTS.replace("10", "20").encode()
    assert watched.count(other, "reloaded") == 1


def test_a_module_outside_the_watched_folder_counts_as_well(watched: Watched, project: Project) -> None:
    project.write("pyproject.toml", "")
    module = project.write("lib/shared.py", "X = 1\n")
    text = "import sys; sys.path.insert(0, {!r})\nimport shared\nfrom flowctl import flow\n@flow\ndef job(): ...\n"
    job = project.write("flows/job.py", text.format(str(module.parent)))
    watched.watch(job.parent)

    module.write_text("X = 2\n")

    watched.reloaded(job, 2)


def test_a_broken_file_keeps_its_last_good_version_and_says_what_was_changed(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    before = watched.deployment("etl")

    etl.write_text(FLOW.replace("return scale(n)", "return scale(n"))
    watched.until(lambda: watched.problem(etl), "the problem")

    problem = watched.problem(etl)
    assert (problem["kind"], problem["line"]) == ("SyntaxError", 6)
    assert problem["code"].splitlines() == ["return scale(n", "            ^"]
    assert "-    return scale(n)\n+    return scale(n" in problem["diff"]
    assert watched.deployment("etl") == before
    assert good_texts(watched, etl)[str(etl)] == FLOW.encode()

    etl.write_text(FLOW.replace("0 2", "0 5"))
    watched.reloaded(etl, 2)
    assert watched.problem(etl) == {}
    assert [each.expression for each in watched.deployment("etl").schedules] == ["0 5 * * *"]


def test_a_broken_module_is_told_at_its_own_line_with_its_own_difference(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    module = etl.with_name("parts.py")

    module.write_text(PARTS.replace("n * 10", "n *"))
    watched.until(lambda: watched.problem(etl), "the problem")

    problem = watched.problem(etl)
    assert (problem["file"], problem["line"]) == (str(module), 2)
    assert "-    return n * 10\n+    return n *" in problem["diff"]
    module.write_text(PARTS)
    watched.until(lambda: not watched.problem(etl), "the end of the problem")


def test_a_file_that_was_never_good_gives_its_deployments_the_problem(watched: Watched, etl: Path) -> None:
    etl.write_text("from flowctl import flow\n1 / 0\n")
    _deploy(watched, etl)
    watched.watcher.refresh()

    watched.until(lambda: watched.deployment("mine").problem, "the problem")

    assert "ZeroDivisionError" in str(watched.deployment("mine").problem)
    etl.write_text(FLOW)
    watched.until(lambda: watched.deployment("mine").problem is None, "the end of the problem")
    assert watched.deployment("mine").parameter_schema is not None


def test_a_deleted_file_lets_its_schedules_rest_until_it_is_back(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    etl.unlink()
    watched.until(lambda: watched.deployment("etl").problem, "the problem")
    assert "is gone" in str(watched.deployment("etl").problem)
    assert plan_queries.due_schedules(watched.store.connection, datetime.max.replace(tzinfo=UTC)) == []

    etl.write_text(FLOW)
    watched.until(lambda: watched.deployment("etl").problem is None, "the end of the problem")
    assert len(watched.deployment("etl").schedules) == 1


def test_a_renamed_file_takes_its_deployment_along(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    before = watched.deployment("etl")

    etl.rename(etl.with_name("load.py"))
    watched.until(lambda: watched.deployment("etl").reference.file == str(etl.with_name("load.py")), "the move")

    after = watched.deployment("etl")
    assert (after.id, after.problem) == (before.id, None)
    assert watched.file(etl) is None


def test_a_deployment_made_by_hand_stays_with_its_file_and_says_where_the_text_is_now(
    watched: Watched, etl: Path
) -> None:
    etl.write_text(FLOW.replace('(schedule=Cron("0 2 * * *"))', ""))
    _deploy(watched, etl)
    watched.watch(etl.parent)

    etl.rename(etl.with_name("load.py"))
    watched.until(lambda: watched.deployment("mine").problem, "the problem")

    assert str(etl.with_name("load.py")) in str(watched.deployment("mine").problem)


def test_half_a_file_takes_no_flow_away(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    before = watched.deployment("etl")
    half = FLOW.partition("@flow")[0]

    etl.write_text(half)
    watched.until(lambda: watched.watcher.is_busy, "the first half is seen")
    for _ in range(5):
        watched.step()
    etl.write_text(FLOW)
    watched.settle()

    assert watched.deployment("etl").version == before.version


def test_a_flow_that_is_really_gone_lets_its_deployment_rest_and_one_without_schedule_keeps_it(
    watched: Watched, etl: Path
) -> None:
    watched.watch(etl.parent)

    etl.write_text("from flowctl import flow\n@flow\ndef other(): ...\n")
    watched.until(lambda: watched.deployment("etl").problem, "the problem")
    assert "no flow 'etl' (there are: other)" in str(watched.deployment("etl").problem)

    etl.write_text(FLOW.replace('schedule=Cron("0 2 * * *")', ""))
    watched.until(lambda: watched.deployment("etl").problem is None, "the end of the problem")
    assert watched.deployment("etl").schedules == []


def test_what_a_person_switched_off_stays_off(watched: Watched, etl: Path, noon: datetime) -> None:
    watched.watch(etl.parent)
    with watched.store.transaction() as connection:
        plans.toggle_schedule(connection, "etl", "0 2 * * *", noon, active=False)
        plans.pause_deployment(connection, "etl", noon, paused=True)

    etl.write_text(FLOW.replace("n: int = 1", "n: int = 7"))
    watched.reloaded(etl, 2)

    deployment = watched.deployment("etl")
    assert (deployment.paused, deployment.schedules[0].active) == (True, False)


def test_a_schedule_of_a_flow_with_a_required_parameter_says_what_it_lacks(watched: Watched, etl: Path) -> None:
    etl.write_text(FLOW.replace("n: int = 1", "n: int"))
    watched.watch(etl.parent)

    assert "needs a value for n" in str(watched.deployment("etl").schedules[0].problem)
    etl.write_text(FLOW)
    watched.reloaded(etl, 2)
    assert watched.deployment("etl").schedules[0].problem is None


def test_two_flows_of_one_name_are_told(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    etl.with_name("second.py").write_text(FLOW)

    watched.until(lambda: watched.problem(etl.with_name("second.py")), "the problem")

    assert "'etl' is there already" in watched.problem(etl.with_name("second.py"))["message"]
    assert watched.deployment("etl").reference.file == str(etl)


def _deploy(watched: Watched, file: Path) -> None:
    import sys

    reference = FlowReference(file=str(file), flow_attribute="etl", python=sys.executable, cwd=str(file.parent))
    with watched.store.transaction() as connection:
        plans.save_deployment(
            connection, DeploymentSpec(name="mine", flow_name="etl", reference=reference), datetime.now(UTC)
        )
