"""What can be wrong with a wish about deployments, schedules and runs; each names the thing and the remedy.

PlanProblem (StoreError)
├── DeploymentNotFound, ScheduleNotFound   a name leads nowhere
├── NameTaken                              a deployment of that name starts another flow
├── StateMoved                             the run is no longer as the asking person saw it
└── MoveRefused                            a run cannot go from its state to the one asked for
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from flowctl.store.problems import StoreError
from flowctl.store.states import StateType


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


class StateMoved(PlanProblem):
    """The run is no longer in the state that the asking person saw."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"The run {name!r} has moved on: it is {state} now. Look again and decide anew.")


class MoveRefused(PlanProblem):
    """A run cannot go from its state to the one asked for."""

    def __init__(self, name: str, before: str, after: StateType) -> None:
        super().__init__(f"The run {name!r} is {before}, from which no run becomes {after.value.capitalize()}.")
