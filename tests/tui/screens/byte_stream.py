"""What a terminal may be sent: text, and the few sequences that the interface needs; everything else is a stray."""

from __future__ import annotations

import re
from typing import Final

#: Of Textual and of the first frame: colours, the cursor's place, clearing, modes, asking for modes and the keyboard.
_OWN: Final = re.compile(
    r"""\x1b(?:
        \[[0-9;:]*m                    # colours
      | \[[0-9;]*[HJKABCD]             # cursor and clearing
      | \[\?(?:25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2027|2031|2048|7)[hl]
      | \[\?[0-9]+\$p                  # does it have this mode?
      | \[[<>=]?[0-9;]*u               # the keyboard of kitty
      | \[[0-9]*[cnt]                  # what it is, and how large
      | \]22;[a-z-]*(?:\x07|\x1b\\)    # the shape of the mouse
      | \]52;c;[A-Za-z0-9+/=]*(?:\x07|\x1b\\)  # the clipboard
      | P\+q[0-9A-Fa-f;]*\x1b\\        # its capabilities
      | _G[^\x1b]*\x1b\\               # whether it draws pictures
    )""",
    re.VERBOSE,
)
_CONTROLS: Final = re.compile(
    "[\x00-\x06\x08\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def strays(output: str) -> list[str]:
    """Find what should not have been sent, each with what is around it; the last sequence may be cut off."""
    left = _OWN.sub("", output)
    found = [match.start() for match in re.finditer("\x1b", left) if match.start() < len(left) - 12]
    found += [match.start() for match in _CONTROLS.finditer(left)]
    return [repr(left[max(0, place - 20) : place + 30]) for place in found]
