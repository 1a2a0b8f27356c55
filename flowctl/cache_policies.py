"""`from flowctl.cache_policies import …`, as Prefect has it; `from flowctl import cache_policies` gives the same."""

from flowctl.core.authoring.cache_policies import *  # noqa: F403 - all of it, under its shorter name
