"""On which file system a path is, and what that means: whether files can be watched and locked there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Final

#: Types whose changes are made elsewhere, so that this system is not told of all of them.
_REMOTE: Final = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "davfs",
        "drvfs",
        "glusterfs",
        "ncpfs",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb2",
        "smb3",
        "smbfs",
    }
    | {"fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "lustre"}
    | {"macfuse", "osxfuse", "vboxsf", "virtiofs", "webdav"}
)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def type_of(path: str) -> str | None:
    """Name the type of the file system that a path is on, where the system tells."""
    try:
        mounts = _mounts()
    except OSError:
        return None
    path = os.path.realpath(path)
    best = ""
    kind: str | None = None
    for place, name in mounts:
        inside = path == place or path.startswith(place if place.endswith("/") else f"{place}/")
        # Of two mounted at one place, the later one is on top.
        if inside and len(place) >= len(best):
            best, kind = place, name
    return kind


def is_remote(path: str) -> str | None:
    """Give the type of the file system when it is one that others change too; else None."""
    kind = type_of(path)
    return kind if kind in _REMOTE else None


def _mounts() -> list[tuple[str, str]]:
    if sys.platform == "linux":
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.split(" ") for line in file]
        return [(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[1]), fields[2]) for fields in lines]
    text = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
    return re.findall(r" on (.+) \((\w+)[,)]", text)
