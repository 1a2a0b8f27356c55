"""What is watched, and how its files come to be looked into: folders, links, checkouts, tables, lost events."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowctl.store import file_queries, plan_queries, plans, source_versions
from flowctl.store.flow_files import load_source
from flowctl.store.plan_records import Origin
from flowctl.store.writer import Store
from tests.conftest import Project
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


def test_files_that_were_saved_while_nobody_watched_are_looked_into(store: Store, etl: Path) -> None:
    first = Watched(store)
    first.watch(etl.parent)
    first.close()
    etl.with_name("parts.py").write_text(PARTS.replace("10", "30"))

    second = Watched(store)
    second.watcher.refresh()
    second.reloaded(etl, 1)
    second.settle()
    second.close()

    third = Watched(store)
    third.watcher.refresh()
    third.settle()
    third.close()
    assert good_texts(second, etl)[str(etl.with_name("parts.py"))] == PARTS.replace("10", "30").encode()
    assert third.log == []


def test_a_module_that_was_mended_while_nobody_watched_ends_the_problem(store: Store, etl: Path) -> None:
    first = Watched(store)
    first.watch(etl.parent)
    etl.with_name("parts.py").write_text("broken(")
    first.until(lambda: first.problem(etl), "the problem")
    first.close()
    etl.with_name("parts.py").write_text(PARTS)

    second = Watched(store)
    second.watcher.refresh()
    second.until(lambda: not second.problem(etl), "the end of the problem")
    second.close()


def test_new_folders_and_files_in_them_are_found(watched: Watched, etl: Path, project: Project) -> None:
    watched.watch(etl.parent)

    job = project.write("deep/er/job.py", "from flowctl import flow\n@flow\ndef job(): ...\n")
    watched.reloaded(job, 1)
    second = project.write("deep/er/second.py", "from flowctl import flow\n@flow\ndef second(): ...\n")
    watched.reloaded(second, 1)
    hidden = project.write("deep/.venv/lib/third.py", "from flowctl import flow\n@flow\ndef third(): ...\n")
    job.parent.rename(job.parent.with_name("moved"))

    watched.reloaded(job.parent.with_name("moved") / "job.py", 1)
    watched.until(lambda: watched.file(job) is None, "the old place is forgotten")
    assert watched.file(hidden) is None


def test_a_link_to_a_file_in_the_folder_is_that_file_and_one_that_leads_out_is_left_out(
    watched: Watched, etl: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("from flowctl import flow\nopen('ran', 'w')\n@flow\ndef outside(): ...\n")
    etl.with_name("out.py").symlink_to(outside)
    etl.with_name("again.py").symlink_to(etl)

    watched.watch(etl.parent)

    assert [file.path for file in file_queries.flow_files(watched.store.connection)] == [str(etl)]
    assert str(outside) in watched.watcher.status()["left_out"][str(etl.with_name("out.py"))]


def test_the_file_behind_a_watched_link_is_watched(watched: Watched, etl: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(etl.parent)

    watched.watch(link)
    etl.write_text(FLOW.replace("0 2", "0 6"))

    watched.reloaded(etl, 2)


@pytest.mark.skipif(not Path("/usr/bin/git").exists(), reason="needs git")
def test_what_came_beside_a_watched_file_is_found_once_its_folder_is_watched(
    watched: Watched, etl: Path, project: Project
) -> None:
    watched.watch(etl)
    other = project.write("other.py", FLOW.replace("etl", "other"))
    # A later save of the watched file tells that the earlier one of its neighbour was heard of.
    etl.write_text(FLOW.replace("2 * * *", "3 * * *"))
    watched.reloaded(etl, 2)
    assert watched.file(other) is None

    watched.watch(etl.parent)

    assert watched.file(other) is not None


def test_a_folder_that_a_link_leads_into_is_walked_all_the_same(
    watched: Watched, etl: Path, project: Project, tmp_path: Path
) -> None:
    inner = project.write("inner/one.py", FLOW.replace("etl", "one"))
    two = project.write("inner/two.py", FLOW.replace("etl", "two"))
    etl.with_name("link.py").symlink_to(inner)

    watched.watch(etl.parent)

    assert watched.file(two) is not None


def test_a_checkout_of_another_branch_reloads_each_changed_file_once(
    watched: Watched, etl: Path, project: Project
) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *words], cwd=project.path, check=True, capture_output=True)

    files = [project.write(f"f{n}.py", f"from flowctl import flow\n@flow\ndef f{n}(): ...\n") for n in range(20)]
    git("init", "-q", "-b", "one")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "two")
    for file in files[:10]:
        file.write_text(file.read_text() + "# two\n")
    files[19].unlink()
    git("commit", "-qam", "two")
    watched.watch(project.path)

    git("checkout", "-q", "one")
    for file in files[:10]:
        watched.reloaded(file, 2)
    watched.reloaded(files[19], 1)
    watched.settle()

    assert [watched.count(file, "reloaded") for file in files] == [2] * 10 + [1] * 10


def test_three_hundred_files_at_once_are_reloaded_once_each(watched: Watched, project: Project) -> None:
    text = "from flowctl import flow\n@flow\ndef flow_{0}(): return {1}\n"
    files = [project.write(f"many/f{n}.py", text.format(n, 0)) for n in range(300)]
    watched.watch(project.path)
    assert all(watched.count(file, "reloaded") == 1 for file in files)

    for number, file in enumerate(files):
        file.write_text(text.format(number, 1))
    watched.until(lambda: all(watched.count(file, "reloaded") == 2 for file in files), "all are reloaded")
    watched.settle()

    assert len(watched.log) == 600


def test_lost_events_are_made_up_for_by_a_walk(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    etl.write_text(FLOW.replace("0 2", "0 7"))

    watched.watcher.touched(set(), True)

    watched.reloaded(etl, 2)


def test_without_watches_of_the_system_files_are_polled_and_that_is_said(
    store: Store, etl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    watched = Watched(store)
    watched.watch(etl.parent)

    etl.write_text(FLOW.replace("0 2", "0 8"))

    watched.reloaded(etl, 2)
    assert "every 0.3 s" in str(watched.watcher.status()["warning"])
    watched.close()


def test_what_is_watched_no_longer_is_forgotten(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)
    with watched.store.transaction() as connection:
        connection.execute("DELETE FROM watched")
        plans.delete_deployment(connection, "etl")
    watched.watcher.refresh()
    watched.settle()

    etl.write_text(FLOW.replace("0 2", "0 9"))
    watched.settle()

    assert len(watched.log) == 1


TABLES = """
[deployments.nightly]
flow = "etl.py:etl"
cron = "0 3 * * *"
timezone = "Europe/Berlin"
parameters = { n = 5 }
"""


def test_a_table_in_the_settings_file_is_a_deployment(watched: Watched, etl: Path) -> None:
    etl.with_name("flowctl.toml").write_text(TABLES)
    watched.watch(etl.parent)

    watched.until(lambda: watched.deployment("nightly").parameter_schema, "the schema")
    deployment = watched.deployment("nightly")
    assert (deployment.origin, deployment.parameters) == (Origin.TOML, {"n": 5})
    assert [each.timezone for each in deployment.schedules] == ["Europe/Berlin"]

    etl.with_name("flowctl.toml").write_text(TABLES.replace("0 3", "0 4"))
    watched.until(lambda: watched.deployment("nightly").schedules[0].expression == "0 4 * * *", "the other time")


@pytest.mark.parametrize(
    ("change", "words", "line"),
    [
        (("Europe/Berlin", "Europe/Berln"), "Did you mean 'Europe/Berlin'", 2),
        (("0 3 * * *", "0 3 30 2 *"), "never", 2),
        (("etl.py:etl", "../../etc/x.py:etl"), "leads out of", 2),
        (("etl.py:etl", "none.py:etl"), "no file", 2),
        (("etl.py:etl", "etl.py:__import__"), "where the flow is", 2),
        (("cron", "corn"), "no 'corn'", 2),
        (("[deployments.nightly]", "[deployments.nightly"), "not valid TOML", 2),
    ],
)
def test_a_table_that_is_wrong_is_told_and_changes_nothing(
    watched: Watched, etl: Path, change: tuple[str, str], words: str, line: int
) -> None:
    toml = etl.with_name("flowctl.toml")
    toml.write_text(TABLES)
    watched.watch(etl.parent)
    watched.until(lambda: watched.deployment("nightly").parameter_schema, "the schema")
    before = watched.deployment("nightly")

    toml.write_text(TABLES.replace(*change))
    watched.until(lambda: watched.problem(toml), "the problem")

    assert words in watched.problem(toml)["message"]
    assert watched.problem(toml)["line"] == line
    assert watched.deployment("nightly") == before


def test_a_table_that_is_taken_away_lets_its_deployment_rest(watched: Watched, etl: Path) -> None:
    toml = etl.with_name("flowctl.toml")
    toml.write_text(TABLES)
    watched.watch(etl.parent)

    toml.write_text(TABLES.replace("nightly", "daily"))
    watched.until(lambda: watched.deployment("nightly").problem, "the problem")
    assert "Its table is gone" in str(watched.deployment("nightly").problem)
    assert watched.deployment("daily").problem is None

    toml.write_text(TABLES)
    watched.until(lambda: watched.deployment("nightly").problem is None, "the end of the problem")


def test_schedules_of_a_table_are_written_as_they_are_thought(watched: Watched, etl: Path) -> None:
    etl.with_name("flowctl.toml").write_text(
        '[deployments.often]\nflow = "etl.py:etl"\ninterval = "15m"\n'
        'schedules = [{ cron = "0 5 * * *", slug = "five", timezone = "Europe/Berlin" }, { rrule = "FREQ=DAILY" }]\n'
    )
    watched.watch(etl.parent)

    schedules = watched.deployment("often").schedules
    assert [(each.slug, each.expression, each.timezone) for each in schedules] == [
        ("interval 900", "900", "UTC"),
        ("five", "0 5 * * *", "Europe/Berlin"),
        ("rrule FREQ=DAILY", "FREQ=DAILY", "UTC"),
    ]


def test_a_table_of_a_flow_that_is_known_already_is_held_against_it(watched: Watched, etl: Path) -> None:
    etl.write_text(f"{etl.read_text()}\n@flow\ndef needs(region): ...\n")
    watched.watch(etl.parent)
    etl.with_name("flowctl.toml").write_text(
        '[deployments.none]\nflow = "etl.py:nothing"\ncron = "0 5 * * *"\n'
        '[deployments.needs]\nflow = "etl.py:needs"\ncron = "0 5 * * *"\n'
    )

    watched.until(lambda: "none" in plan_queries.deployment_names(watched.store.connection), "the deployment")
    watched.until(lambda: watched.deployment("none").problem, "the problem")

    assert "has no flow 'nothing' (there are: etl, needs)" in str(watched.deployment("none").problem)
    assert "needs a value for region" in str(watched.deployment("needs").schedules[0].problem)


def test_all_tables_that_are_wrong_are_told_each_at_its_line(watched: Watched, etl: Path) -> None:
    toml = etl.with_name("flowctl.toml")
    toml.write_text(
        '[deployments.good]\nflow = "etl.py:etl"\ncron = "0 5 * * *"\n'
        '[deployments.out]\nflow = "../../out.py:etl"\ncron = "0 5 * * *"\n'
        '[deployments.odd]\nflow = "etl.py:etl"\ninterval = "soon"\n'
    )
    watched.watch(etl.parent)

    problem = watched.problem(toml)
    assert (problem["kind"], problem["line"]) == ("Table", 4)
    assert "leads out of" in problem["message"]
    assert [(each["line"], "`interval` is seconds or a length" in each["message"]) for each in problem["more"]] == [
        (7, True)
    ]
    assert watched.deployment("good").problem is None
