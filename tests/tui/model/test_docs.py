"""The page about the interface names every key there is, as it is."""

from __future__ import annotations

import runpy
from pathlib import Path

import flowctl
from flowctl.tui.model.key_table import BINDINGS

DOCS = Path(flowctl.__file__).resolve().parent.parent / "docs"


def test_the_tables_in_the_documentation_are_current() -> None:
    page = (DOCS / "tui.md").read_text(encoding="utf-8")

    made = runpy.run_path(str(DOCS / "make_keys.py"))["page_with_tables"](page)

    assert made == page, "run `python docs/make_keys.py`"
    assert all(f"`{binding.id}`" in page for binding in BINDINGS)
