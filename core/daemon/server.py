"""The daemon's socket: takes lines from many connections, gives whole requests to the loop, sends answers back.

Nothing here knows what a request means. Whoever sends garbage, too much, or nothing harms only the own connection.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from flowctl.core.daemon import protocol
from flowctl.core.daemon.paths import socket_address, socket_path
from flowctl.core.daemon.protocol import Fields, Refused, Request
from flowctl.store.home import Home

#: More connections than this cost the one that has been silent the longest its place.
MOST_CONNECTIONS: Final = 2000
#: Requests of all connections that are worked on at once.
AT_ONCE: Final = 64
#: What one connection may send ahead of its answers, in requests.
_AHEAD: Final = 64
#: Bytes that a reader may leave unread before it is cut off.
_MOST_UNREAD: Final = 8 << 20
#: A line has to be whole this long after its first byte.
SLOWEST_LINE_S: Final = 30.0
#: All unfinished lines together.
_MOST_UNFINISHED: Final = 64 << 20
_TOO_LONG: Final = f"A line has at most {protocol.LONGEST_LINE >> 20} MiB."


class Server:
    """All connections of a daemon."""

    def __init__(self, wake: Callable[[], None], log: Callable[[str], None]) -> None:
        self._wake = wake
        self._log = log
        self._server: asyncio.Server | None = None
        #: In the order of their latest sign of life.
        self.connections: dict[Connection, None] = {}
        self._waiting: deque[tuple[Connection, Request]] = deque()
        self.unfinished = 0

    async def open(self, home: Home) -> None:
        """Begin to listen; only for who holds the instance lock."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            with socket_address(home) as address:
                listener.bind(address)
        finally:
            os.umask(before)
        os.chmod(socket_path(home), 0o600)
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Connection(self), sock=listener, backlog=1024)

    def stop_listening(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    def close(self) -> None:
        """Cut all connections, after what was written to them is sent."""
        for connection in tuple(self.connections):
            connection.cut()

    def take(self) -> list[tuple[Connection, Request]]:
        """Give the requests to work on now."""
        return [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]

    @property
    def has_requests(self) -> bool:
        return bool(self._waiting)

    def tell(self, fields: Fields) -> None:
        """Send news to all who subscribed."""
        line = protocol.write_news(fields)
        for connection in tuple(self.connections):
            if connection.is_subscribed:
                connection.send(line)

    def sweep(self, now_s: float) -> None:
        """Cut connections whose line does not come to its end."""
        for connection in tuple(self.connections):
            if connection.line_began_at is not None and now_s - connection.line_began_at > SLOWEST_LINE_S:
                connection.refuse_and_cut("The line did not come to its end.")

    def heard(self, connection: Connection) -> None:
        """Note a sign of life."""
        self.connections.pop(connection, None)
        self.connections[connection] = None

    def joined(self, connection: Connection) -> None:
        """Take in a new connection."""
        self.connections[connection] = None
        if len(self.connections) > MOST_CONNECTIONS:
            next(iter(self.connections)).cut()

    def left(self, connection: Connection) -> None:
        """Forget a connection that is no more."""
        self.connections.pop(connection, None)

    def received(self, connection: Connection, request: Request) -> None:
        """Take in a whole request."""
        self._waiting.append((connection, request))
        self._wake()

    def complain(self, text: str) -> None:
        """Put into the log what is wrong with a connection."""
        self._log(text)

    @property
    def is_overfull(self) -> bool:
        return self.unfinished > _MOST_UNFINISHED


class Connection(asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._unanswered = 0
        #: It will send no more.
        self._is_heard_out = False
        self.is_subscribed = False
        #: When the line that is not whole yet began, by the loop's clock.
        self.line_began_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # the loop gives stream protocols this kind
        peer = peer_uid(self._transport.get_extra_info("socket"))
        self._server.joined(self)
        if peer is not None and peer != os.geteuid():
            self._server.complain(f"A process of user id {peer} came to the socket and was refused.")
            self.refuse_and_cut("This daemon belongs to another user.")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._drop_buffer()
        self._transport = None
        self._server.left(self)

    def eof_received(self) -> bool:
        """Keep the sending half open: who sends its requests and closes wants the answers all the same."""
        self._is_heard_out = True
        return self._unanswered > 0

    def data_received(self, data: bytes) -> None:
        server = self._server
        server.heard(self)
        searched = len(self._buffer)
        self._buffer += data
        server.unfinished += len(data)
        start = 0
        while (end := self._buffer.find(b"\n", max(start, searched))) >= 0:
            line = bytes(memoryview(self._buffer)[start:end])
            start = end + 1
            if len(line) > protocol.LONGEST_LINE:
                self.refuse_and_cut(_TOO_LONG)
                return
            self._take_line(line)
            if self._transport is None or self._transport.is_closing():
                return
        if start:
            del self._buffer[:start]
            server.unfinished -= start
            self.line_began_at = None
        if len(self._buffer) > protocol.LONGEST_LINE:
            self.refuse_and_cut(_TOO_LONG)
        elif self._buffer and server.is_overfull:
            self.refuse_and_cut("Too many unfinished lines wait already; try again.", kind="busy")
        elif self._buffer and self.line_began_at is None:
            self.line_began_at = asyncio.get_running_loop().time()

    def answer(self, line: bytes) -> None:
        """Send what came of a request of this connection."""
        self.send(line)
        self._unanswered -= 1
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_heard_out and not self._unanswered:
            self.cut()
        elif self._unanswered == _AHEAD - 1:
            self._transport.resume_reading()

    def send(self, line: bytes) -> None:
        """Send a line; cut the connection of a reader that does not read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(line)
        if transport.get_write_buffer_size() > _MOST_UNREAD:
            self._server.complain("A connection did not read what was sent to it and was cut.")
            transport.abort()

    def refuse_and_cut(self, text: str, *, kind: str = "bad_request") -> None:
        """Say why and hang up."""
        self.send(protocol.write_refusal(None, Refused(kind, text)))
        self.cut()

    def cut(self) -> None:
        """Hang up when all is sent."""
        self._drop_buffer()
        if self._transport is not None:
            self._transport.close()

    def _take_line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            request = protocol.read_request(line)
        except Refused as refused:
            self.send(protocol.write_refusal(protocol.id_of(line), refused))
            return
        self._unanswered += 1
        if self._unanswered == _AHEAD and self._transport is not None:
            self._transport.pause_reading()
        self._server.received(self, request)

    def _drop_buffer(self) -> None:
        self._server.unfinished -= len(self._buffer)
        self._buffer = bytearray()
        self.line_began_at = None


def peer_uid(connection: socket.socket) -> int | None:
    """Ask the kernel whose process is at the other end; None where it does not tell."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    if sys.platform == "darwin":
        # LOCAL_PEERCRED of level SOL_LOCAL gives a struct xucred: version, uid, …
        return int(struct.unpack("=II", connection.getsockopt(0, 1, 76)[:8])[1])
    return None
