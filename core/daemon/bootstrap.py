"""The program texts with which fork servers and run processes begin."""

from __future__ import annotations

import os
import sys


def bootstrap(module: str) -> str:
    """Write the program of a new interpreter that is to call `main` of a module beside this one.

    A program text, and no module, is its `__main__`, which the children of multiprocessing import anew.
    """
    folder = os.path.dirname(os.path.dirname(os.path.abspath(sys.modules["flowctl"].__file__ or "")))
    return (
        f"try:\n import flowctl\nexcept ImportError:\n import sys; sys.path.append({folder!r})\n"
        f"from flowctl.core.daemon.{module} import main\nmain()\n"
    )
