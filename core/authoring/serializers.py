"""How results become bytes: by name, or by the objects that Prefect has for it."""

from __future__ import annotations

from typing import Final

#: The names a `result_serializer` may have; these words stand in the records.
SERIALIZERS: Final = ("pickle", "json", "compressed/pickle", "compressed/json")


class Serializer:
    """One way to make a result bytes, known by its name."""

    type: str = "pickle"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={self.type!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Serializer) and other.type == self.type

    def __hash__(self) -> int:
        return hash(self.type)


class PickleSerializer(Serializer):
    """Any object that pickle, or else cloudpickle, can take."""

    type = "pickle"


class JSONSerializer(Serializer):
    """What JSON has words for; tuples come back as lists."""

    type = "json"


class CompressedSerializer(Serializer):
    """Another serializer, its bytes compressed."""

    def __init__(self, serializer: Serializer | str = "pickle", compressionlib: str = "zlib") -> None:
        if compressionlib != "zlib":
            raise ValueError(
                f"Results are compressed with zlib, not with {compressionlib!r}. Leave compressionlib out."
            )
        self.type = f"compressed/{serializer_name(serializer).removeprefix('compressed/')}"


class CompressedPickleSerializer(CompressedSerializer):
    """Pickle, compressed."""

    def __init__(self) -> None:
        super().__init__("pickle")


class CompressedJSONSerializer(CompressedSerializer):
    """JSON, compressed."""

    def __init__(self) -> None:
        super().__init__("json")


def serializer_name(given: Serializer | str) -> str:
    """Give the name of a serializer; raise `ValueError` for one that does not exist."""
    name = given.type if isinstance(given, Serializer) else given
    if name not in SERIALIZERS:
        raise ValueError(f"There is no result serializer {name!r}. Use one of {', '.join(map(repr, SERIALIZERS))}.")
    return name
