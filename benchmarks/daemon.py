"""What the daemon takes from a wish to its deed: `python benchmarks/daemon.py` measures it beside bare floors."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # The flowctl beside this file is measured, not one that happens to be installed.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.comparison import main
    from benchmarks.daemon_cases import CASES

    sys.exit(main("daemon.py", CASES))
