"""flowctl's sides of what becomes of journals: catching up, the size on disk, questions to a large database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.floors import LOOKS
from benchmarks.measuring import Figures, Subject, answer
from flowctl import flow, get_run_logger, task
from flowctl.store.catchup import catch_up
from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunCreated, JournalOpened, Record, decode, encode
from flowctl.store.migrations import bring_up_to_date
from flowctl.store.queries import Reader
from flowctl.store.sqlite import open_writer, transaction

HOME = Home.default()
SECOND = 1_000_000


@task
def nothing(number: int) -> int:
    return number


@task
def greet(name: str) -> str:
    get_run_logger().info("Hello, %s!", name)
    return name


@flow
def call_in_sequence(size: int) -> None:
    for number in range(size):
        nothing(number)


@flow
def hello() -> None:
    greet("world")


def ingest(size: int) -> Figures:
    """Catch up with the journal of one run that this process has just carried out."""
    call_in_sequence(size)
    journals = sum(path.stat().st_size for path in Path(HOME.runs).glob("*/journal.*"))
    began = perf_counter()
    catch_up(HOME)
    seconds = perf_counter() - began
    with Reader.open(HOME) as reader:
        assert len(reader.task_runs(reader.find_run("-").id, after=size - 1)) == 1
    return {
        "ingest_per_s": size / seconds,
        "database_kb_per_1000": Path(HOME.database).stat().st_size / size,
        "journal_kb_per_1000": journals / size,
    }


def prepare_small_journals(size: int) -> Figures:
    """Write the journals of many runs of a small flow, each a copy of a real one under an id of its own."""
    template = _records_of_hello()
    for number in range(size):
        run_id = _id(number)
        folder = Path(HOME.run_folder(run_id))
        folder.mkdir(mode=0o700)
        (folder / "lock").touch(mode=0o600)
        data = b"".join(
            encode(sequence, record) for sequence, record in enumerate(_renamed(template, run_id, number * SECOND))
        )
        Path(HOME.journal(run_id, 1)).write_bytes(data)
    return {}


def small_journals(size: int) -> Figures:
    """Catch up with many small journals, all of them new."""
    for path in Path(HOME.path).glob("flowctl.db*"):
        path.unlink()
    for number in range(size):
        Path(HOME.active_marker(_id(number))).touch(mode=0o600)
    began = perf_counter()
    catch_up(HOME)
    seconds = perf_counter() - began
    with Reader.open(HOME) as reader:
        assert len(reader.runs(limit=size + 1)) == size
    return {"small_journals_s": seconds}


def prepare_many_runs(size: int) -> Figures:
    """Fill the database with runs of a small flow, without their files."""
    template = _records_of_hello()
    connection = open_writer(HOME.database)
    bring_up_to_date(connection, HOME.database)
    with transaction(connection):
        for number in range(size):
            run_id = _id(number)
            fold = Fold(connection, run_id, 1)
            for sequence, record in enumerate(_renamed(template, run_id, number * SECOND)):
                fold.take(sequence, record)
            fold.write()
    connection.close()
    return {}


def latest_runs(size: int) -> Figures:
    """Open the database and list the latest 50 runs, as `flowctl runs` does."""
    took: list[float] = []
    for _ in range(LOOKS):
        began = perf_counter()
        with Reader.open(HOME) as reader:
            found = reader.runs(limit=50)
        took.append((perf_counter() - began) * 1e3)
        assert len(found) == min(50, size)
    return {"latest_ms": median(took)}


def _records_of_hello() -> list[Record]:
    """Carry the small flow out once, take its records, and leave no trace of it."""
    hello()
    (folder,) = Path(HOME.runs).iterdir()
    records = [record for _, _, record in decode((folder / "journal.1").read_bytes())]
    Path(HOME.active_marker(folder.name)).unlink()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return records


def _renamed(template: list[Record], run_id: str, later: int) -> Iterator[Record]:
    """Give the records of a run as those of another one, which ran `later` microseconds later."""
    for record in template:
        at = record.at + later
        if isinstance(record, JournalOpened):
            yield record._replace(at=at, run_id=run_id)
        elif isinstance(record, FlowRunCreated):
            yield record._replace(at=at, id=run_id, name=f"brisk-otter-{run_id[:8]}")
        else:
            yield record._replace(at=at)


def _id(number: int) -> str:
    # Scattered as random ids are, since an index built in order is smaller and faster than a real one.
    scattered = number * 0x9E3779B1 & 0xFFFFFFFF
    return f"{scattered:08x}-0000-4000-8000-{number:012x}"


SUBJECTS: dict[str, Subject] = {
    "ingest": ingest,
    "prepare_small_journals": prepare_small_journals,
    "small_journals": small_journals,
    "prepare_many_runs": prepare_many_runs,
    "latest_runs": latest_runs,
}

if __name__ == "__main__":
    answer(SUBJECTS)
