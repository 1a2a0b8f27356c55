"""The terminal interface while runs are at work: each function measures one thing in this process."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.measuring import Figures, answer
from benchmarks.seats import Seat
from benchmarks.tui_path import HOME, INTERFACE, SETTLE_S, daemon, percentiles

WATCH_S: Final = 5.0
#: The name of a run that says, in ms, when it began.
_BEGUN: Final = rb"at(\d{7})\b"
#: Between two changes whose way to the screen is timed: longer than it takes.
APART_S: Final = 0.35
#: A remote terminal: the rates are lower there.
REMOTE: Final = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
FLOW: Final = """
import sys
import time
from flowctl import flow, get_run_logger, task

@task
def step():
    pass

@flow
def many(seconds: float = 60, a_second: int = 1000):
    log, began, count = get_run_logger(), time.time(), 0
    while (passed := time.time() - began) < seconds:
        while count < passed * a_second:
            log.info("line %d of many", count)
            count += 1
        time.sleep(0.01)

@task
def says(number):
    # What it does takes two states: running, completed.
    get_run_logger().info("line %d of many", number)

@flow
def works(seconds: float = 120, a_second: int = 500):
    began, count = time.time(), 0
    while (passed := time.time() - began) < seconds:
        while count < passed * a_second:
            says(count)
            count += 1
        time.sleep(0.005)

@flow
def waits(seconds: float = 60):
    time.sleep(seconds)

@flow
def ticks(count: int, apart_s: float, file: str):
    # One of each length, so that no number can be taken for the beginning of another one.
    with open(file, "w") as times:
        for number in range(count):
            step()
            times.write(f"{number + 1} {time.time()}\\n")
            times.flush()
            time.sleep(apart_s)
        time.sleep(30)

@flow(flow_run_name="at{stamp}")
def short(stamp: str):
    pass

if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        short(f"{int(time.time() * 1000) % 10_000_000:07}")
        time.sleep(float(sys.argv[2]))
"""


def followed(size: int) -> Figures:
    """A run logs 1,000 lines a second, which are followed; the daemon takes them in."""
    with _watched("many") as seat:
        seat.rest(SETTLE_S)
        hidden = seat.cpu_percent(WATCH_S)
        seat.press("L")
        seat.until(lambda output: b"of many" in output)
        seat.rest(SETTLE_S)
        percent = seat.cpu_percent(WATCH_S)
        seat.press("\x1b")
        seat.rest(1.0)
        # Not escape: a terminal that sends it may go on with a sequence, which is waited for.
        took = seat.keys(size, "?q", within_s=0.25)
    return {"hidden_percent": hidden, "followed_percent": percent} | percentiles("followed_key", took)


def remote(_size: int) -> Figures:
    """The same over a slow line: how many bytes a second are sent."""
    with _watched("many", **REMOTE) as seat:
        seat.press("L")
        seat.until(lambda output: b"of many" in output)
        seat.rest(SETTLE_S)
        seat.forget()
        seat.rest(WATCH_S)
        return {"remote_kib": len(seat.output) / 1024 / WATCH_S}


def spinning(_size: int) -> Figures:
    """A run waits: its sign turns and its time goes on, and nothing else happens."""
    with _watched("waits") as seat:
        seat.rest(SETTLE_S)
        listed = seat.cpu_percent(WATCH_S)
        seat.press("\r")
        seat.rest(SETTLE_S)
        return {"spinning_percent": listed, "spinning_run_percent": seat.cpu_percent(WATCH_S)}


def works(size: int) -> Figures:
    """Tasks of a run change state 1,000 times a second and log, in the list and in the run, whose log is followed."""
    with _watched("works") as seat:
        seat.rest(SETTLE_S)
        figures = {"works_list_percent": seat.cpu_percent(WATCH_S)} | percentiles("works_list_key", _leaps(seat, size))
        seat.press("\r")
        seat.until(lambda output: b"of many" in output)
        seat.rest(SETTLE_S)
        figures["works_run_percent"] = seat.cpu_percent(WATCH_S)
        figures |= percentiles("works_key", _leaps(seat, size))
    with daemon(), _run("works"):
        time.sleep(SETTLE_S)
        took = _done_to_paint(size)
    return figures | percentiles("works_change", took)


def _leaps(seat: Seat, size: int) -> list[float]:
    """Time the key that goes to another view: what comes from it can be told from all that comes by itself."""
    took: list[float] = []
    for number in range(size + 1):
        seat.forget()
        pressed = seat.press("5")
        took.append((seat.until(lambda output: b"[5 System]" in output) - pressed) * 1e3)
        seat.rest(0.2)
        seat.press("1")
        # Not in step with anything.
        seat.rest(0.3 + 0.01 * (number % 10))
    # The first time that view is made.
    return took[1:]


def changes(size: int) -> Figures:
    """From the moment at which a task is done to the moment at which the terminal has the count of those done."""
    with daemon():
        return percentiles("change", _done_to_paint(size))


def _done_to_paint(size: int) -> list[float]:
    file = Path(HOME.path) / "times.txt"
    seen: dict[int, float] = {}
    with _run("ticks", f"count={size}", f"apart_s={APART_S}", f"file={file}"), Seat(INTERFACE) as seat:
        deadline = perf_counter() + size * APART_S + 20
        while len(seen) < size and size not in seen and perf_counter() < deadline:
            if seat.read(0.5):
                now = time.time()
                for found in re.findall(rb"(?<![\d/])(\d+)/\1(?![\d/])", bytes(seat.output[-8_000:])):
                    seen.setdefault(int(found), now)
                del seat.output[:-100]
    done = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    took = [(seen[int(number)] - float(at)) * 1e3 for number, at in done if int(number) in seen]
    # Those that were there when it was opened tell nothing.
    return took[5:] or took


def beginnings(size: int) -> Figures:
    """From the beginning of a run, while nothing else happens, to the moment at which the terminal has it."""
    with daemon():
        with_daemon = _beginnings(size)
    without = _beginnings(size)
    return percentiles("begun", with_daemon) | percentiles("begun_alone", without)


def _beginnings(size: int) -> list[float]:
    took: dict[bytes, float] = {}
    with Seat(INTERFACE) as seat:
        seat.until(lambda output: b"flowctl" in output)
        seat.rest(SETTLE_S)
        old = set(re.findall(_BEGUN, bytes(seat.output)))
        command = [sys.executable, str(_file()), str(size), "1.3"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = perf_counter() + size * 1.5 + 20
            while len(took) < size and perf_counter() < deadline:
                if seat.read(0.5):
                    now = time.time()
                    for found in set(re.findall(_BEGUN, bytes(seat.output[-8_000:]))) - old:
                        took.setdefault(found, (now * 1000 - int(found)) % 10_000_000)
                    del seat.output[:-100]
            process.kill()
    return list(took.values())


@contextmanager
def _watched(flow: str, **environment: str) -> Generator[Seat]:
    """Have a flow at work and the interface opened, which shows that."""
    with daemon(), _run(flow), Seat(INTERFACE, environment=environment) as seat:
        seat.until(lambda output: b"running" in output)
        yield seat


@contextmanager
def _run(name: str, *parameters: str) -> Generator[None]:
    words = [word for parameter in parameters for word in ("-p", parameter)]
    command = [sys.executable, "-m", "flowctl", "run", f"{_file()}:{name}", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def _file() -> Path:
    file = Path(HOME.path) / "flows_measured.py"
    file.write_text(FLOW, encoding="utf-8")
    return file


if __name__ == "__main__":
    answer(
        {
            "followed": followed,
            "remote": remote,
            "spinning": spinning,
            "changes": changes,
            "works": works,
            "beginnings": beginnings,
        }
    )
