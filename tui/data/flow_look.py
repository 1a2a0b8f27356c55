"""A look into a flow's file, for the types of its parameters: it is loaded by an inspector, in a process of its own."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from flowctl.store.home import Home
from flowctl.tui.data import safe_rows
from flowctl.tui.data.form_subjects import Schema, schema_of
from flowctl.tui.model.form import FlowPlace

#: How often it is asked whether somebody still wants to know.
_AGAIN_MS: Final = 100


class Seen(NamedTuple):
    """What a look showed: the schema of the parameters, or why there is none."""

    schema: Schema | None
    problem: str = ""


def look_into(home: Home, place: FlowPlace, is_given_up: Callable[[], bool]) -> Seen | None:
    """Load the file of a flow and tell the schema of its parameters; None once nobody wants to know any more.

    Takes as long as the import, up to the setting `inspect_seconds`; not for a loop that draws.
    """
    from flowctl.core.daemon.inspection import Inspectors, Surroundings
    from flowctl.core.engine.settings import SettingsError, load_settings

    try:
        settings = load_settings(home.path)
    except SettingsError as error:
        return Seen(None, safe_rows.line(str(error)))
    poll = select.poll()
    inspectors = Inspectors(
        watch=lambda descriptor: poll.register(descriptor, select.POLLIN),
        unwatch=poll.unregister,
        seconds=settings.inspect_seconds,
        memory=settings.inspect_memory,
    )
    surroundings = Surroundings(python=place.python, cwd=place.cwd, path0=place.path0)
    try:
        found = inspectors.ask(place.path, surroundings, is_known=True, now_s=time.monotonic())
        while found is None:
            poll.poll(_AGAIN_MS)
            if is_given_up():
                return None
            found = next(iter(inspectors.answers(time.monotonic())), None)
    finally:
        inspectors.close()
    if found.is_gone:
        return Seen(None, "its file is gone")
    if found.problem is not None:
        return Seen(None, safe_rows.line(str(found.problem["message"])))
    flow = next((each for each in found.flows if each["attribute"] == place.attribute), None)
    if flow is None:
        return Seen(None, f"there is no {safe_rows.line(place.attribute)} in its file any more")
    return Seen(schema_of(flow))
