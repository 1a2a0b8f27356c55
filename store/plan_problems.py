"""What can be wrong with a wish about deployments, schedules and runs; each names the thing and the remedy.

PlanProblem (StoreError)
├── DeploymentNotFound, ScheduleNotFound   a name leads nowhere
├── NameTaken                              a deployment of that name starts another flow
└── RunGoesOn                              a run that is not over was to get another attempt
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from flowctl.store.problems import StoreError


class PlanProblem(StoreError):
    """Root of these; nothing is wrong with the database."""


class DeploymentNotFound(PlanProblem):
    """No deployment has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = get_close_matches(name, known, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        listed = "`flowctl deployment ls` lists them." if known else "There are none yet: `flowctl deploy` makes one."
        super().__init__(f"No deployment is called {name!r}.{guess} {listed}")


class ScheduleNotFound(PlanProblem):
    """A deployment has no schedule of that name."""

    def __init__(self, deployment: str, slug: str, known: Sequence[str]) -> None:
        listed = f"It has: {', '.join(map(repr, known))}." if known else "It has none."
        super().__init__(f"The deployment {deployment!r} has no schedule {slug!r}. {listed}")


class NameTaken(PlanProblem):
    """A deployment of that name starts another flow."""

    def __init__(self, name: str, taken_by: str, origin: str) -> None:
        super().__init__(
            f"The deployment {name!r} is there already: it starts {taken_by} (made by: {origin}). "
            f"Choose another name, replace it with --replace, or delete it with `flowctl deployment delete {name}`."
        )


class RunGoesOn(PlanProblem):
    """A run that is not over was to get another attempt."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"The run {name!r} is not over: it is {state}. Wait for its end, or cancel it.")
