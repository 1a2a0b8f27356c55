"""What a run left open when it ended, closed for the displays as the store closes it."""

from __future__ import annotations

from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_words import OPEN


def close_open(model: RunModel) -> None:
    """Count what is still open under an ended root run as cancelled with it, or else as crashed."""
    word = "cancelled" if model.root.word == "cancelled" else "crashed"
    for run in (*model.tasks.values(), *model.flows.values()):
        group = run.group
        if run.word not in OPEN or group is model.root:
            continue
        for counts in (group.counts,) if group.is_flow else (group.counts, model.counts):
            counts[run.word] -= 1
            counts[word] = counts.get(word, 0) + 1
        group.waiting.pop(run.number, None)
        group.open -= 1
        group.ended_at = model.root.ended_at
        run.word = word
