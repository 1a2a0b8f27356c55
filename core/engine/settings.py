"""Settings: what there is to set, and how each value is found: environment, then file, then default.

The file is the nearest upward from the flow file: `flowctl.toml`, or a `pyproject.toml` with `[tool.flowctl]`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.authoring.secret_names import SECRET_NAMES
from flowctl.core.engine.setting_readers import choice, flag, seconds, size, whole, words

PREFIX: Final = "FLOWCTL_"
LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
#: Variables that steer flowctl without being settings.
OTHER_VARIABLES: Final = (
    "FLOWCTL_HOME",
    "FLOWCTL_ASCII",
    "FLOWCTL_THEME",
    "FLOWCTL_CALM",
    "FLOWCTL_FPS",
    "FLOWCTL_FAILPOINT",
)

#: What else stands in a settings file: the daemon reads it.
NOT_SETTINGS: Final = ("deployments",)


class SettingsError(FlowctlError):
    """A setting is unknown or has a value that it cannot have."""


class Setting(NamedTuple):
    """One thing that a user may set."""

    name: str
    default: Any  # of the kind that `read` makes
    description: str
    #: What may stand there, in words.
    allowed: str
    #: Makes the typed value of what a file or (as text) the environment holds; ValueError where it cannot.
    read: Callable[[object], object]

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


SETTINGS: Final[dict[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            "log_level",
            "INFO",
            "Least level of log lines that are kept and shown.",
            "DEBUG, INFO, WARNING, ERROR or CRITICAL",
            choice(*LEVELS),
        ),
        Setting("log_prints", False, "What flows and tasks print becomes log lines.", "true or false", flag),
        Setting(
            "log_capture_root",
            True,
            "Log lines of other libraries' loggers are kept with the run.",
            "true or false",
            flag,
        ),
        Setting(
            "show_log",
            True,
            "Flows run by plain Python show their log lines on stderr.",
            "true or false",
            flag,
        ),
        Setting(
            "durability",
            "process",
            "What an acknowledged task survives: the death of any process, or a power cut.",
            '"process" or "power"',
            choice("process", "power"),
        ),
        Setting(
            "keep_results_up_to",
            65536,
            "Results up to this size are kept without being asked for.",
            'a number of bytes, or a text such as "64KiB" or "10 MB"',
            size,
        ),
        Setting(
            "task_workers",
            64,
            "Worker threads of a task runner that names no number.",
            "a whole number from 1",
            whole(1),
        ),
        Setting("tasks_default_retries", 0, "Retries of tasks that name none.", "a whole number from 0", whole(0)),
        Setting(
            "tasks_default_retry_delay_seconds",
            0.0,
            "Wait before a retry, for tasks that name none.",
            "a number of seconds from 0",
            seconds,
        ),
        Setting("flows_default_retries", 0, "Retries of flows that name none.", "a whole number from 0", whole(0)),
        Setting(
            "secret_names",
            SECRET_NAMES,
            "Values whose name holds one of these words are masked.",
            "a list of words (in the environment: with commas between)",
            words,
        ),
        Setting(
            "preview_length",
            200,
            "Longest preview of arguments and values, in characters.",
            "a whole number from 20",
            whole(20),
        ),
        Setting(
            "traceback_locals",
            True,
            "What the variables of your own frames held is kept with the error of a try that failed.",
            "true or false",
            flag,
        ),
        Setting(
            "retain_days",
            90,
            "The daemon deletes runs that ended longer ago than this; 0 keeps them for ever.",
            "a whole number of days from 0",
            whole(0),
        ),
        Setting(
            "retain_runs",
            50_000,
            "The daemon keeps at most so many runs, the latest; 0 means any number.",
            "a whole number from 0",
            whole(0),
        ),
        Setting(
            "retain_size",
            10_000_000_000,
            "The daemon deletes the oldest runs when the home is larger than this; 0 means any size.",
            'a number of bytes, or a text such as "500 MB" or "10 GB"',
            size,
        ),
        Setting(
            "inspect_seconds",
            10.0,
            "Importing a watched flow file may take so long when the daemon looks what is in it.",
            "a number of seconds from 0",
            seconds,
        ),
        Setting(
            "inspect_memory",
            4 << 30,
            "Importing a watched flow file may take so much memory; 0 means any amount.",
            'a number of bytes, or a text such as "2 GiB"',
            size,
        ),
        Setting(
            "snapshot_hours",
            24,
            "Hours between two verified copies of the database; 0 makes none.",
            "a whole number of hours from 0",
            whole(0),
        ),
    )
}


class Settings:
    """The values in force, each with its origin."""

    __slots__ = (
        "_origins",
        "durability",
        "file",
        "flows_default_retries",
        "inspect_memory",
        "inspect_seconds",
        "keep_results_up_to",
        "log_capture_root",
        "log_level",
        "log_prints",
        "preview_length",
        "retain_days",
        "retain_runs",
        "retain_size",
        "secret_names",
        "show_log",
        "snapshot_hours",
        "task_workers",
        "tasks_default_retries",
        "tasks_default_retry_delay_seconds",
        "traceback_locals",
    )

    log_level: str
    log_prints: bool
    log_capture_root: bool
    show_log: bool
    durability: str
    keep_results_up_to: int
    task_workers: int
    tasks_default_retries: int
    tasks_default_retry_delay_seconds: float
    flows_default_retries: int
    secret_names: tuple[str, ...]
    preview_length: int
    traceback_locals: bool
    retain_days: int
    retain_runs: int
    retain_size: int
    snapshot_hours: int
    inspect_seconds: float
    inspect_memory: int
    #: The settings file in force, if there is one.
    file: str | None

    def __init__(self, values: dict[str, object], origins: dict[str, str], file: str | None) -> None:
        for setting in SETTINGS.values():
            setattr(self, setting.name, values.get(setting.name, setting.default))
        self._origins = origins
        self.file = file

    @property
    def level_number(self) -> int:
        """The log level as the number that standard logging gives it."""
        return LEVELS[self.log_level]

    def origin(self, name: str) -> str:
        """Say where a value came from: `default`, `environment FLOWCTL_…`, `/path/flowctl.toml line 3`."""
        return self._origins.get(name, "default")


def load_settings(start: str | None = None) -> Settings:
    """Find every setting, with the file looked for upward from `start` (a file or folder; else the working folder)."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    path, table, place = _find_file(start)
    for name, value in table.items():
        if name in NOT_SETTINGS:
            continue
        setting = SETTINGS.get(name)
        if setting is None:
            raise SettingsError(f"Unknown setting {name!r} in {place(name)}.{nearest(name, SETTINGS)}")
        values[name] = _typed(setting, value, place(name))
        origins[name] = place(name)
    for setting in SETTINGS.values():
        given = os.environ.get(setting.variable)
        if given:
            origin = f"environment {setting.variable}"
            values[setting.name] = _typed(setting, given, origin)
            origins[setting.name] = origin
    return Settings(values, origins, path)


def unknown_variables() -> list[str]:
    """List the set `FLOWCTL_…` variables that mean nothing, each with the nearest that does."""
    known = [setting.variable for setting in SETTINGS.values()] + [*OTHER_VARIABLES]
    strange = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    return [f"The environment variable {name} means nothing to flowctl.{nearest(name, known)}" for name in strange]


def nearest(name: str, known: Any) -> str:  # any iterable of names; collections.abc.Iterable would say no more here
    """Make the sentence that leads from a wrong name to a right one."""
    from difflib import get_close_matches  # only on the way to an error

    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else f" Known are: {', '.join(sorted(known))}."


def _typed(setting: Setting, value: object, place: str) -> object:
    try:
        return setting.read(value)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"The setting {setting.name} cannot be {value!r:.200} ({place}). Allowed: {setting.allowed}."
        ) from None


def _find_file(start: str | None) -> tuple[str | None, dict[str, Any], Callable[[str], str]]:
    """Return the nearest settings file, its table (values are whatever TOML holds), and where in it a name stands."""
    folder = os.path.abspath(start or os.curdir)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    while True:
        for path, header in ((f"{folder}/flowctl.toml", ""), (f"{folder}/pyproject.toml", "tool.flowctl")):
            path = path.replace("//", "/")
            if os.path.isfile(path) and (found := _read_file(path, header)) is not None:
                table, text = found
                return path, table, lambda name, path=path, text=text, header=header: _place(path, text, header, name)
        parent = os.path.dirname(folder)
        if parent == folder:
            return None, {}, lambda name: name
        folder = parent


def _read_file(path: str, header: str) -> tuple[dict[str, Any], str] | None:
    """Return the table of settings in a file and the file's text; None where a pyproject.toml has none."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.") from error
    if header and "flowctl" not in text:
        return None
    import tomllib  # 8 ms, and most projects have no settings file

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}.") from error
    if not header:
        return document, text
    tools: object = document.get("tool")
    if not isinstance(tools, dict) or "flowctl" not in tools:
        return None
    table: object = cast("dict[str, object]", tools)["flowctl"]
    if not isinstance(table, dict):
        raise SettingsError(f"In {path}, tool.flowctl must be a table: write its settings below [tool.flowctl].")
    return cast("dict[str, Any]", table), text


def _place(path: str, text: str, header: str, name: str) -> str:
    """Say where a name stands; TOML's reader keeps no line numbers, so the lines are looked through."""
    inside = not header
    fallback = 0
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].strip()
        if words.startswith("["):
            title = words.strip("[] ").replace(" ", "").replace('"', "").replace("'", "")
            full = f"{header}.{name}".lstrip(".")
            if title == full or title.startswith(full + "."):
                return f"{path} line {number}"
            inside = title == header
        key = words.partition("=")[0].replace(" ", "").replace('"', "").replace("'", "")
        if inside and "=" in words and (key == name or key.startswith(name + ".")):
            return f"{path} line {number}"
        if not fallback and name in words:
            fallback = number
    return f"{path} line {fallback}" if fallback else path
