"""flowctl's sides of what a run process does: tasks called, submitted and mapped, log lines, memory."""

from __future__ import annotations

import logging
from time import perf_counter, sleep

from benchmarks.floors import peak_mb
from benchmarks.measuring import Figures, Subject, answer
from flowctl import ThreadPoolTaskRunner, flow, get_run_logger, task

#: Calls before the clock starts: modules are loaded, and the interpreter has specialised its bytecode.
WARM = 200


@task
def nothing(number: int) -> int:
    return number


@task
def nap(number: int) -> int:
    sleep(0.01)
    return number


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task
def write_lines(logger: logging.Logger | logging.LoggerAdapter[logging.Logger] | None, size: int) -> float:
    logger = get_run_logger() if logger is None else logger
    for number in range(WARM):
        logger.info("line %d of %d", number, size)
    began = perf_counter()
    for number in range(size):
        logger.info("line %d of %d", number, size)
    return perf_counter() - began


@flow
def call_in_sequence(size: int) -> float:
    for number in range(WARM):
        nothing(number)
    began = perf_counter()
    for number in range(size):
        nothing(number)
    return perf_counter() - began


@flow
def submit_many(size: int) -> float:
    nothing.submit(0).result()
    began = perf_counter()
    futures = [nothing.submit(number) for number in range(size)]
    for future in futures:
        future.result()
    return perf_counter() - began


@flow
def map_and_reduce(size: int) -> float:
    nothing.submit(0).result()
    began = perf_counter()
    total.submit(nothing.map(range(size))).result()
    return perf_counter() - began


@flow(task_runner=ThreadPoolTaskRunner(max_workers=50))
def map_naps(size: int) -> float:
    nothing.submit(0).result()
    began = perf_counter()
    nap.map(range(size)).wait()
    return perf_counter() - began


@flow
def map_many(size: int) -> None:
    nothing.map(range(size)).wait()


@flow
def log_much(size: int, with_logging: bool) -> float:
    return write_lines(logging.getLogger("benchmark") if with_logging else None, size)


def sequential(size: int) -> Figures:
    return {"sequential_us": call_in_sequence(size) / size * 1e6}


def submitted(size: int) -> Figures:
    return {"submitted_per_s": size / submit_many(size)}


def mapped(size: int) -> Figures:
    return {"map_reduce_ms": map_and_reduce(size) * 1e3}


def sleeping(size: int) -> Figures:
    return {"naps_times_ideal": map_naps(size) / (size * 0.01 / 50)}


def run_logger(size: int) -> Figures:
    return {"run_logger_per_s": size / log_much(size, with_logging=False)}


def std_logging(size: int) -> Figures:
    return {"std_logging_per_s": size / log_much(size, with_logging=True)}


def memory(size: int) -> Figures:
    map_many(size)
    return {"mb": peak_mb()}


SUBJECTS: dict[str, Subject] = {
    "sequential": sequential,
    "submitted": submitted,
    "mapped": mapped,
    "sleeping": sleeping,
    "run_logger": run_logger,
    "std_logging": std_logging,
    "memory": memory,
}

if __name__ == "__main__":
    answer(SUBJECTS)
