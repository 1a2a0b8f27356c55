"""The colours of states, as people see them who lack one kind of cone: they stay apart, in the themes that say so.

The matrices are those of Machado, Oliveira and Fernandes (2009) at full severity, for linear RGB.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import combinations

import pytest

from flowctl.tui.model.themes import THEMES

Triple = tuple[float, float, float]

EYES: dict[str, tuple[Triple, Triple, Triple]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_XYZ: tuple[Triple, Triple, Triple] = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
#: One word for each colour; those that share one, such as failed and crashed, differ in sign and word.
WORDS = ("queued", "running", "completed", "failed", "retrying", "paused", "cancelled")
#: By CIEDE2000 one is what a careful eye tells apart side by side; across a screen it takes several.
APART = 7.0


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("name", ["safe", "light"])
def test_colours_of_states_stay_apart(name: str, eyes: str) -> None:
    colours = {word: re.findall(r"#\w{6}", THEMES[name].styles[word])[0] for word in WORDS}

    alike = {
        (one, other): distance
        for one, other in combinations(WORDS, 2)
        if (distance := apart(lab(colours[one], eyes), lab(colours[other], eyes))) < APART
    }

    assert alike == {}


def test_the_distance_is_that_of_the_paper() -> None:
    """Two pairs of the test data of Sharma, Wu and Dalal (2005)."""
    assert apart((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert apart((50.0, 2.5, 0.0), (73.0, 25.0, -18.0)) == pytest.approx(27.1492, abs=1e-4)


def lab(colour: str, eyes: str) -> Triple:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    seen = [min(1.0, max(0.0, each)) for each in times(EYES[eyes], linear)]
    x, y, z = (each / white for each, white in zip(times(_XYZ, seen), (0.95047, 1.0, 1.08883), strict=True))

    def root(part: float) -> float:
        return part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116

    return 116 * root(y) - 16, 500 * (root(x) - root(y)), 200 * (root(y) - root(z))


def times(matrix: Sequence[Triple], vector: Sequence[float]) -> list[float]:
    return [sum(one * other for one, other in zip(row, vector, strict=True)) for row in matrix]


def apart(first: Triple, second: Triple) -> float:
    """Tell the distance of two colours by CIEDE2000."""
    (light_1, a_1, b_1), (light_2, a_2, b_2) = first, second
    mean = (math.hypot(a_1, b_1) + math.hypot(a_2, b_2)) / 2
    stretch = 1.5 - 0.5 * math.sqrt(mean**7 / (mean**7 + 25**7))
    a_1, a_2 = a_1 * stretch, a_2 * stretch
    chroma_1, chroma_2 = math.hypot(a_1, b_1), math.hypot(a_2, b_2)
    hue_1, hue_2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a_1, b_1), (a_2, b_2)))
    turn = (hue_2 - hue_1 + 180) % 360 - 180 if chroma_1 * chroma_2 else 0.0
    light, chroma, hue = (light_1 + light_2) / 2, (chroma_1 + chroma_2) / 2, hue_1 + turn / 2

    def wave(factor: float, shift: float) -> float:
        return math.cos(math.radians(factor * hue + shift))

    weight = 1 - 0.17 * wave(1, -30) + 0.24 * wave(2, 0) + 0.32 * wave(3, 6) - 0.20 * wave(4, -63)
    in_light = (light_2 - light_1) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    in_chroma = (chroma_2 - chroma_1) / (1 + 0.045 * chroma)
    in_hue = 2 * math.sqrt(chroma_1 * chroma_2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    tilt = math.sin(math.radians(60 * math.exp(-((((hue % 360) - 275) / 25) ** 2))))
    tilt *= -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    return math.sqrt(in_light**2 + in_chroma**2 + in_hue**2 + tilt * in_chroma * in_hue)
