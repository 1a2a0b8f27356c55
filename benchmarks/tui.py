"""What the terminal interface takes, in a real terminal, beside a minimal app: `python benchmarks/tui.py`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # The flowctl beside this file is measured, not one that happens to be installed.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.comparison import main
    from benchmarks.tui_cases import CASES

    sys.exit(main("tui.py", CASES, runs=3))
