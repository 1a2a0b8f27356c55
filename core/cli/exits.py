"""The exit codes of every command; the README's table is made of these."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status says."""

    #: The run completed, the command did its work.
    OK = 0
    #: The run failed.
    FAILED = 1
    #: The command line, a parameter, the target or a setting is wrong; nothing was run.
    USAGE = 2
    #: The run crashed: its process or thread ended under it.
    CRASHED = 3
    #: The run was cancelled.
    CANCELLED = 4
    #: No run, task or result goes by that name.
    NOT_FOUND = 5
    #: The home folder or the database cannot be used: permissions, damage, a newer version, a full disk.
    STORE = 6
    #: The daemon is not running where it was not to be started, or does not answer.
    DAEMON = 7
    #: Killed by a second Ctrl-C; of a command that only looks on, ended by the first.
    KILLED = 130
