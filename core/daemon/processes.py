"""Processes of the machine as the system tells of them: who is who, who belongs to a run, and signals to those alone.

A process id is used again, so a process is known by its id *and* its start. What belongs to a run is found in four
ways, since each of them can be escaped alone: it descends from the run process, is in its session, carries the run's
id in its environment, or writes into the run's output files.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from flowctl.core.engine.root import RUN_VARIABLE

_IS_LINUX: Final = sys.platform == "linux"
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
#: Whoever is not gone so long after a SIGKILL is held by the kernel: a disk or network drive that does not answer.
KILL_PATIENCE_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.0002
_MOST_PAUSE_S: Final = 0.02
#: The boot is told in whole seconds.
_CLOCK_SLACK_US: Final = 5_000_000


class Process(NamedTuple):
    """A process that cannot be mistaken for a later one of the same id."""

    pid: int
    #: When it started: clock ticks since the boot on Linux, seconds since the epoch elsewhere.
    started: int


class Seen(NamedTuple):
    """What a look at a process showed."""

    process: Process
    parent: int
    session: int
    group: int
    is_zombie: bool
    #: Microseconds of processor time, with that of the children it waited for.
    cpu_us: int
    #: Resident bytes.
    memory: int


def name_this(name: str) -> None:
    """Name this process for people who look at the list of processes; at most 15 letters are kept."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)


def find(pid: int) -> Process | None:
    """Give the identity of a living process; None where there is none, or only its exit status is left of it."""
    seen = look(pid)
    return None if seen is None or seen.is_zombie else seen.process


def is_alive(process: Process) -> bool:
    """Tell whether this very process lives."""
    return find(process.pid) == process


def look(pid: int) -> Seen | None:
    """Look at one process."""
    if not _IS_LINUX:
        return next(iter(_looked_by_ps([str(pid)])), None)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything.
    fields = text[text.rindex(b")") + 2 :].split()
    cpu = sum(int(each) for each in fields[11:15])
    return Seen(
        Process(pid, int(fields[19])),
        parent=int(fields[1]),
        session=int(fields[3]),
        group=int(fields[2]),
        is_zombie=fields[0] in (b"Z", b"X"),
        cpu_us=cpu * 1_000_000 // _TICKS_PER_S,
        memory=int(fields[21]) * _PAGE_BYTES,
    )


def look_at_all() -> dict[int, Seen]:
    """Look at all processes of the machine."""
    if not _IS_LINUX:
        return {seen.process.pid: seen for seen in _looked_by_ps(["-A"])}
    found: dict[int, Seen] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal() and (seen := look(int(name))) is not None:
            found[seen.process.pid] = seen
    return found


def members(seen: dict[int, Seen], leader: Process, *, run_id: str, folder: str, is_leading: bool) -> list[Seen]:
    """List the living processes of a run, its leader first where it lives.

    `is_leading` says that the leader began a session of its own: whoever is in that session belongs to the run.
    """
    there = seen.get(leader.pid)
    # Where somebody else has its number by now, nobody is left of its session: else the number would be taken.
    number = leader.pid if there is None or there.process == leader else 0
    below = descendants(seen, number)
    found: list[Seen] = []
    for pid, each in seen.items():
        if each.is_zombie or pid == os.getpid():
            continue
        belongs = pid in below or (is_leading and number > 0 and each.session == number)
        if belongs or _carries(pid, run_id) or _writes_into(pid, folder):
            found.append(each)
            below |= descendants(seen, pid)
    # Some are below one that was found later than they were looked at.
    known = {each.process.pid for each in found}
    found += [seen[pid] for pid in below - known if not seen[pid].is_zombie and pid != os.getpid()]
    return sorted(found, key=lambda each: each.process != leader)


def send(process: Process, number: int) -> bool:
    """Send a signal to this very process; tell whether it was there to get it."""
    if not _IS_LINUX:
        if not is_alive(process):
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)
            return True
        return False
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        # The descriptor holds on to whoever has the id now; only then is it seen who that is.
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(descriptor)
    return True


def send_all(processes: Iterable[Process], number: int) -> int:
    """Send a signal to each; count those that were there."""
    return sum(send(process, number) for process in processes)


def kill_tree(find_members: Callable[[], list[Process]], *, patience_s: float = KILL_PATIENCE_S) -> list[Process]:
    """Kill until nobody is left, since whoever is killed may just have started another; return who is left."""
    deadline = time.monotonic() + patience_s
    pause_s = _FIRST_PAUSE_S
    left: list[Process] = []
    # Seen to be gone twice: one that was started while the first look went on was not among those looked at.
    looks_left = 2
    while looks_left:
        left = find_members()
        if not left:
            looks_left -= 1
            continue
        looks_left = 2
        # Stopped first, so that none starts another while the others are killed.
        send_all(left, signal.SIGSTOP)
        send_all(left, signal.SIGKILL)
        if time.monotonic() > deadline:
            break
        # Who is killed needs the processor once more to die, and on a busy machine it is long until its turn.
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _MOST_PAUSE_S)
    return left


def descendants(seen: dict[int, Seen], ancestor: int) -> set[int]:
    """Give the ids of a process that lives and of all below it."""
    children: dict[int, list[int]] = {}
    for pid, each in seen.items():
        children.setdefault(each.parent, []).append(pid)
    found = {ancestor} & seen.keys()
    waiting = [ancestor]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in found:
                found.add(pid)
                waiting.append(pid)
    return found


def _carries(pid: int, run_id: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"\0{RUN_VARIABLE}={run_id}\0".encode() in b"\0" + file.read()
    except OSError:
        return False


def _writes_into(pid: int, folder: str) -> bool:
    for number in (1, 2):
        try:
            if os.readlink(f"/proc/{pid}/fd/{number}").startswith(f"{folder}/std"):
                return True
        except OSError:
            continue
    return False


def _looked_by_ps(selection: list[str]) -> list[Seen]:
    """Ask `ps`, where there is no /proc; the start is as good as a second."""
    from datetime import datetime

    option = selection if selection == ["-A"] else ["-p", *selection]
    command = ["ps", *option, "-o", "pid=,ppid=,sess=,pgid=,stat=,rss=,time=,lstart="]
    found: list[Seen] = []
    for line in subprocess.run(
        command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    ).stdout.splitlines():
        words = line.split(None, 7)
        if len(words) < 8:
            continue
        started = datetime.strptime(words[7].strip(), "%a %b %d %H:%M:%S %Y").astimezone()
        minutes, _, seconds = words[6].rpartition(":")
        cpu_s = float(seconds) + 60 * sum(60**place * int(each) for place, each in enumerate(minutes.split(":")[::-1]))
        found.append(
            Seen(
                Process(int(words[0]), int(started.timestamp())),
                parent=int(words[1]),
                session=int(words[3]),  # macOS shows no session; a run process leads group and session alike
                group=int(words[3]),
                is_zombie=words[4].startswith("Z"),
                cpu_us=int(cpu_s * 1e6),
                memory=int(words[5]) * 1024,
            )
        )
    return found


def started_before(process: Process, at_us: int) -> bool:
    """Tell whether a process started before a moment; a clock that was set since makes this a guess of some seconds."""
    return _start_us(process) <= at_us + _CLOCK_SLACK_US


def _start_us(process: Process) -> int:
    if not _IS_LINUX:
        return process.started * 1_000_000
    with open("/proc/stat", encoding="ascii") as file:
        boot_s = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    return boot_s * 1_000_000 + process.started * 1_000_000 // _TICKS_PER_S
