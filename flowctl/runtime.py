"""`from flowctl.runtime import …`, as Prefect has it; `from flowctl import runtime` gives the same."""

from flowctl.core.authoring.runtime import *  # noqa: F403 - all of it, under its shorter name
