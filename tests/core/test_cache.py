"""Results by cache key, in files that several processes write at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flowctl.core.engine.cache import look_up, read_header, store
from flowctl.core.engine.results import keep, load

NOW = 1_700_000_000_000_000
RESULT = ["json", b"[1]", None, 3]


def test_what_was_stored_is_found_under_its_key_only(tmp_path: Path) -> None:
    folder = str(tmp_path / "cache")

    store(folder, "k", RESULT, None, now=NOW)

    assert look_up(folder, "k", NOW) == RESULT
    assert look_up(folder, "K", NOW) is None
    assert look_up(str(tmp_path / "none"), "k", NOW) is None


def test_a_key_may_be_any_text(tmp_path: Path) -> None:
    for key in ("", "../../etc/passwd", "a/b", "\x00", "é\ud800", "x" * 100_000):
        store(str(tmp_path), key, ["json", key.encode("utf-8", "replace"), None, 1], None, now=NOW)

        found = look_up(str(tmp_path), key, NOW)
        assert found is not None
        assert found[1] == key.encode("utf-8", "replace")
    assert len(list(tmp_path.iterdir())) == 6


def test_a_result_expires_at_its_time(tmp_path: Path) -> None:
    store(str(tmp_path), "k", RESULT, NOW + 10, now=NOW)

    assert look_up(str(tmp_path), "k", NOW + 9) == RESULT
    assert look_up(str(tmp_path), "k", NOW + 10) is None


def test_storing_again_replaces_value_and_expiry(tmp_path: Path) -> None:
    store(str(tmp_path), "k", RESULT, NOW + 10, now=NOW)
    store(str(tmp_path), "k", ["json", b"[2]", None, 3], None, now=NOW + 5)

    found = look_up(str(tmp_path), "k", NOW + 10)

    assert found is not None
    assert load(found, folder="") == [2]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_result_in_a_file_is_copied_so_that_its_run_may_be_deleted(tmp_path: Path) -> None:
    results = tmp_path / "results"
    value = [b"x" * 1000] * 3
    result = keep(value, folder=str(results), name="3", limit=10, persist=True)
    assert result is not None

    store(str(tmp_path / "cache"), "k", result, None, now=NOW, results_folder=str(results))
    (results / "3").unlink()

    found = look_up(str(tmp_path / "cache"), "k", NOW)
    assert found is not None
    assert load(found, folder="") == value


def test_the_metadata_are_read_without_the_value(tmp_path: Path) -> None:
    store(str(tmp_path), "k", ["pickle", b"\x80not a pickle", None, 13], NOW + 1, now=NOW, task_key="m.t")

    header = read_header(next(tmp_path.iterdir()).read_bytes())

    assert header is not None
    assert {name: header[name] for name in ("key", "task_key", "serializer", "created_at", "expires_at", "size")} == {
        "key": "k",
        "task_key": "m.t",
        "serializer": "pickle",
        "created_at": NOW,
        "expires_at": NOW + 1,
        "size": 13,
    }


def test_a_damaged_or_foreign_file_counts_as_none(tmp_path: Path) -> None:
    store(str(tmp_path), "k", RESULT, None, now=NOW)
    file = next(tmp_path.iterdir())
    whole = file.read_bytes()

    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert look_up(str(tmp_path), "k", NOW) is None
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        assert look_up(str(tmp_path), "k", NOW) is None
    file.write_bytes(whole)
    file.chmod(0o644)
    assert look_up(str(tmp_path), "k", NOW) is None
    file.chmod(0o600)
    assert look_up(str(tmp_path), "k", NOW) == RESULT


def test_files_of_the_cache_are_private(tmp_path: Path) -> None:
    store(str(tmp_path / "cache"), "k", RESULT, None, now=NOW)

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "cache").iterdir()] == [0o600]


def test_readers_see_whole_values_while_processes_write(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from flowctl.core.engine.cache import store\n"
        "value = sys.argv[2].encode() * 200_000\n"
        "for _ in range(30):\n"
        "    store(sys.argv[1], 'k', ['pickle', value, None, len(value)], None, now=1)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), letter]) for letter in "ab"]
    seen: set[bytes] = set()

    def watch() -> None:
        while any(writer.poll() is None for writer in writers):
            found = look_up(str(tmp_path), "k", NOW)
            if found is not None:
                assert len(set(found[1])) == 1
                seen.add(found[1][:1])

    reader = threading.Thread(target=watch)
    reader.start()
    codes = [writer.wait(timeout=50) for writer in writers]
    reader.join()

    assert codes == [0, 0]
    assert seen <= {b"a", b"b"}
    assert seen
    assert len(list(tmp_path.iterdir())) == 1


def test_a_result_whose_file_is_gone_cannot_be_stored(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        store(str(tmp_path), "k", ["pickle", None, "3", 5], None, now=NOW, results_folder=str(tmp_path))

    assert list(tmp_path.iterdir()) == []
