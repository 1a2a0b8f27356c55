"""The lines of a pipe, of GitHub Actions and of GitLab CI."""

from __future__ import annotations

import io
import re

import pytest

from flowctl.core.cli.display_ci import GitHub, GitLab
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_plain import Plain
from flowctl.core.cli.display_summary import summary_lines
from flowctl.core.cli.display_words import Glyphs
from flowctl.store.journal import Record
from tests.core.cli.streams import START, Stage, a_busy_run, an_error

ASCII = Glyphs(is_ascii=True)


def shown(*records: Record, kind: type[Plain] = Plain, is_quiet: bool = False, refresh: bool = False) -> list[str]:
    """Play records through a display; give its lines, the time of day cut off."""
    model, stream = RunModel(), io.StringIO()
    display = kind(model, stream, ASCII, is_quiet=is_quiet)
    now = START / 1e6
    for record in records:
        display.observe(record, model.apply(record))
        now = max(now, record.at / 1e6)
        if refresh:
            display.refresh(now)
    display.end(now, summary_lines(model, ASCII, now, is_quiet=is_quiet))
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().split("\n")]


def test_each_event_that_matters_is_a_line() -> None:
    lines = shown(*a_busy_run(26, ends="COMPLETED"))

    assert lines[:3] == [
        "> flow etl/brave-otter started  (run 0d3f2c1a)",
        "INFO    | Reading 2026-11-23",
        "+ list_files-001  0.2s",
    ]
    assert "x parse_module-00d failed  SyntaxError: invalid syntax (bad_13.py, line 1)" in lines
    assert "~ fetch-01c retry 1/3 in 3.2s  TimeoutError: read timed out" in lines
    assert "> flow region/warm-fox started" in lines
    assert "x parse_module  26/26  24 completed, 2 failed  1.3s" in lines
    assert any(line.startswith("+ etl  brave-otter  completed in ") for line in lines)


def test_a_map_is_told_as_progress_at_most_once_a_second() -> None:
    lines = shown(*a_busy_run(100, ends="COMPLETED"), refresh=True)

    progress = [line for line in lines if re.match(r". parse_module  \d+/100", line)]

    assert len(progress) == 5
    assert progress[-1].startswith("x parse_module  100/100  93 completed, 7 failed")


def test_a_loop_over_one_task_gets_a_line_each_at_first_and_then_progress() -> None:
    stage = Stage()
    records: list[Record] = [*stage.opening, stage.flow("RUNNING")]
    for _ in range(50):
        records += stage.whole_task("step", 0.001)

    lines = shown(*records, stage.flow("COMPLETED"))

    assert [line for line in lines if line.startswith("+ step-")] == [f"+ step-{n:03x}  1ms" for n in range(1, 11)]
    assert "+ step  50/50  50 completed  50ms" in lines


def test_quiet_leaves_problems_and_the_last_line() -> None:
    assert shown(*a_busy_run(5, ends="COMPLETED"), is_quiet=True) == [
        "WARNING fetch-007 | TimeoutError: read timed out, attempt 1 of 4",
        "+ etl  brave-otter  completed in 4.6s",
        "",
    ]
    assert any("ValueError: bad row 12" in line for line in shown(*a_busy_run(5, ends="FAILED"), is_quiet=True))


def test_a_failed_run_shows_the_users_frames_and_what_to_type_next() -> None:
    lines = shown(*a_busy_run(5, ends="FAILED"))

    place = lines.index("  ValueError: bad row 12")
    assert lines[place:] == [
        "  ValueError: bad row 12",
        "    > /work/etl.py:12 in etl",
        "        load(rows)",
        "      ~ 2 frames in libraries hidden",
        "    > /work/etl.py:31 in parse_row",
        "        return int(cells[3])",
        "",
        "  go on     flowctl runs retry 0d3f2c1a   what completed is not run again",
        "  look back flowctl runs show -",
        "",
    ]


def a_run_whose_upstream_fails() -> list[Record]:
    stage = Stage()
    load, total = stage.task("load"), stage.task("total")
    upstream = "Upstream task run 'load-001' did not complete: it is FAILED/Failed."
    consequence = an_error("UpstreamTaskError", upstream, frames=[["/work/etl.py", 50, "etl", "total(rows)", True]])
    return [
        *stage.opening,
        stage.flow("RUNNING"),
        load,
        stage.state(load.task, "RUNNING"),
        stage.state(load.task, "FAILED", error=an_error()),
        total,
        stage.state(total.task, "PENDING", "NotReady", message=upstream),
        stage.flow("FAILED", error=consequence),
    ]


def test_the_error_shown_is_the_one_at_the_root_not_that_an_upstream_did_not_complete() -> None:
    lines = shown(*a_run_whose_upstream_fails())

    place = lines.index("  in load-001")
    assert lines[place + 1 : place + 3] == ["  ValueError: bad row 12", "    > /work/etl.py:12 in etl"]
    assert not any("UpstreamTaskError" in line or "problems" in line for line in lines)


def test_github_gets_the_line_of_the_root_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", "/work")

    annotations = [line for line in shown(*a_run_whose_upstream_fails(), kind=GitHub) if line.startswith("::error")]

    assert annotations == ["::error file=etl.py,line=31,title=task load-001 failed::ValueError: bad row 12"]


def test_further_lines_of_a_log_message_stand_behind_a_bar() -> None:
    stage = Stage()

    lines = shown(*stage.opening, stage.log("first\n::error::second\nthird"))

    assert lines[1:4] == ["INFO    | first", "         | ::error::second", "         | third"]


def test_data_from_a_flow_is_never_a_workflow_command() -> None:
    stage = Stage(flow_name="::add-mask::x", run_name="##[add-path]y")
    created = stage.task("::error::t", run_name="::stop-commands::z")
    records: list[Record] = [*stage.opening, stage.log("a\n::error::b\n  ::set-env::c ##[group]d"), created]
    records += [stage.state(created.task, "FAILED", error=an_error("::warning::E", "x\n::error::y"))]
    records += [stage.flow("FAILED", error=an_error("::warning::E", "x\n::error::y"))]

    lines = shown(*records, kind=GitHub)

    commands = [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    assert [command.split("::")[1].split(" ")[0] for command in commands] == ["group", "endgroup", "error"]


def test_github_gets_an_annotation_at_the_users_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", "/work")

    lines = shown(*a_busy_run(5, ends="FAILED"), kind=GitHub)

    assert "::error file=etl.py,line=31,title=flow etl failed::ValueError: bad row 12" in lines
    assert lines.index("::group::flow etl/brave-otter") < lines.index("::endgroup::")


def test_annotations_are_escaped() -> None:
    stage = Stage(flow_name="a,b:c%")

    lines = shown(*stage.opening, stage.flow("FAILED", error=an_error("E", "50%\nline two")), kind=GitHub)

    (annotation,) = [line for line in lines if line.startswith("::error")]
    assert annotation == "::error file=/work/etl.py,line=31,title=flow a%2Cb%3Ac%25 failed::E: 50%25"


def test_gitlab_gets_a_section() -> None:
    lines = shown(*a_busy_run(2, ends="COMPLETED"), kind=GitLab)

    assert re.fullmatch(r"\x1b\[0Ksection_start:\d+:flowctl_0d3f2c1a\r\x1b\[0Kflow etl", lines[0])
    assert [line for line in lines if re.fullmatch(r"\x1b\[0Ksection_end:\d+:flowctl_0d3f2c1a\r\x1b\[0K", line)]
