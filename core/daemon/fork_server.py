"""The daemon's side of a fork server: starts it when it is first needed, asks it for runs, hears how they ended."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import IO, Final

from flowctl.core.daemon.bootstrap import bootstrap
from flowctl.core.daemon.framing import Channel, Closed, Message
from flowctl.store.home import Home

#: A fork server without runs ends after this long without a request.
IDLE_S: Final = 600.0


class ForkServer:
    """A fork server of one interpreter."""

    def __init__(self, python: str, home: Home, log: IO[bytes] | int, *, now_s: float) -> None:
        self.python = python
        #: Run -> attempt, for those that were asked for or are under way.
        self.runs: dict[str, int] = {}
        #: It said that it is ready: its interpreter can import flowctl.
        self.is_ready = False
        self.used_s = now_s
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [python, "-P", "-c", bootstrap("fork_server_main"), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=home.path,
                env={**os.environ, "FLOWCTL_HOME": home.path},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """The descriptor that is readable when it has something to say, or is gone."""
        return self._channel.fileno()

    def start(self, plan: Message, *, now_s: float) -> None:
        """Ask for a run; raise `Closed` when the fork server is gone."""
        self.used_s = now_s
        self.runs[plan["run_id"]] = plan["attempt"]
        self._channel.send(plan)

    def messages(self) -> list[Message]:
        """Give what it said since; raise `Closed` when it is gone."""
        self._channel.flush()
        found = self._channel.receive()
        for message in found:
            self.is_ready = True
            if message["kind"] in ("exited", "refused", "full", "failed"):
                self.runs.pop(message["run_id"], None)
        return found

    @property
    def has_more_to_send(self) -> bool:
        return self._channel.has_more_to_send

    def idle_in_s(self, now_s: float) -> float:
        """Tell how long it is still kept without runs."""
        return self.used_s + IDLE_S - now_s

    def let_go(self) -> None:
        """Let it end when its last run has."""
        self._channel.close()

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone; asking takes note of it."""
        return self._process.poll() is not None

    def forget(self) -> None:
        """Leave it to whoever is its parent after this process, and do not complain that nobody waited for it."""
        self._process.returncode = self._process.poll() or 0

    def bury(self) -> int:
        """Make sure that it is gone, after its channel closed; return its exit status."""
        self._channel.close()
        self._process.kill()
        return self._process.wait()


__all__ = ["Closed", "ForkServer"]
