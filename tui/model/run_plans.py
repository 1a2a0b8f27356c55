"""The forms that have something run: a deployment, a flow in a file, a run again; what each sends."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from flowctl.store.records import FlowRunRow
from flowctl.tui.model.form import Filled, FormPlan
from flowctl.tui.model.form_fields import MISSING, Field, fields_of
from flowctl.tui.model.form_times import time_field
from flowctl.tui.model.plans import ListedDeployment

_TAGS: Final = Field(
    name="run tags", schema={"type": "array", "items": {"type": "string"}}, root={}, said="list of text, beside its own"
)
_AT: Final = time_field("start at", "now · or 14:30, tomorrow 9:00, 2h")
_NAME: Final = Field(name="run name", schema={"type": "string"}, root={}, said="random without")

#: What stands below the parameters -> what the daemon calls it.
_SENT_AS: Final = {_TAGS.name: "tags", _AT.name: "at", _NAME.name: "name"}

#: Writes `-p name=value` for a value.
Assign = Callable[[str, object, Field | None], str | None]


def deployment_plan(listed: ListedDeployment) -> FormPlan:
    """Make the form for a run of a deployment; its own parameters are the defaults."""
    row = listed.row
    fields = [
        field if field.name not in row.parameters else _with_default(field, row.parameters[field.name])
        for field in fields_of(row.parameter_schema)
    ]
    known = {field.name for field in fields}
    fields += [_untyped(name, value) for name, value in row.parameters.items() if name not in known]

    def wish(filled: Filled) -> tuple[str, dict[str, object]]:
        return "run", {"deployment": listed.key, "parameters": dict(filled.parameters), **_extras(filled)}

    def command(filled: Filled, fields: Mapping[str, Field]) -> str:
        return _command(["deployment", "run", listed.name], filled, fields, has_time=True)

    return FormPlan(
        title=f"run {row.name}",
        flow_name=row.flow_name,
        fields=tuple(fields),
        extras=(_TAGS, _AT, _NAME),
        when=_AT.name,
        command=command,
        wish=wish,
        remark="" if row.parameter_schema else "its parameters are not known until its file was looked at",
    )


def flow_plan(
    flow_name: str, source: Mapping[str, object], schema: Mapping[str, Any] | None, known: Mapping[str, object]
) -> FormPlan:
    """Make the form for a flow in a file or module; without a schema its fields are those of an earlier run."""
    fields = fields_of(schema) if schema else tuple(_untyped(name, MISSING) for name in known)
    target = _target_of(source)

    def wish(filled: Filled) -> tuple[str, dict[str, object]]:
        return "run", {**_place_of(source), "flow_name": flow_name, "parameters": dict(filled.parameters)} | _extras(
            filled
        )

    def command(filled: Filled, fields: Mapping[str, Field]) -> str:
        return _command(["run", target], filled, fields, has_time=False)

    return FormPlan(
        title=f"run {flow_name}",
        flow_name=flow_name,
        fields=fields,
        extras=(_TAGS, _AT, _NAME),
        when=_AT.name,
        command=command,
        wish=wish,
        remark="" if schema else "the types of its parameters are not known",
    )


def rerun_plan(run: FlowRunRow, schema: Mapping[str, Any] | None) -> FormPlan:
    """Make the form for a new run like another one: what is not changed is taken from that one."""
    typed = {field.name: field for field in fields_of(schema)}
    names = list(dict.fromkeys([*typed, *run.parameters]))
    fields = tuple(
        _with_default(typed[name], run.parameters.get(name, typed[name].default))
        if name in typed
        else _untyped(name, run.parameters[name])
        for name in names
    )

    def changes(filled: Filled) -> dict[str, object]:
        return {
            name: value
            for name, value in filled.parameters.items()
            if name not in run.parameters or value != run.parameters[name]
        }

    def wish(filled: Filled) -> tuple[str, dict[str, object]]:
        return "rerun", {"run_id": run.id, "parameters": changes(filled), **_extras(filled)}

    def command(filled: Filled, fields: Mapping[str, Field]) -> str:
        changed = Filled(changes(filled), {})
        return _command(["runs", "rerun", run.id[:8]], changed, fields, has_time=False, assign=_loose)

    return FormPlan(
        title=f"rerun {run.flow_name} like {run.name}",
        flow_name=run.flow_name,
        fields=fields,
        extras=(_TAGS, _AT, _NAME),
        when=_AT.name,
        command=command,
        wish=wish,
        prefilled=run.parameters,
        remark="what stays as it is comes from the other run, as it was",
    )


def _command(
    words: list[str],
    filled: Filled,
    fields: Mapping[str, Field],
    *,
    has_time: bool,
    assign: Assign | None = None,
) -> str:
    parts = ["flowctl", *words]
    as_json: dict[str, object] = {}
    for name, value in filled.parameters.items():
        field = fields.get(name)
        if field is not None and field.is_secret:
            # A command line is seen by others, and kept.
            parts += ["-p", f"{name}=@FILE"]
            continue
        assignment = (assign or _strict)(name, value, field)
        if assignment is None:
            as_json[name] = value
        else:
            parts += ["-p", assignment]
    if as_json:
        parts += ["--params-json", json.dumps(as_json, ensure_ascii=False)]
    if assign is None:
        for tag in cast("list[str]", filled.extras.get(_TAGS.name) or []):
            parts += ["--tag", tag]
        if _NAME.name in filled.extras:
            parts += ["--name", str(filled.extras[_NAME.name])]
    text = shlex.join(parts)
    if _AT.name in filled.extras:
        text += f" --at {filled.extras[_AT.name]}" if has_time else "   # now: no command starts it later"
    return text


def _strict(name: str, value: object, field: Field | None) -> str | None:
    """Write an assignment that is read back as this value by its type; None where none is."""
    if not isinstance(value, str):
        return f"{name}={json.dumps(value, ensure_ascii=False)}"
    is_text = field is not None and field.schema.get("type") == "string"
    if not is_text and _is_json(value):
        return None
    return f"{name}=@{value}" if value.startswith("@") else f"{name}={value}"


def _loose(name: str, value: object, _field: Field | None) -> str:
    """Write an assignment where JSON is read first, and else text is meant."""
    if isinstance(value, str) and not _is_json(value):
        return f"{name}=@{value}" if value.startswith("@") else f"{name}={value}"
    return f"{name}={json.dumps(value, ensure_ascii=False)}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _extras(filled: Filled) -> dict[str, object]:
    return {wanted: filled.extras[name] for name, wanted in _SENT_AS.items() if name in filled.extras}


def _with_default(field: Field, default: object) -> Field:
    from dataclasses import replace

    return replace(field, default=default, is_required=field.is_required and default is MISSING)


def _untyped(name: str, default: object) -> Field:
    return Field(name=name, schema={}, root={}, default=default)


def _place_of(source: Mapping[str, object]) -> dict[str, object]:
    """Say where a flow is, as the daemon is asked: by its file, or by its module."""
    place: dict[str, object] = {"flow": source.get("flow")}
    names = ("file", "python", "cwd", "path0") if _is_by_file(source) else ("module", "python", "cwd", "path0")
    return place | {name: source[name] for name in names if source.get(name)}


def _target_of(source: Mapping[str, object]) -> str:
    place = source.get("file") if _is_by_file(source) else source.get("module")
    return f"{place}:{source.get('flow')}"


def _is_by_file(source: Mapping[str, object]) -> bool:
    is_file = isinstance(source.get("file"), str)
    return is_file and bool(source.get("script") or "." not in str(source.get("module") or ""))
