"""The interface with a watch on its loop: `python benchmarks/tui_probe.py FILE tui …` notes each pause there.

A line says when a pause ended, by the clock that `perf_counter` reads, how long it was, and for how much of it the
loop's own thread had the processor: on a busy machine the rest is waiting for a turn.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

#: Shorter pauses nobody notices.
NOTED_S: Final = 0.008
_STEP_S: Final = 0.002


async def watch(file: Path) -> None:
    """Note by how much the loop is late."""
    with file.open("a", encoding="ascii", buffering=1) as notes:
        notes.write(f"{time.perf_counter()} 0 0\n")
        while True:
            began, busy = time.perf_counter(), time.thread_time()
            await asyncio.sleep(_STEP_S)
            late = time.perf_counter() - began - _STEP_S
            if late > NOTED_S:
                notes.write(f"{time.perf_counter()} {late} {time.thread_time() - busy}\n")


def pauses(file: Path, since_s: float) -> list[tuple[float, float]]:
    """Read the pauses from a moment on, in seconds: how long, and how much of it was work."""
    rows = (map(float, line.split()) for line in file.read_text(encoding="ascii").splitlines() if line.count(" ") == 2)
    return [(late, busy) for at, late, busy in rows if at >= since_s]


def _main() -> int:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from flowctl.__main__ import main
    from flowctl.tui.app import FlowctlApp

    file, mount = Path(sys.argv[1]), FlowctlApp.on_mount
    tasks: set[asyncio.Task[None]] = set()

    def on_mount(self: FlowctlApp) -> None:
        mount(self)
        tasks.add(asyncio.get_running_loop().create_task(watch(file)))

    FlowctlApp.on_mount = on_mount  # type: ignore[method-assign]  # nothing in the interface knows of this
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(_main())
