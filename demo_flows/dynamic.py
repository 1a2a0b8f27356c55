"""Fan out as far as the data asks: walk a folder tree level by level, one task for each folder found.

    flowctl run demo_flows/dynamic.py:dynamic
    flowctl run demo_flows/dynamic.py:dynamic -p root=~/projects -p depth=3

How many tasks there will be, and in how many rounds, is known only while the flow runs. It is plain Python:
a `while` loop and a `map`.
"""

import os
import sysconfig
from pathlib import Path
from typing import TypedDict

from flowctl import flow, get_run_logger, task


class Listing(TypedDict):
    """What lies in one folder: the bytes of its own files, and the folders to look at next."""

    folder: str
    size: int
    folders: list[str]


@task
def look(folder: str) -> Listing:
    """Add up the files of one folder; links are not followed."""
    listing = Listing(folder=folder, size=0, folders=[])
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                listing["folders"].append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                listing["size"] += entry.stat(follow_symlinks=False).st_size
    listing["folders"].sort()
    return listing


@task
def biggest(listings: list[Listing], count: int) -> dict[str, int]:
    """Name the folders with the most bytes of their own."""
    ranked = sorted(listings, key=lambda listing: listing["size"], reverse=True)
    return {listing["folder"]: listing["size"] for listing in ranked[:count]}


@flow
def dynamic(root: Path | None = None, depth: int = 2) -> dict[str, int]:
    """Look at `root` (default: the standard library) and `depth` levels of folders below it."""
    logger = get_run_logger()
    frontier = [str((root or Path(sysconfig.get_path("stdlib"))).expanduser())]
    listings: list[Listing] = []
    level = 0
    while frontier and level <= depth:
        found: list[Listing] = look.map(frontier).result()
        logger.info("level %s: %s folders", level, len(found))
        listings += found
        frontier = [folder for listing in found for folder in listing["folders"]]
        level += 1

    top = biggest(listings, 5)
    for folder, size in top.items():
        logger.info("%8.1f MB  %s", size / 1e6, folder)
    return top


if __name__ == "__main__":
    dynamic()
