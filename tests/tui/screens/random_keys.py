"""What comes from a keyboard, a mouse and a line, by chance: keys, whole doings, sequences in pieces, and noise."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

#: All that can be typed but what leaves, and the sequences of keys without a letter.
TYPED: Final[list[bytes]] = [bytes([code]) for code in range(32, 127) if code != ord("q")]
NAMED: Final[list[bytes]] = [
    *(bytes([code]) for code in b"\r\t\x1b\x7f\x04\x15\x10\x0c\x19\x12"),
    *(b"\x1b[%c" % final for final in b"ABCDHFZ"),
    b"\x1b[5~", b"\x1b[6~", b"\x1b[1;2C", b"\x1b[1;2D",
    b"\x1b[200~[red]x\x1b[201~", b"\x1b[200~XDc\x1b[201~",
    "é".encode(), "日".encode(),
]  # fmt: skip
#: Mice: a click anywhere, the wheel, a drag, a move.
_CLICK: Final = b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm"
#: What no hand types, but comes all the same: focus, hostile pastes, sequences without sense or end, no UTF-8.
NOISE: Final[list[bytes]] = [
    b"\x1b[<35;30;9M", b"\x1b[<65;20;12M", b"\x1b[<0;70;22M\x1b[<0;70;22m", b"\x1b[<0;12;2M\x1b[<32;40;9M\x1b[<0;40;9m",
    b"\x1b[<2;5;6M\x1b[<2;5;6m", b"\x1b[<0;9999;9999M", b"\x1b[O\x1b[I",
    b"\x1b[200~\x1b[31m\x1b]0;x\x07\x00\xe2\x80\xae\n\n" + b"a" * 3000 + b"\x1b[201~", b"\x1b[200~half", b"\x1b[201~",
    b"\x1b[", b"\x1b[<0;", b"\x1bO", b"\x1bP", b"\x1b]52;c;", b"\xff\xc3", b"\x00", b"\x1b[1114112u",
    b"\x1b[97;5u", b"\x1b[:;:u",
]  # fmt: skip
#: Whole doings of a person: what is pressed one after the other, `{}` being some word of those below.
_DOINGS: Final[list[list[bytes]]] = [
    [b"/", b"{}", b"\r"], [b"/", b"{}", b"\x1b"], [b"f", b"1"], [b":", b"{}", b"\r"], [b"?", b"/", b"{}", b"\r"],
    [b"c", b"y"], [b"X", b"y"], [b"D", b"y"], [b"D", b"y", b"u"], [b"r", b"y"], [b"K", b"y"], [b"p", b"u"],
    [b"*", b"c", b"y"], [b" ", b" ", b"r", b"y"], [b"R", b"{}", b"\t", b"{}", b"\r"], [b"t", b"\r"],
    [b"t", b"{}", b"\r"],
    [b"B", b"{}", b"\t", b"\r", b"y"], [b"e"], [b"y", b"i"], [b"y", b"p"], [b"y", b"t"], [b"y", b"c"],
    [b"\x05", b"s"], [b"\x05", b"t"], [b"\x05", b"j"], [b"T", b"\x1b[D", b"\x1b[D", b"\x1b[C", b"\x1b"],
    [b"1", b"\r", b"j", b"\r"], [b"2", b"p", b"j", b"p"], [b"3", b"R", b"d"], [b"4", b"/", b"{}", b"\r"], [b"5", b"K"],
    [b"1", b"\r", b"o", b"z", b"+", b"-"], [b"L", b"F", b"w", b"G"], [b"P", b"j", b"P"], [b"}", b"\r"], [b"b"],
    [b"\x12"], [b"\x0c"], [b"\x1a"], [b"[", b"]", b"`"], [b"s", b"2", b"S"],
]  # fmt: skip
_WORDS: Final[list[bytes]] = [
    b"a", b"state:failed", b"flow:g*", b"age<1h took>1.5x", b"state:(", b"line", b"never", b"3", b"retry", b"xyzzy",
    b"[red]x[/]", b"'", b"theme", b"time", b"2026-01-01", b"-1", b"{", "日本".encode(), b"%", b"param.who=world",
]  # fmt: skip
SIZES: Final = [
    (80, 24), (40, 8), (140, 40), (60, 16), (59, 15), (39, 7), (300, 80), (3, 2), (1, 1), (200, 60), (80, 1), (1, 24),
]  # fmt: skip


def noise_and_keys(chance: random.Random) -> Iterator[bytes]:
    """Give what comes next, in the pieces that it comes in; between two pieces there may be a while."""
    kind: Callable[[random.Random], list[bytes]] = chance.choices([_key, _doing, _mouse, _pieces, _noise], _SHARES)[0]
    yield from kind(chance)


_SHARES: Final = (70, 12, 8, 4, 6)


def _key(chance: random.Random) -> list[bytes]:
    return [chance.choice(TYPED if chance.random() < 0.7 else NAMED)]


def _doing(chance: random.Random) -> list[bytes]:
    return [chance.choice(_WORDS) if each == b"{}" else each for each in chance.choice(_DOINGS)]


def _mouse(chance: random.Random) -> list[bytes]:
    x, y = chance.randint(1, 140), chance.randint(1, 40)
    return [
        chance.choice(
            [_CLICK % (x, y, x, y), _CLICK % (x, y, x, y) * 2, b"\x1b[<64;%d;%dM" % (x, y), b"\x1b[<65;%d;%dM" % (x, y)]
        )
    ]


def _pieces(chance: random.Random) -> list[bytes]:
    whole = chance.choice([*NAMED, *NOISE, _CLICK % (5, 7, 5, 7)])
    cut = chance.randrange(len(whole))
    return [piece for piece in (whole[:cut], whole[cut:]) if piece]


def _noise(chance: random.Random) -> list[bytes]:
    return [chance.choice(NOISE)]
