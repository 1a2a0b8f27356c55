"""What flowctl costs beside raw Python: `python benchmarks/overhead.py` measures both and prints one table."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # The flowctl beside this file is measured, not one that happens to be installed.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.cases import CASES
    from benchmarks.comparison import main

    sys.exit(main("overhead.py", CASES))
