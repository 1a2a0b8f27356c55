"""`from flowctl.exceptions import …`, as Prefect has it; `from flowctl import exceptions` gives the same."""

from flowctl.core.authoring.exceptions import *  # noqa: F403 - all of it, under its shorter name
