"""The socket of a living daemon: whatever comes to it, the others are served."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from flowctl.core.daemon import protocol
from flowctl.core.daemon.client import Client, DaemonSilent, Refused
from flowctl.core.daemon.paths import socket_address
from flowctl.store.home import Home
from tests.core.daemon.waiting import DEADLINE_S, once

pytestmark = pytest.mark.usefixtures("daemon")


@contextlib.contextmanager
def connected(home: Home) -> Generator[socket.socket, None, None]:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(DEADLINE_S)
    with socket_address(home) as address:
        connection.connect(address)
    try:
        yield connection
    finally:
        connection.close()


def said(connection: socket.socket) -> list[dict[str, Any]]:
    """Read what the daemon says until it hangs up."""
    data = b""
    while chunk := connection.recv(1 << 16):
        data += chunk
    return [json.loads(line) for line in data.splitlines()]


def a_line(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as file:
        found: dict[str, Any] = json.loads(file.readline())
    return found


def answers_within(home: Home, seconds: float) -> float:
    """Ask for the status; return how long that took."""
    began = time.monotonic()
    with Client.connect(home, start=False) as client:
        client.ask_as("x", "status", {}, within_s=seconds)
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\x00\xff\xfe garbage", "no line of JSON"),
        (b"{", "no line of JSON"),
        (b"[1, 2]", "JSON object"),
        (b'"text"', "JSON object"),
        (b'{"v": 1, "id": "a", "do": 7}', "needs a verb"),
        (b'{"v": 1, "do": "status"}', "needs an id"),
        (b'{"v": 1, "id": "", "do": "status"}', "needs an id"),
        (b'{"v": 1, "id": "%s", "do": "status"}' % (b"x" * 300), "needs an id"),
        (b'{"v": 99, "id": "a", "do": "status"}', "flowctl daemon restart"),
        (b'{"v": 1, "id": "a", "do": "dance"}', "'dance' is no verb"),
        (b'{"v": 1, "id": "a", "do": "status", "x": NaN}', "no number in JSON"),
        (b'{"v": 1, "id": "a", "do": "status", "x": "\\ud800"}', "no line of JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"v": 1, "id": "a", "do": "status", "x": ' + b"9" * 10_000 + b"}", "no line of JSON"),
    ],
)
def test_a_request_that_makes_no_sense_gets_a_sentence_and_the_connection_stays(
    home: Home, line: bytes, words: str
) -> None:
    with connected(home) as connection:
        connection.sendall(line + b"\n")
        answer = a_line(connection)
        connection.sendall(protocol.write_request("next", "status", {}))
        following = a_line(connection)

    assert (answer["ok"], answer["error"]["kind"]) == (False, "bad_request")
    assert words in answer["error"]["message"]
    assert (following["id"], following["ok"]) == ("next", True)


def test_a_line_without_end_is_cut_off_and_costs_no_memory(home: Home) -> None:
    before = _memory(home)
    sent = 0
    with connected(home) as connection:
        chunk = b"x" * (1 << 20)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 1 << 30:
                sent += connection.send(chunk)
        with contextlib.suppress(ConnectionResetError):
            assert "at most 4 MiB" in said(connection)[0]["error"]["message"]

    assert sent < 64 << 20
    assert _memory(home) - before < 32 << 20
    assert answers_within(home, DEADLINE_S) < 1


def _memory(home: Home) -> int:
    with Client.connect(home, start=False) as client:
        memory: int = client.ask("status")["memory"]
    return memory


def test_a_thousand_silent_connections_hold_up_nobody(home: Home) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            connection = stack.enter_context(connected(home))
            if number % 2:
                connection.sendall(b'{"v": 1, "id"')
        times = sorted(answers_within(home, DEADLINE_S) for _ in range(100))
        with Client.connect(home, start=False) as client:
            count = client.ask("status")["connections"]

    assert count == 1001
    assert times[98] < 0.5
    once(lambda: _connections(home) == 1, "the connections to be gone")


def _connections(home: Home) -> int:
    with Client.connect(home, start=False) as client:
        count: int = client.ask("status")["connections"]
    return count


def test_many_requests_in_one_breath_are_answered_in_order(home: Home) -> None:
    with connected(home) as connection:
        threading.Thread(
            target=connection.sendall,
            args=(b"".join(protocol.write_request(str(number), "deletions", {}) for number in range(2000)),),
        ).start()
        with connection.makefile("rb") as file:
            ids = [json.loads(file.readline())["id"] for _ in range(2000)]

    assert ids == [str(number) for number in range(2000)]


def test_who_closes_the_sending_half_still_gets_its_answers(home: Home) -> None:
    with connected(home) as connection:
        connection.sendall(b"".join(protocol.write_request(str(number), "deletions", {}) for number in range(100)))
        connection.shutdown(socket.SHUT_WR)

        answers = said(connection)

    assert [answer["id"] for answer in answers] == [str(number) for number in range(100)]


def test_a_subscriber_that_does_not_read_holds_up_nobody(home: Home) -> None:
    with connected(home) as connection:
        connection.sendall(protocol.write_request("s", "subscribe", {}))
        a_line(connection)
        with Client.connect(home, start=False) as client:
            for number in range(300):
                client.ask("limit_set", name="x" * 150, slots=number)

    assert answers_within(home, DEADLINE_S) < 1


def test_a_request_asked_twice_under_its_id_is_carried_out_once(home: Home) -> None:
    with Client.connect(home, start=False) as client:
        first = client.ask_as("mine", "limit_set", {"name": "gpu", "slots": 1})
        client.ask("limit_set", name="gpu", slots=7)
        second = client.ask_as("mine", "limit_set", {"name": "gpu", "slots": 1})
        with pytest.raises(Refused, match="used for another request"):
            client.ask_as("mine", "delete", {"ids": []})
        client.ask("limit_set", name="gpu", slots=None)
        with pytest.raises(Refused, match="no limit 'gpu'"):
            client.ask_as("late", "limit_set", {"name": "gpu", "slots": None})
        client.ask("limit_set", name="gpu", slots=1)
        with pytest.raises(Refused, match="no limit 'gpu'"):
            client.ask_as("late", "limit_set", {"name": "gpu", "slots": None})

    assert first == second


def test_a_refused_request_leaves_nothing_and_the_others_of_its_moment_stay(home: Home) -> None:
    names = [secrets.token_hex(4) for _ in range(20)]
    requests = b"".join(
        protocol.write_request(name, "limit_set", {"name": name, "slots": -1 if number % 3 else number})
        for number, name in enumerate(names)
    )
    with connected(home) as connection:
        connection.sendall(requests)
        with connection.makefile("rb") as file:
            outcomes = [json.loads(file.readline())["ok"] for _ in names]

    from flowctl.store.queries import Reader

    with Reader.open(home) as reader:
        stored = reader.limits()
    assert outcomes == [number % 3 == 0 for number in range(20)]
    assert stored == {name: number for number, name in enumerate(names) if number % 3 == 0}


def test_a_daemon_killed_before_it_answered_leaves_a_sentence(home: Home, daemon: int) -> None:
    with Client.connect(home, start=False) as client:
        os.kill(daemon, 19)
        os.kill(daemon, 9)

        with pytest.raises(DaemonSilent, match="went away"):
            client.ask("status")
