"""`flowctl runs result`: values as text, as JSON, as their repr; and why there is none."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import Record
from tests.core.cli.conftest import Say
from tests.store.journals import NOON, an_id, flow_created, flow_state, opened, write_journal

RUN = an_id(9)


class Evil:
    """Unpickles, but its repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def returned(home: Home, result: list[object] | None, value: str | None = "a preview") -> None:
    """Record a run that returned a value."""
    records: list[Record] = [
        opened(RUN),
        flow_created(RUN),
        flow_state("RUNNING"),
        flow_state("COMPLETED", at=NOON + 1, value=value, result=result),
    ]
    write_journal(home, RUN, records)


def pickled(value: object) -> list[object]:
    data = pickle.dumps(value)
    return ["pickle", data, None, len(data)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("3 files\nread", "3 files\nread"),
        ({"a": [1, None, "é"]}, '{\n  "a": [\n    1,\n    null,\n    "é"\n  ]\n}'),
        (4, "4"),
        ((1, 2), "(1, 2)"),
        ({1, 2}, "{1, 2}"),
        (b"raw", "b'raw'"),
        (None, "null"),
        ("\x1b[2J", ""),
        (float("nan"), "nan"),
    ],
)
def test_values_are_printed_as_what_they_are(value: object, shown: str, home: Home, say: Say) -> None:
    returned(home, pickled(value))

    said = say("runs", "result")

    assert (said.code, said.out, said.err) == (0, shown + "\n", "")


def test_a_task_is_named_after_its_run(runs: Home, say: Say) -> None:
    said = say("runs", "result", "calm-heron", "inner-00a", "--json")

    answer = json.loads(said.out)
    assert (answer["name"], answer["serializer"], answer["value"]) == ("inner-00a", "json", {"n": 1})


def test_a_name_that_several_task_runs_share_is_refused(runs: Home, say: Say) -> None:
    said = say("runs", "result", "calm-heron", "parse")

    assert said.code == 5
    assert said.err.startswith("Error: 8 task runs are called 'parse'. Name one: parse-001, ")


def test_a_class_that_is_not_importable_here_is_shown_by_its_preview(home: Home, say: Say) -> None:
    data = pickle.dumps(Evil()).replace(
        Evil.__module__.encode(), b"no_such_module_anywhere".ljust(len(Evil.__module__), b"x")
    )
    returned(home, ["pickle", data, None, len(data)], value="Point(x=1)")

    said = say("runs", "result")

    assert (said.code, said.out) == (0, "Point(x=1)\n")
    assert said.err.startswith("Warning: The result on record cannot be read: ")


def test_a_repr_that_raises_is_replaced_by_the_preview(home: Home, say: Say) -> None:
    returned(home, pickled(Evil()), value="<Evil>")

    assert say("runs", "result").out == "<Evil>\n"


def test_a_value_that_was_not_kept_is_not_found_with_the_remedy(home: Home, say: Say) -> None:
    returned(home, None, value="[0, 1, …]")

    said = say("runs", "result")

    assert (said.code, said.out) == (5, "")
    assert "persist_result=True" in said.err and "[0, 1, …]" in said.err


@pytest.mark.parametrize(
    ("run", "reason"), [("brave-otter", "is Failed; only completed runs"), ("dusty-crow", "is Crashed")]
)
def test_a_run_that_did_not_complete_has_no_result(run: str, reason: str, runs: Home, say: Say) -> None:
    said = say("runs", "result", run)

    assert said.code == 5
    assert reason in said.err


def test_raw_writes_the_stored_bytes(home: Home, say: Say, tmp_path: Path) -> None:
    result = pickled("3 files")
    returned(home, result)

    said = say("runs", "result", "-", "--raw", str(tmp_path / "out.pickle"))

    assert (said.code, said.out) == (0, "")
    assert (tmp_path / "out.pickle").read_bytes() == result[1]


def test_a_result_file_that_others_could_have_written_is_not_unpickled(home: Home, say: Say) -> None:
    returned(home, ["pickle", None, "0", 4])
    folder = Path(home.run_folder(RUN), "results")
    folder.mkdir()
    (folder / "0").write_bytes(pickle.dumps("mine"))
    (folder / "0").chmod(0o600)
    assert say("runs", "result").out == "mine\n"

    (folder / "0").chmod(0o666)
    said = say("runs", "result")

    assert said.out == "a preview\n"
    assert "others could have changed it" in said.err


def test_a_file_that_cannot_be_written_is_an_error(home: Home, say: Say) -> None:
    returned(home, pickled(1))

    said = say("runs", "result", "-", "--raw", os.path.join("/no", "such", "folder"))  # noqa: PTH118 - a text is typed

    assert (said.code, said.err) == (2, "Error: /no/such/folder cannot be written: No such file or directory.\n")
