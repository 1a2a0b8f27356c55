"""What the query line offers while one types: fields, their values, and what they mean; and where a query is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from flowctl.store.query_words import FIELDS, STARTERS, STATE_WORDS, Field

_MOST: Final = 12
_AGES: Final = (
    ("15m", "15 minutes"),
    ("1h", "an hour"),
    ("1d", "a day"),
    ("7d", "a week"),
    ("30d", "a month"),
)
_TOOK: Final = (
    ("1.5x", "half as long again as usual"),
    ("2x", "twice the usual"),
    ("1m", "a minute"),
    ("1h", "an hour"),
)
_DAYS: Final = (("today", "since midnight"), ("yesterday", "since the midnight before"))
_WORD: Final = re.compile(r'[^\s()"]*(?:"[^"]*"?)?[^\s()"]*$')
_HEAD: Final = re.compile(r"(-?)([A-Za-z_]\w*)((?:\.[^\s:<>=!,()\"]*)?)(:|!=|<=|>=|<|>|=)")
_PLAIN: Final = re.compile(r"[^\s(),\"]+")


class Offer(NamedTuple):
    """One thing to go on with: it replaces the text from `start` to `end`."""

    text: str
    meaning: str
    start: int
    end: int


class Vocabulary(NamedTuple):
    """What there is in this home to ask for."""

    flows: Sequence[str] = ()
    tags: Sequence[str] = ()
    parameters: Sequence[str] = ()
    deployments: Sequence[str] = ()
    names: Sequence[str] = ()

    def with_(self, other: Vocabulary) -> Vocabulary:
        """Know what another one knows too."""
        return Vocabulary(*(tuple(dict.fromkeys((*mine, *others))) for mine, others in zip(self, other, strict=True)))


def complete(text: str, cursor: int, vocabulary: Vocabulary = Vocabulary()) -> tuple[Offer, ...]:  # noqa: B008 - frozen
    """Offer what the word under the cursor may go on with."""
    match = _WORD.search(text[:cursor])
    start = match.start() if match is not None else cursor
    word = text[start:cursor]
    head = _HEAD.match(word)
    if head is None:
        return tuple(_heads(word, start, cursor, vocabulary))[:_MOST]
    field = FIELDS.get(head[2].lower())
    if field is None:
        return ()
    values = word[head.end() :]
    # Each value of a list by itself.
    begin = start + head.end() + (values.rfind(",") + 1)
    typed = text[begin:cursor].lstrip('"')
    fitting = _fitting(typed, _values(field, vocabulary))
    return tuple(Offer(_quoted(value), meaning, begin, cursor) for value, meaning in fitting if value != typed)[:_MOST]


def apply(text: str, offer: Offer) -> tuple[str, int]:
    """Put an offer into the text; return that and where the cursor is then."""
    return text[: offer.start] + offer.text + text[offer.end :], offer.start + len(offer.text)


def _heads(word: str, start: int, cursor: int, vocabulary: Vocabulary) -> Iterable[Offer]:
    minus = "-" if word.startswith("-") else ""
    typed = word.removeprefix("-").lower()
    start += len(minus)
    if typed.startswith("param."):
        for name, _ in _fitting(
            word.removeprefix("-")[len("param.") :], [(name, "") for name in vocabulary.parameters]
        ):
            yield Offer(f"param.{name}=", "parameter", start, cursor)
        return
    for field in FIELDS.values():
        if field.name.startswith(typed):
            sign = "." if field.kind == "value" else field.operators[0]
            yield Offer(f"{field.name}{sign}", f"{field.meaning}, as {field.example}", start, cursor)
    if typed:
        # Who types `fail` means `state:failed`.
        for state in STATE_WORDS.values():
            if state.word.startswith(typed):
                yield Offer(f"state:{state.word}", state.meaning, start, cursor)
        for flow in vocabulary.flows:
            if flow.lower().startswith(typed):
                yield Offer(f"flow:{_quoted(flow)}", "flow", start, cursor)


def _values(field: Field, vocabulary: Vocabulary) -> Iterable[tuple[str, str]]:
    match field.kind:
        case "state":
            return [(state.word, state.meaning) for state in STATE_WORDS.values()]
        case "age":
            return _AGES
        case "took":
            return _TOOK
        case "moment":
            return _DAYS
        case "by":
            return [(word, "") for word in STARTERS]
        case _:
            pass
    known = {
        "flow": vocabulary.flows,
        "tag": vocabulary.tags,
        "deployment": vocabulary.deployments,
        "name": vocabulary.names,
    }
    return [(value, field.name) for value in known.get(field.name, ())]


def _fitting(typed: str, values: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that begin so come first, then those that have it somewhere."""
    folded = typed.lower()
    known = list(values)
    begin = [each for each in known if each[0].lower().startswith(folded)]
    return begin + [each for each in known if folded in each[0].lower() and each not in begin]


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) and not any(sign in value for sign in "*?"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
