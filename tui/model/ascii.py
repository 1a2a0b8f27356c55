"""Whether a terminal is written to in ASCII alone; asked before anything large is imported."""

from __future__ import annotations

from collections.abc import Mapping


def wants_ascii(environ: Mapping[str, str], encoding: str) -> bool:
    """Tell by `FLOWCTL_ASCII`, the encoding of the output, the locale and the terminal.

    Python writes UTF-8 in the locale C, too, where the terminal may not read it; `FLOWCTL_ASCII=0` says that it does.
    """
    wanted = environ.get("FLOWCTL_ASCII", "")
    if "utf" not in encoding.lower():
        return True
    if wanted:
        return wanted != "0"
    # Not LC_CTYPE: Python itself sets that, to make C into UTF-8.
    locale = environ.get("LC_ALL") or environ.get("LANG", "")
    # The fonts of a Linux console have hardly any of the signs.
    return locale in ("C", "POSIX") or environ.get("TERM") == "linux"
