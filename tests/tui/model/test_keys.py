"""The table of keys: nothing twice, nothing that never arrives, and that a keys.toml can change all of it safely."""

from __future__ import annotations

import pytest

from flowctl.tui.model.key_table import BINDINGS
from flowctl.tui.model.keys import (
    GROUPS,
    RESERVED,
    Risk,
    as_markdown,
    bindings_of,
    clashes,
    footer_of,
    help_of,
    keys_of,
    palette_of,
    read_keymap,
    shown_key,
)

SCOPES = sorted({scope for binding in BINDINGS for scope in binding.scopes})


def test_ids_and_actions_are_unique() -> None:
    assert len({binding.id for binding in BINDINGS}) == len(BINDINGS)
    assert len({binding.action for binding in BINDINGS}) == len(BINDINGS)


def test_no_key_does_two_things_in_one_place() -> None:
    assert clashes(BINDINGS) == []
    for scope in SCOPES:
        keys = [key for binding in bindings_of(BINDINGS, scope) for key in binding.keys]
        assert len(keys) == len(set(keys)), scope


def test_no_key_is_one_that_terminals_keep() -> None:
    used = {key for binding in BINDINGS for key in binding.keys}

    assert used & RESERVED == set()
    assert not [key for key in used if key.startswith(("alt+", "f1"))]


def test_every_binding_has_a_group_and_a_title_of_its_own_words() -> None:
    for binding in BINDINGS:
        assert binding.group in GROUPS, binding.id
        assert binding.title, binding.id


def test_upper_case_letters_that_act_confirm() -> None:
    for binding in BINDINGS:
        letters = [key for key in binding.keys if len(key) == 1 and key.isupper()]
        if binding.group == "Act" and letters and binding.id != "act.reload_all":
            assert binding.risk is Risk.CONFIRM, binding.id


def test_one_verb_has_one_key_on_every_screen() -> None:
    """What is on the same key on two screens is either one binding or says so here."""
    shared = {"f", "p", "r", "R", "space", "asterisk"}
    # In a form one types, so that only these are keys there.
    shared |= {"enter", "escape", "ctrl+r"}
    # In the help whatever is typed is searched.
    shared |= {"tab"}
    # Nothing is skipped on the System screen.
    shared |= {"K"}
    # While one travels in time, they go from event to event.
    shared |= {"left", "right"}
    by_key: dict[str, set[str]] = {}
    for binding in BINDINGS:
        for key in binding.keys:
            by_key.setdefault(key, set()).add(binding.id)

    assert {key for key, ids in by_key.items() if len(ids) > 1} == shared


def test_the_footer_names_what_can_run_now() -> None:
    everything = footer_of(BINDINGS, "runs")
    some = footer_of(BINDINGS, "runs", {"act.cancel", "app.help", "act.reload"})

    assert [binding.id for binding in some] == ["act.cancel", "app.help"]
    assert [binding.footer for binding in everything] == sorted(binding.footer for binding in everything)


def test_the_help_is_searched_by_all_words() -> None:
    found = help_of(BINDINGS, "runs", "RUN form")

    assert [binding.id for each in found.values() for binding in each] == ["act.run"]
    assert "act.reload" not in {binding.id for each in help_of(BINDINGS, "runs").values() for binding in each}


def test_every_id_is_in_the_palette_of_its_screens_and_what_only_moves_comes_last() -> None:
    for scope in {scope for binding in BINDINGS for scope in binding.scopes}:
        offered = palette_of(BINDINGS, scope)
        moves = [binding.group == "Move" and not binding.footer for binding in offered]
        assert {each.id for each in offered} == {each.id for each in bindings_of(BINDINGS, scope)}
        assert moves == sorted(moves)


def test_keys_are_written_as_people_know_them() -> None:
    cancel = next(binding for binding in BINDINGS if binding.id == "move.next_problem")

    assert keys_of(cancel) == "}"
    assert [shown_key(key) for key in ("enter", "up", "ctrl+d", "j")] == ["⏎", "↑", "ctrl+d", "j"]
    assert all(keys_of(binding, is_ascii=True).isascii() for binding in BINDINGS)


def test_a_keymap_changes_keys_by_id() -> None:
    table, changed, problems = read_keymap(BINDINGS, '[keys]\n"act.cancel" = "x"\n"find.search" = ["/", "ctrl+f"]\n')

    assert problems == []
    assert changed == {"act.cancel": ("x",), "find.search": ("slash", "ctrl+f")}
    assert next(binding for binding in table if binding.id == "act.cancel").keys == ("x",)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("keys = [", "keys.toml", "no TOML"),
        ("keys = 3", "keys", "no table"),
        ('[keys]\n"act.dance" = "x"', "act.dance", "no binding"),
        ('[keys]\n"act.cancel" = 3', "act.cancel", "a key is text"),
        ('[keys]\n"act.cancel" = []', "act.cancel", "a key is text"),
        ('[keys]\n"act.cancel" = "ctrl+s"', "act.cancel", "never arrives"),
        ('[keys]\n"act.cancel" = "t"', "act.cancel", "t is taken by act.run"),
    ],
)
def test_what_is_wrong_in_a_keymap_is_left_out_and_told(text: str, place: str, says: str) -> None:
    table, changed, problems = read_keymap(BINDINGS, text)

    assert table == BINDINGS
    assert changed == {}
    assert [problem.place for problem in problems] == [f"line 2, {place}" if place.startswith("act.") else place]
    assert says in problems[0].problem


def test_keys_can_be_swapped() -> None:
    table, changed, problems = read_keymap(BINDINGS, '[keys]\n"act.cancel" = "t"\n"act.run" = "c"\n')

    assert (problems, len(changed)) == ([], 2)
    assert clashes(table) == []


def test_the_documentation_names_every_id() -> None:
    text = as_markdown(BINDINGS)

    assert [binding.id for binding in BINDINGS if f"`{binding.id}`" not in text] == []
