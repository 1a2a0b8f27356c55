"""Which names speak of secrets, and how the values under them and in connection strings are hidden."""

from __future__ import annotations

import re
from typing import Final

#: Parts of names, in lower case; a name that contains one is secret.
SECRET_NAMES: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "credential",
    "authorization",
)
MASK: Final = "********"

#: `scheme://user:pass@host`. A password may hold `@` itself: the last one before the path counts.
_CREDENTIALS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@'\"]*):[^\s/'\"]+@")
_MOST_REMEMBERED: Final = 10_000


class SecretNames(dict[str, bool]):
    """Name -> whether it is secret, found out once for each name; ask with `[]`."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = tuple(pattern.lower() for pattern in patterns)

    def __missing__(self, name: str) -> bool:
        plain = name[:200].lower().replace("-", "_")
        found = any(pattern in plain for pattern in self._patterns)
        if len(self) < _MOST_REMEMBERED and len(name) <= 200:
            self[name] = found
        return found


_by_patterns: Final[dict[tuple[str, ...], SecretNames]] = {SECRET_NAMES: SecretNames(SECRET_NAMES)}
_default: Final = _by_patterns[SECRET_NAMES]


def secret_names(patterns: tuple[str, ...] = SECRET_NAMES) -> SecretNames:
    """Give the set of names that contain one of the patterns; capitals, and `-` for `_`, make no difference."""
    if patterns is SECRET_NAMES:
        return _default
    found = _by_patterns.get(patterns)
    if found is None:
        found = _by_patterns[patterns] = SecretNames(patterns)
    return found


def is_secret(name: str, patterns: tuple[str, ...] = SECRET_NAMES) -> bool:
    """Tell whether a name speaks of a secret."""
    return secret_names(patterns)[name]


def without_credentials(text: str) -> str:
    """Hide the passwords of the connection strings in a text."""
    return _CREDENTIALS.sub(rf"\1:{MASK}@", text) if "://" in text and "@" in text else text
