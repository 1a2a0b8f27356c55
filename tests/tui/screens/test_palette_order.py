"""What the palette finds, and what comes first."""

from __future__ import annotations

from flowctl.tui.screens.palette import Entry, best_of

ENTRIES = [
    Entry(title, "", lambda: None, id_, command)
    for title, id_, command in (
        ("filter a list, search a text", "find.search", ""),
        ("cancel, gracefully", "act.cancel", "flowctl runs cancel RUN"),
        ("command palette", "app.palette", ""),
        ("redraw", "app.redraw", ""),
        ("reverse the order", "find.reverse", ""),
    )
]


def found(typed: str) -> list[str]:
    return [entry.title for entry in best_of(ENTRIES, typed)]


def test_titles_that_begin_so_come_before_those_that_have_it_somewhere() -> None:
    assert found("c")[:2] == ["cancel, gracefully", "command palette"]


def test_ids_and_commands_are_found_as_well() -> None:
    assert found("runs cancel") == ["cancel, gracefully"]
    assert found("find.rev") == ["reverse the order"]


def test_letters_in_their_order_are_enough() -> None:
    assert found("rvrs") == ["reverse the order"]
    assert found("xyz") == []
    assert [entry.title for entry in best_of([Entry("a]b^c\\d", "", lambda: None)], "]^\\")] == ["a]b^c\\d"]


def test_very_many_things_are_gone_through_once() -> None:
    compared = 0

    class Counted(Entry):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return self is other

        __hash__ = None  # type: ignore[assignment]  # nothing keeps them in a set

    many = [Counted(f"file /flows/{number}.py", "", lambda: None) for number in range(500)]
    others = [Counted(f"f-i-l-e {number}", "", lambda: None) for number in range(500)]

    assert best_of([*others, *many], "file") == [*many, *others]
    assert compared == 0  # lists that hold the same things are not compared one by one
