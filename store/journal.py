"""The journal: the append-only file in which one run process tells what happens, and how it is read.

A file is a sequence of `length | crc32 | body`; a body is a msgpack list `[sequence number, kind, *fields]`.
The fields of each kind are the named tuples below. A record that the disk holds in part (the process was
killed inside the write) is dropped by its checksum, and everything after it with it. A length of zero is the
end: the writer reserves room ahead, and zeros stand there.

Within one journal flow runs and task runs go by small numbers: flow run 0 is the root, 1, 2, … are its
subflows; task runs count from 1 over the whole process. `at` and `due` are microseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgpack

#: Written into each journal; a reader refuses a larger number than it knows.
FORMAT: Final = 1
#: A log message is cut at this many characters, with a mark that says so.
LONGEST_MESSAGE: Final = 64 * 1024


class JournalOpened(NamedTuple):
    """The first record: which process writes, for which run."""

    at: int
    format: int
    #: Id (36 characters) of the root flow run.
    run_id: str
    #: The attempt at which this process took the run up: 1, or more after `runs retry`.
    attempt: int
    pid: int
    #: Distinguishes boots of the machine, so that a pid is never mistaken.
    boot_id: str
    host: str
    python: str
    flowctl: str


class FlowRunCreated(NamedTuple):
    """A flow run exists, in state Pending."""

    at: int
    run: int
    id: str
    #: Its given or random name; a template is applied later, by `FlowRunState.run_name`.
    name: str
    flow_name: str
    #: The flow run and the task run in whose body it was called.
    parent_run: int | None
    parent_task: int | None
    #: JSON object: parameter -> value as given, or a short repr where JSON has no word for it; secrets masked.
    parameters: str
    tags: list[str]
    #: Where the flow stands: `file`, `line`, and its `flow` (qualified name). For a root run also how to start it
    #: again: `module`, `cwd`, `python`, `argv`, `script` (True when its file ran as `__main__`). And `retries`, where
    #: it may be tried again.
    source: dict[str, Any]
    #: The arguments themselves, pickled, so that a later attempt gets the same; None when that was impossible.
    arguments: bytes | None


class FlowRunState(NamedTuple):
    """A flow run changed its state."""

    at: int
    run: int
    type: str
    name: str
    message: str | None
    #: How often its body has been started, this attempt included; 0 before the first.
    run_count: int
    #: Only where it changed: the name made from the template.
    run_name: str | None
    #: When the next attempt starts, for AwaitingRetry.
    due: int | None
    #: Short repr of the value, at a completion.
    value: str | None
    #: `ErrorReport` as plain lists and dicts (see `store.errors`), at a failure.
    error: dict[str, Any] | None
    #: `Result` as a plain list, at a completion whose value is on record.
    result: list[Any] | None


class TaskRunCreated(NamedTuple):
    """A task run exists: Pending when submitted, Running at once when called directly."""

    at: int
    task: int
    run: int
    #: The task run in whose body it was called.
    parent_task: int | None
    #: `module.qualname` of the task, the same in every process.
    task_key: str
    task_name: str
    #: None: `<task name>-<number as at least three hexadecimal digits>`, see `default_run_name`.
    name: str | None
    tags: list[str]
    #: Parameter (or "wait_for") -> numbers of the task runs its value comes from; subflow runs are negative.
    upstreams: dict[str, list[int]] | None
    #: Its position among the items of one `map`, from 0.
    map_index: int | None
    #: Its position among the calls that its parent's own thread made, from 0; None where the order may differ
    #: from run to run (asynchronous parents, other threads).
    position: int | None = None
    #: What it is granted, as JSON (see `store.terms`); None: nothing special.
    terms: str | None = None


class TaskRunState(NamedTuple):
    """A task run changed its state."""

    at: int
    task: int
    type: str
    name: str
    message: str | None
    run_count: int
    #: Only where it changed: the name made from the template.
    run_name: str | None
    #: Short repr of the arguments, at the first Running: `x=3, rows=[…]`; secrets masked.
    inputs: str | None
    #: Hash of the arguments, the same in every process for equal arguments; None when they have none.
    digest: bytes | None
    due: int | None
    value: str | None
    error: dict[str, Any] | None
    result: list[Any] | None


class LogLine(NamedTuple):
    """A log record of a flow run, or of a task run in it."""

    at: int
    run: int
    task: int | None
    #: Level number of the standard library's logging.
    level: int
    logger: str
    message: str


Record = JournalOpened | FlowRunCreated | FlowRunState | TaskRunCreated | TaskRunState | LogLine

#: Kind numbers are for ever: a retired kind leaves a hole.
KINDS: Final[dict[int, type[Record]]] = {
    0: JournalOpened,
    1: FlowRunCreated,
    2: FlowRunState,
    3: TaskRunCreated,
    4: TaskRunState,
    5: LogLine,
}
_KIND_OF: Final[dict[type[Record], int]] = {record: kind for kind, record in KINDS.items()}

#: The first record is a small one.
_BEGINNING_BYTES: Final = 64 << 10
_header: Final = Struct("<II").pack
_pack: Final[Callable[[Any], bytes]] = msgpack.Packer(autoreset=True, unicode_errors="surrogatepass").pack


class DamagedJournal(ValueError):
    """A journal holds a record with a right checksum that this version cannot read."""

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"The journal cannot be read at byte {offset}: {problem}. Was it written by a newer flowctl?")


def encode(sequence: int, record: Record) -> bytes:
    """Make the bytes of one record, checksum included."""
    body = _pack((sequence, _KIND_OF[type(record)], *record))
    return _header(len(body), crc32(body)) + body


def decode(data: bytes, start: int = 0) -> Iterator[tuple[int, int, Record]]:
    """Yield (offset after it, sequence number, record) for each whole record from `start`; stop at a torn one.

    Fields that a newer writer added at the end of a kind are passed over; a kind that is not known, too.
    """
    unpack = msgpack.unpackb
    offset, end = start, len(data)
    while offset + 8 <= end:
        length = int.from_bytes(data[offset : offset + 4], "little")
        if length == 0:
            return  # the room behind the last record, which the writer reserved
        body = data[offset + 8 : offset + 8 + length]
        if len(body) < length or crc32(body) != int.from_bytes(data[offset + 4 : offset + 8], "little"):
            return
        try:
            sequence, kind, *fields = unpack(body, unicode_errors="surrogatepass", strict_map_key=False)
            shape = KINDS.get(kind)
            record = shape(*fields[: len(shape._fields)]) if shape else None
        except (ValueError, TypeError, RecursionError) as error:
            raise DamagedJournal(offset, str(error)) from error
        offset += 8 + length
        if record is not None:
            yield offset, sequence, record


def has_begun(path: str) -> bool:
    """Tell whether a journal tells anything: a process killed in its first moment leaves none, or a torn record."""
    try:
        with open(path, "rb") as file:
            data = file.read(_BEGINNING_BYTES)
    except FileNotFoundError:
        return False
    behind = 8 + int.from_bytes(data[:4], "little")
    try:
        # A record behind one that is not whole: the file was harmed later.
        return next(decode(data), None) is not None or next(decode(data, behind), None) is not None
    except DamagedJournal:
        return True


def default_run_name(task_name: str, number: int) -> str:
    """Name the task run that has no name of its own."""
    return f"{task_name}-{number:03x}"


def task_run_id(run_id: str, number: int) -> str:
    """Make a task run's id (36 characters) from the id of its *root* flow run and its number in the journal."""
    return f"{run_id[:24]}{number:012x}"
