"""Messages between the daemon and its fork servers: msgpack maps, each behind its length, over a pair of sockets."""

from __future__ import annotations

import socket
from typing import Any, Final

import msgpack

#: What a run is started with: arguments, names. Larger ones are refused long before.
LARGEST: Final = 64 << 20
_READ_BYTES: Final = 1 << 16

#: Keys are words of the two programs, values whatever msgpack can hold.
Message = dict[str, Any]


class Closed(Exception):
    """The other end is gone."""


class Channel:
    """One end of the pair, not blocking; what the other end does not take yet is kept."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._incoming = bytearray()
        self._outgoing = bytearray()
        end.setblocking(False)

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def has_more_to_send(self) -> bool:
        return bool(self._outgoing)

    def send(self, message: Message) -> None:
        """Send a message, or as much of it as the other end takes now; raise `Closed`."""
        body = msgpack.packb(message, unicode_errors="surrogatepass")
        self._outgoing += len(body).to_bytes(4, "little") + body
        self.flush()

    def flush(self) -> None:
        """Send on what was kept; raise `Closed`."""
        try:
            while self._outgoing:
                del self._outgoing[: self._end.send(self._outgoing)]
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error

    def receive(self) -> list[Message]:
        """Give the messages that are there; raise `Closed` when the other end is gone and none is left."""
        is_closed = False
        try:
            while data := self._end.recv(_READ_BYTES):
                self._incoming += data
            is_closed = True
        except BlockingIOError:
            pass
        except OSError:
            is_closed = True
        messages: list[Message] = []
        while len(self._incoming) >= 4:
            length = int.from_bytes(self._incoming[:4], "little")
            if length > LARGEST:
                raise Closed
            if len(self._incoming) < 4 + length:
                break
            body = bytes(self._incoming[4 : 4 + length])
            messages.append(msgpack.unpackb(body, unicode_errors="surrogatepass", strict_map_key=False))
            del self._incoming[: 4 + length]
        if is_closed and not messages:
            raise Closed
        return messages

    def close(self) -> None:
        self._end.close()
