"""Results kept inline or in files, and read back."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowctl.core.authoring.exceptions import ResultMissing
from flowctl.core.authoring.serializers import (
    SERIALIZERS,
    CompressedJSONSerializer,
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    serializer_name,
)
from flowctl.core.engine.results import ResultNotStored, keep, keep_bytes, load, written

LIMIT = 64 * 1024


@dataclass
class Point:
    x: int


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("not this one")


def kept(value: Any, folder: Path, **options: Any) -> list[Any] | None:
    settings: dict[str, Any] = {"limit": LIMIT, "persist": False, **options}
    return keep(value, folder=str(folder), name="3", **settings)


VALUES = [None, True, 3, 2.5, "é\ud800", b"ab", [1, {"a": (2,)}], Point(3), {Point}, list(range(50))]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_small_values_are_kept_inline_and_come_back(value: Any, tmp_path: Path) -> None:
    result = kept(value, tmp_path)

    assert result is not None
    serializer, data, name, size = result
    assert (serializer, name, size) == ("pickle", None, len(data))
    assert load(result, folder="/nowhere") == value
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("limit", [LIMIT, 10])
def test_every_serializer_gives_the_value_back_inline_and_from_a_file(
    serializer: str, limit: int, tmp_path: Path
) -> None:
    value = {"k": [1, 2.5, None, "é"], "x": "y" * 100}

    result = kept(value, tmp_path, serializer=serializer, limit=limit, persist=True)

    assert result is not None
    assert result[0] == serializer
    assert (result[1] is None) == (limit == 10)
    assert load(result, folder=str(tmp_path)) == value


def test_large_values_are_not_kept_unless_they_persist(tmp_path: Path) -> None:
    for value in ("x" * LIMIT, b"x" * LIMIT * 2, [list(range(100)) for _ in range(1000)], [os.urandom(LIMIT)]):
        assert kept(value, tmp_path) is None

    assert list(tmp_path.iterdir()) == []


def test_a_large_value_that_persists_lies_in_a_private_file(tmp_path: Path) -> None:
    value = [os.urandom(1000) for _ in range(1000)]
    folder = tmp_path / "results"

    result = kept(value, folder, persist=True)

    assert result is not None
    assert result[1:3] == [None, "3"]
    assert result[3] == (folder / "3").stat().st_size > 1_000_000
    assert (folder / "3").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in folder.iterdir()] == ["3"]
    assert load(result, folder=str(folder)) == value


def test_pickling_stops_as_soon_as_the_limit_is_passed(tmp_path: Path) -> None:
    pickled: list[int] = []

    class Counted:
        def __init__(self, number: int) -> None:
            self.number = number

        def __reduce__(self) -> Any:
            pickled.append(self.number)
            return int, (self.number,)

    assert kept([(Counted(number), os.urandom(100)) for number in range(100_000)], tmp_path) is None
    assert 0 < len(pickled) < 2_000


def test_a_huge_value_is_written_without_a_second_copy_in_memory(tmp_path: Path) -> None:
    value = [b"%d" % number * 1000 for number in range(20_000)]
    size = sum(map(len, value))
    tracemalloc.start()

    result = kept(value, tmp_path, persist=True)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result is not None
    assert result[3] > size > 50_000_000
    assert peak < size / 10


def test_what_plain_pickle_cannot_take_goes_by_value(tmp_path: Path) -> None:
    factor = 3

    def times(x: int) -> int:
        return x * factor

    for limit, persist in ((LIMIT, False), (1, True)):
        result = kept(times, tmp_path, limit=limit, persist=persist)
        assert result is not None
        assert load(result, folder=str(tmp_path))(5) == 15


@pytest.mark.parametrize("make", [threading.Lock, Unpicklable, lambda: [b"x" * LIMIT * 2, threading.Lock()]])
def test_what_cannot_be_pickled_is_not_kept_or_says_why(make: Callable[[], Any], tmp_path: Path) -> None:
    assert kept(make(), tmp_path) is None

    with pytest.raises(ResultNotStored, match=r"The result of type (lock|Unpicklable|list) cannot be kept with pickle"):
        kept(make(), tmp_path, persist=True)
    assert list(tmp_path.iterdir()) == []


def test_what_json_has_no_word_for_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ResultNotStored, match=r"type Point cannot be kept with json.*result_serializer='pickle'"):
        kept(Point(1), tmp_path, serializer="json", persist=True)


def test_a_full_disk_leaves_no_half_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ResultNotStored, match=r"could not be written to .*/3: No space left on device. Make room"):
        kept([b"x" * LIMIT * 2], tmp_path, persist=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_synced_before_it_has_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        real_fsync(descriptor)

    def rename(old: str, new: str) -> None:
        events.append("rename")
        real_rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)

    written(str(tmp_path / "one"), b"data")

    assert (tmp_path / "one").read_bytes() == b"data"
    if sys.platform == "linux":
        assert events == ["file", "rename", "folder"]


def test_bytes_are_kept_as_values_are(tmp_path: Path) -> None:
    small = keep_bytes(b"ab", folder=str(tmp_path), name="3", serializer="json", limit=2)
    large = keep_bytes(b"[1]", folder=str(tmp_path), name="3", serializer="json", limit=2)
    refused = keep_bytes(b"[1]", folder=str(tmp_path), name="4", serializer="json", limit=2, persist=False)

    assert small == ["json", b"ab", None, 2]
    assert large == ["json", None, "3", 3]
    assert refused is None
    assert large is not None
    assert load(large, folder=str(tmp_path)) == [1]


def test_a_file_that_others_could_have_written_is_not_unpickled(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    result = kept([b"x" * LIMIT * 2], tmp_path, persist=True)
    assert result is not None
    (tmp_path / "3").write_bytes(b"cos\nmkdir\n(V" + str(ran).encode() + b"\ntR.")

    for mode in (0o640, 0o604, 0o620):
        (tmp_path / "3").chmod(mode)
        with pytest.raises(ResultMissing, match=f"mode {mode:04o}"):
            load(result, folder=str(tmp_path))

    assert not ran.exists()
    (tmp_path / "3").chmod(0o600)
    load(result, folder=str(tmp_path))
    assert ran.exists(), "the file was a program: only its mode kept it from running"


def test_a_link_or_a_name_outside_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    written(str(secret), b"")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "3").symlink_to(secret)

    for name in ("3", "../secret", "", ".", None, 5):
        with pytest.raises(ResultMissing):
            load(["pickle", None, name, 3], folder=str(tmp_path / "results"))


def test_a_missing_or_damaged_result_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResultMissing, match="No such file"):
        load(["pickle", None, "3", 3], folder=str(tmp_path))
    for serializer in SERIALIZERS:
        with pytest.raises(ResultMissing, match="cannot be read"):
            load([serializer, b"\x80nonsense", None, 3], folder=str(tmp_path))


def test_classes_of_a_script_are_found_in_its_module(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import sys\n"
        "from flowctl.core.engine.results import keep\n"
        "class Local:\n"
        "    def __init__(self): self.n = 7\n"
        "if __name__ == '__main__':\n"
        "    sys.stdout.buffer.write(keep(Local(), folder='', name='', limit=9999, persist=False)[1])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    data = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, check=True, env=environment
    ).stdout

    with pytest.raises(ResultMissing):
        load(["pickle", data, None, len(data)], folder="")
    sys.path.insert(0, str(tmp_path))
    try:
        value = load(["pickle", data, None, len(data)], folder="", main_module="script")
    finally:
        sys.path.remove(str(tmp_path))
        module = sys.modules.pop("script", None)

    assert value.n == 7
    assert type(value).__module__ == "script"
    assert module is not None


def test_serializers_go_by_name_or_object() -> None:
    assert serializer_name("json") == "json"
    assert serializer_name(PickleSerializer()) == "pickle"
    assert serializer_name(JSONSerializer()) == "json"
    assert serializer_name(CompressedSerializer(JSONSerializer())) == "compressed/json"
    assert serializer_name(CompressedJSONSerializer()) == "compressed/json"
    with pytest.raises(ValueError, match="no result serializer 'yaml'"):
        serializer_name("yaml")
