"""`from flowctl.states import …`, as Prefect has it; `from flowctl import states` gives the same."""

from flowctl.core.authoring.states import *  # noqa: F403 - all of it, under its shorter name
