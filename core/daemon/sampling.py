"""How much memory and processor time each run uses, with all its processes: seen now and then, not measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from flowctl.core.daemon.processes import Seen

#: A look at all processes of a machine takes some milliseconds.
SAMPLE_EVERY_S: Final = 2.0
#: What changed less is not worth a write.
_NEWS_BYTES: Final = 1 << 20
_NEWS_CPU_US: Final = 100_000


class Usage(NamedTuple):
    """What a run was seen to use."""

    memory: int
    cpu_us: int

    def is_news_after(self, former: Usage | None) -> bool:
        """Tell whether this is worth writing down."""
        if former is None:
            return True
        return self.memory - former.memory >= _NEWS_BYTES or self.cpu_us - former.cpu_us >= _NEWS_CPU_US


def usages(seen: dict[int, Seen], leaders: Iterable[int]) -> dict[int, Usage]:
    """Add up what the processes below each leader use, and those in its session."""
    wanted = set(leaders)
    memory = dict.fromkeys(wanted, 0)
    cpu = dict.fromkeys(wanted, 0)
    for pid, each in seen.items():
        leader = _leader_of(seen, pid, wanted)
        if leader is not None:
            memory[leader] += each.memory
            cpu[leader] += each.cpu_us
    return {leader: Usage(memory[leader], cpu[leader]) for leader in wanted if leader in seen}


def _leader_of(seen: dict[int, Seen], pid: int, leaders: set[int]) -> int | None:
    session = seen[pid].session
    if session in leaders:
        return session
    # A process that began a session of its own still has its ancestors; a circle cannot be, but for a race.
    for _ in range(100):
        if pid in leaders:
            return pid
        if pid not in seen:
            return None
        pid = seen[pid].parent
    return None
