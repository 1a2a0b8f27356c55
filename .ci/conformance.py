"""Run the conformance cases and compare the failures with those that docs/differences.md allows.

A case that fails and is not listed is an error, and so is a listed case that passes: the page must stay true.
The page lists a case as a heading line of its own: ``### `case_name` ``.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

AREAS = [
    *("basics", "params", "retries", "timeouts", "states", "failures", "futures", "map", "waitfor", "dynamic"),
    *("subflows", "async", "generators", "hooks", "logging", "names", "tags", "runtime", "runners"),
    *("caching", "persistence", "schedules"),
]
PAGE = Path(__file__).parent.parent / "docs" / "differences.md"


def main() -> int:
    """Run, compare, say what does not fit; 0 when everything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runner", help="the suite's run.py")
    parser.add_argument("--python", default=sys.executable, help="interpreter with flowctl installed")
    options = parser.parse_args()

    command = [sys.executable, options.runner, "--api", "flowctl", "--python", options.python, "-j", "2"]
    finished = subprocess.run([*command, *(f"{area}_*" for area in AREAS)], stdout=subprocess.PIPE, text=True)
    print(finished.stdout, flush=True)

    outcome = {name: verdict for verdict, name in re.findall(r"^(PASS|FAIL) (\w+)", finished.stdout, re.M)}
    allowed = set(re.findall(r"^### `(\w+)`", PAGE.read_text(encoding="utf-8"), re.M))
    failed = {name for name, verdict in outcome.items() if verdict == "FAIL"}

    problems = [f"fails and is not listed: {name}" for name in sorted(failed - allowed)]
    problems += [f"is listed and passes: {name}" for name in sorted(allowed - failed) if name in outcome]
    problems += [f"is listed and is no case of the areas: {name}" for name in sorted(allowed - outcome.keys())]
    if not outcome:
        problems.append("no case was run")
    for problem in problems:
        print(problem)
    as_recorded = len(outcome) - len(failed)
    print(f"{as_recorded} cases as recorded, {len(failed & allowed)} differ on purpose, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
