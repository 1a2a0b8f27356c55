"""Parameters from the command line: read as the flow's signature has them, checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.exceptions import ParameterBindError, ParameterTypeError
from flowctl.core.cli.faults import CommandError

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow

    AnyFlow = Flow[..., Any]


def read_parameters(
    flow: AnyFlow,
    assignments: Sequence[str],
    json_text: str | None = None,
    file: str | None = None,
    *,
    is_partial: bool = False,
) -> dict[str, Any]:
    """Put together a flow's arguments: file, then JSON, then single assignments; raise `CommandError` for the first
    kind of fault found, with all faults of that kind. `is_partial`: the rest will be given later."""
    signature = flow.signature
    # An instance or class that the flow is bound to is its first argument already.
    bound = signature.positional[: len(getattr(flow, "_instance", ()))]
    names = [name for name in signature.names if name not in bound]
    is_given = bool(assignments) or json_text is not None or file is not None
    arguments = _read(flow, assignments, json_text, file) if is_given else {}
    _refuse_unknown(flow, arguments, names)
    required = [name for name in names if name in signature.required]
    if is_partial and any(name not in arguments for name in required):
        return arguments
    _refuse_missing(flow, arguments, required)
    _check_types(flow, arguments, bound)
    return arguments


def _read(flow: AnyFlow, assignments: Sequence[str], json_text: str | None, file: str | None) -> dict[str, Any]:
    from flowctl.core.authoring.coercion import resolved_annotations
    from flowctl.core.cli.parameter_values import from_file, grouped, json_object, value

    arguments: dict[str, Any] = {}
    if file is not None:
        arguments |= from_file(file)
    if json_text is not None:
        arguments |= json_object(json_text, "--params-json")
    annotations = resolved_annotations(flow.fn) if assignments else {}
    for name, texts in grouped(assignments).items():
        arguments[name] = value(name, texts, annotations.get(name), flow.signature)
    return arguments


def _described(flow: AnyFlow, names: Sequence[str]) -> list[str]:
    from flowctl.core.cli.parameter_words import described

    return described(flow, names)


def _refuse_unknown(flow: AnyFlow, arguments: dict[str, Any], names: list[str]) -> None:
    if flow.signature.var_keyword:
        return
    unknown = [name for name in arguments if name not in names]
    if not unknown:
        return
    from flowctl.core.engine.loading_problems import nearest

    sentences: list[str] = []
    for name in unknown:
        near = nearest(name, names)
        guess = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        sentences.append(f"Flow {flow.name!r} has no parameter {name!r}.{guess}")
    raise CommandError("\n".join([*sentences, *_described(flow, names)]))


def _refuse_missing(flow: AnyFlow, arguments: dict[str, Any], required: list[str]) -> None:
    missing = [name for name in required if name not in arguments]
    if not missing:
        return
    owner, _, _ = getattr(flow.fn, "__qualname__", "").rpartition(".")
    if missing[0] == "self" and owner:
        raise CommandError(
            f"Flow {flow.name!r} is a method of {owner} and needs an object. Run a flow that makes one and calls it."
        )
    what, them = ("a value", "it") if len(missing) == 1 else ("values", "them")
    names = ", ".join(map(repr, missing))
    sentence = f"Flow {flow.name!r} needs {what} for {names}. Give {them} with -p name=value."
    raise CommandError("\n".join([sentence, *_described(flow, missing)]))


def _check_types(flow: AnyFlow, arguments: dict[str, Any], bound: tuple[str, ...]) -> None:
    from flowctl.core.authoring.parameters import coerce

    try:
        values = flow.signature.bind_named({**dict.fromkeys(bound), **arguments})
        for name in bound:
            del values[name]
        if flow.should_validate_parameters:
            coerce(
                flow.fn,
                {
                    name: value
                    for name, value in values.items()
                    if name in arguments or name not in flow.signature.defaults
                },
            )
    except ParameterBindError as error:
        raise CommandError(f"The parameters do not fit flow {flow.name!r}: {error}.") from error
    except ParameterTypeError as error:
        problems = [line.removeprefix(" - ") for line in str(error).split("\n")[1:]]
        wrong = [
            name
            for name in arguments
            if any(line.startswith((f"{name}:", f"{name}.", f"{name}[")) for line in problems)
        ]
        head = f"Parameters of flow {flow.name!r} do not fit:"
        raise CommandError("\n".join([head, *(f"  {line}" for line in problems), *_described(flow, wrong)])) from error
