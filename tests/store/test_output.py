"""Output files of a run: lines, cuts, and going on where somebody else stopped."""

from __future__ import annotations

from pathlib import Path

from flowctl.store.aftermath import Exit
from flowctl.store.output import OutputFiles, output_path


def _write(folder: Path, data: bytes, stream: str = "stdout") -> None:
    with Path(output_path(str(folder), stream, 1)).open("ab") as file:
        file.write(data)


def _all(files: OutputFiles, *, is_last: bool = False) -> list[tuple[str, str]]:
    lines = files.take(is_last=is_last)
    while files.has_more:
        lines += files.take(is_last=is_last)
    return lines


def test_whole_lines_are_given_and_the_rest_waits(tmp_path: Path) -> None:
    files = OutputFiles(str(tmp_path), 1)
    assert files.take() == []

    _write(tmp_path, b"one\ntwo")
    _write(tmp_path, b"err\n", "stderr")
    assert files.take() == [("stdout", "one"), ("stderr", "err")]
    assert files.take() == []
    _write(tmp_path, b" and more\r\n\nlast")

    assert files.take() == [("stdout", "two and more"), ("stdout", "")]
    assert files.take(is_last=True) == [("stdout", "last")]


def test_another_reader_goes_on_where_the_first_one_remembered_to_be(tmp_path: Path) -> None:
    first = OutputFiles(str(tmp_path), 1)
    _write(tmp_path, b"one\n" + b"x" * 100_000)
    assert [line[:5] for _, line in (*first.take(), *first.take())] == ["one", "xxxxx"]
    first.remember()
    _write(tmp_path, b"still the long line\nthree\n")

    second = OutputFiles(str(tmp_path), 1)

    assert _all(second) == [("stdout", "three")]
    second.remove()
    assert list(tmp_path.iterdir()) == []


def test_of_a_progress_bar_the_last_look_is_kept(tmp_path: Path) -> None:
    files = OutputFiles(str(tmp_path), 1)

    for percent in range(101):
        _write(tmp_path, b"\r%3d%% " % percent + b"#" * 1000)
        files.take()
    _write(tmp_path, b"\n")

    lines = _all(files)
    assert [line[:5] for _, line in lines] == ["100% "]


def test_a_line_far_beyond_all_chunks_is_cut_once(tmp_path: Path) -> None:
    files = OutputFiles(str(tmp_path), 1)
    _write(tmp_path, b"y" * (3 << 20) + b"\nend\n")

    lines = [line for _, line in _all(files)]

    assert len(lines) == 2
    assert lines[0].endswith("[cut: the line is longer than 64 KiB]")
    assert len(lines[0]) <= 64 * 1024
    assert lines[1] == "end"


def test_the_reason_of_a_crash_is_told_in_a_sentence() -> None:
    assert "memory ran out" in Exit(-9, True, 0, 0).sentence
    assert "SIGKILL" in Exit(-9, False, 0, 0).sentence
    assert "SIGSEGV" in Exit(-11, False, 0, 0).sentence
    assert "signal 63" in Exit(-63, False, 0, 0).sentence
    assert "exit status 0 before the flow did" in Exit(0, False, 0, 0).sentence
