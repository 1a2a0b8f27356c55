"""Names of runs: from a template over the parameters, or made up."""

from __future__ import annotations

import os
from typing import Any


def render(template: str, parameters: dict[str, Any]) -> str:
    """Fill in a template as `str.format` does; what goes wrong is told with the template and what it could name."""
    try:
        return template.format_map(parameters)
    except KeyError as error:
        raise NameError(_problem(template, parameters, f"it names {error.args[0]!r}, which is no parameter")) from error
    except (IndexError, ValueError) as error:
        # `{}` and `{0}` come as ValueError from format_map, as do lone braces and wrong format specs.
        raise type(error)(_problem(template, parameters, str(error))) from error
    except (AttributeError, TypeError) as error:
        raise type(error)(_problem(template, parameters, str(error))) from error


def random_run_name() -> str:
    """Make up a name such as `quiet-heron`."""
    from flowctl.core.authoring.words import ADJECTIVES, ANIMALS

    adjective, animal = divmod(int.from_bytes(os.urandom(4), "little"), len(ANIMALS))
    return f"{ADJECTIVES[adjective % len(ADJECTIVES)]}-{ANIMALS[animal]}"


def _problem(template: str, parameters: dict[str, Any], what: str) -> str:
    known = ", ".join(parameters) or "none"
    return f"The run name template {template!r} cannot be filled in: {what}. Parameters: {known}."
