"""Writes the tables of keys and states in docs/tui.md anew: `python docs/make_keys.py`."""

from __future__ import annotations

from pathlib import Path

from flowctl.tui.model.glyphs import ASCII, UNICODE, WORDS
from flowctl.tui.model.key_table import BINDINGS
from flowctl.tui.model.keys import as_markdown

PAGE = Path(__file__).parent / "tui.md"


def states_table() -> str:
    """Write the signs of all states."""
    rows = [f"| `{UNICODE.states[word]}` | `{ASCII.states[word]}` | {word} |" for word in WORDS]
    return "\n".join(["| Sign | ASCII | State |", "|---|---|---|", *rows])


def page_with_tables(text: str) -> str:
    """Put the tables between their marks."""
    for name, table in (("states", states_table()), ("keys", as_markdown(BINDINGS))):
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n\n{table.strip()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
