"""Text that came from a flow, made safe for a terminal: shown as data, never obeyed.

Whole escape sequences are dropped; every other control, direction or invisible character becomes a visible mark:
a control picture (`␛`, `␀`) where Unicode has one, else `<U+202E>`.
"""

from __future__ import annotations

from collections.abc import Callable

_substitute: Callable[[str], str] | None = None


def safe_text(value: str, *, keep_newlines: bool = True) -> str:
    """Return `value` without anything that a terminal would obey; with `keep_newlines` off, as one line."""
    if value.isascii() and value.isprintable():
        return value
    global _substitute
    if _substitute is None:
        _substitute = _build()
    value = _substitute(value)
    return value if keep_newlines else value.replace("\n", "␊").replace("\t", " ")


def _build() -> Callable[[str], str]:
    import re  # 5 ms, and most lines are plain

    # A body ends at the next character that could begin or end a sequence, so that no text makes this quadratic.
    string = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x18\x1a\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
    csi = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    escape = r"\x1b[ -/]*[0-~]"
    invisible = (
        "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
        "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    )
    pattern = re.compile(
        f"{string}|{csi}|{escape}|(?P<newline>\r\n)|(?P<mark>[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{invisible}])"
    )

    def shown(match: re.Match[str]) -> str:
        if match["newline"]:
            return "\n"
        mark = match["mark"]
        if not mark:
            return ""
        point = ord(mark)
        if point < 0x20:
            return chr(0x2400 + point)
        return "␡" if point == 0x7F else f"<U+{point:04X}>"

    return lambda value: pattern.sub(shown, value)
