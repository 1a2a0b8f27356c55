"""How editors save a file, as far as the file system sees it."""

from __future__ import annotations

from pathlib import Path


def in_place(file: Path, text: str) -> None:
    """As nano, and VS Code, do it: cut to nothing, written anew."""
    file.write_text(text)


def by_renaming(file: Path, text: str) -> None:
    """As vim does with `backupcopy=no`: the file becomes the backup, a new one is written, the backup goes."""
    backup = file.with_name(f"{file.name}~")
    probe = file.with_name("4913")
    probe.touch()
    probe.unlink()
    file.rename(backup)
    file.write_text(text)
    file.chmod(0o644)
    backup.unlink()


def as_emacs(file: Path, text: str) -> None:
    """A lock that is a dangling link, a backup by copying, the text in place, the lock gone."""
    lock = file.with_name(f".#{file.name}")
    lock.symlink_to("me@host.4711")
    file.with_name(f"{file.name}~").write_text(file.read_text())
    file.write_text(text)
    lock.unlink()


def by_replacing(file: Path, text: str) -> None:
    """As JetBrains, `sed -i` and rsync do it: another file, then put in the place of this one."""
    new = file.with_name(f"{file.name}.tmp")
    new.write_text(text)
    new.replace(file)


WAYS = [in_place, by_renaming, as_emacs, by_replacing]
