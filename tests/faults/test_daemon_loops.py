"""Kills of one thing again and again under one daemon, with what each took: a few here, many in a long night."""

from __future__ import annotations

import os
import random
import signal
import time
from statistics import quantiles

from flowctl.core.daemon import processes
from tests.faults.test_daemon_faults import Machine
from tests.faults.test_daemon_faults import machine as machine  # a fixture

#: For a long night: FAULT_SEEDS=200.
_ROUNDS = int(os.environ.get("FAULT_SEEDS", "3"))
_SEED = int(os.environ.get("FLOWCTL_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
_FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def _report(what: str, took: list[float]) -> str:
    """Print what a loop took; give it for the message of a failure, with the seed."""
    cuts = quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    found = f"seed {_SEED}: {len(took)} × {what}: p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms"
    found += f", most {max(took) * 1e3:.0f} ms"
    print(found)
    return found


def test_runs_killed_at_any_moment_are_crashed_within_a_second(machine: Machine) -> None:
    chance, took = random.Random(_SEED), list[float]()
    machine.run(0, steps=1)
    machine.until_over()

    for number in range(1, _ROUNDS + 1):
        run_id = machine.run(number, steps=1000)
        machine.until(lambda: len(machine.run_processes()) == 1, "it has a process")
        (pid,) = machine.run_processes()
        time.sleep(chance.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        killed_at = time.monotonic()
        # One that was killed before its first record is begun anew.
        if not machine.notes()[f"begin {number}"]:
            machine.until(
                lambda run_id=run_id, number=number: (  # type: ignore[misc]
                    machine.states()[run_id] in _FINAL or machine.notes()[f"begin {number}"]
                ),
                "it is begun anew",
            )
            for again in machine.run_processes():
                os.kill(again, signal.SIGKILL)
            killed_at = time.monotonic()
        machine.until(lambda run_id=run_id: machine.states()[run_id] == "CRASHED", "it is crashed")  # type: ignore[misc]
        took.append(time.monotonic() - killed_at)

    said = _report("a run killed, until it is Crashed", took)
    assert max(took) < 1.0, said
    assert all(count == 1 for count in machine.notes().values()), said


def test_a_fork_server_killed_at_any_moment_is_replaced_and_no_start_is_lost_or_doubled(machine: Machine) -> None:
    chance, took = random.Random(_SEED), list[float]()
    accepted = [machine.run(0, steps=1)]
    machine.until_over()

    for _ in range(_ROUNDS):
        accepted += [machine.run(len(accepted) + n, steps=3) for n in range(4)]
        time.sleep(chance.uniform(0, 0.1))
        for pid in machine.fork_servers():
            if processes.find(pid) is not None:
                os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        accepted.append(machine.run(len(accepted), steps=1))
        last = len(accepted) - 1
        machine.until(lambda last=last: machine.notes()[f"begin {last}"], "the next one has begun")  # type: ignore[misc]
        took.append(time.monotonic() - began)
    states = machine.until_over()

    said = _report("a fork server killed, until the next run's first line", took)
    assert set(states) == set(accepted), said
    assert set(states.values()) == {"COMPLETED"}, said
    assert set(machine.notes().values()) == {1}, said
    assert len(machine.notes()) == 2 * len(accepted), said
