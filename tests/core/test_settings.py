"""Settings: the order of their sources, and errors that lead to the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.core.authoring.secret_names import SECRET_NAMES
from flowctl.core.engine.settings import SETTINGS, Settings, SettingsError, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)


def project(folder: Path, **files: str) -> str:
    """Write files (`flowctl_toml=…`) and return the path of a flow file two folders below them."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    flow_file = folder / "a" / "b" / "flow.py"
    flow_file.parent.mkdir(parents=True, exist_ok=True)
    flow_file.write_text("")
    return str(flow_file)


def test_without_file_and_environment_everything_is_default(tmp_path: Path) -> None:
    settings = load_settings(project(tmp_path))

    assert {name: getattr(settings, name) for name in SETTINGS} == {s.name: s.default for s in SETTINGS.values()}
    assert {settings.origin(name) for name in SETTINGS} == {"default"}
    assert settings.level_number == 20


def test_every_setting_has_a_slot_and_a_default_that_reads_back() -> None:
    assert {"file", "_origins", *SETTINGS} == set(Settings.__slots__)
    for setting in SETTINGS.values():
        default = list(SECRET_NAMES) if setting.name == "secret_names" else setting.default
        assert setting.read(default) == setting.default


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow_file = project(tmp_path, flowctl_toml='log_level = "debug"\n\nlog_prints = true\n')
    monkeypatch.setenv("FLOWCTL_LOG_LEVEL", "warning")

    settings = load_settings(flow_file)

    assert settings.log_level == "WARNING"
    assert settings.origin("log_level") == "environment FLOWCTL_LOG_LEVEL"
    assert settings.log_prints is True
    assert settings.origin("log_prints") == f"{tmp_path}/flowctl.toml line 3"


def test_the_nearest_folder_wins_and_flowctl_toml_within_it(tmp_path: Path) -> None:
    flow_file = project(
        tmp_path,
        flowctl_toml="task_workers = 1\n",
        pyproject_toml="[tool.flowctl]\ntask_workers = 2\n",
    )
    assert load_settings(flow_file).task_workers == 1

    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "flowctl"\n[tool.flowctl]\ntask_workers = 3\n')
    settings = load_settings(flow_file)

    assert settings.task_workers == 3
    assert settings.origin("task_workers") == f"{tmp_path}/a/pyproject.toml line 4"


def test_a_pyproject_without_our_table_is_passed_over(tmp_path: Path) -> None:
    flow_file = project(tmp_path, flowctl_toml="task_workers = 1\n")
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\ndependencies = ["flowctl-local"]\n')

    assert load_settings(flow_file).task_workers == 1


@pytest.mark.parametrize(
    ("given", "size"),
    [("0", 0), ("65536", 65536), ("64KiB", 65536), ("64 kib", 65536), ("1.5MiB", 1572864), ("10 MB", 10_000_000)],
)
def test_sizes_are_read_with_units(given: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_KEEP_RESULTS_UP_TO", given)

    assert load_settings(str(tmp_path)).keep_results_up_to == size


def test_lists_and_flags_come_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_SECRET_NAMES", "Pin, iban")
    monkeypatch.setenv("FLOWCTL_LOG_CAPTURE_ROOT", "off")

    settings = load_settings(str(tmp_path))

    assert settings.secret_names == ("pin", "iban")
    assert settings.log_capture_root is False


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\nlog_levle = 'INFO'", ["'log_levle'", "flowctl.toml line 2", "Did you mean 'log_level'?"]),
        ("zzz = 1", ["'zzz'", "line 1", "Known are: durability, "]),
        ("[log_levels]\na = 1", ["'log_levels'", "line 1", "Did you mean 'log_level'?"]),
        ("task_workers = 0", ["task_workers cannot be 0", "line 1", "a whole number from 1"]),
        ("task_workers = true", ["task_workers cannot be True"]),
        ("task_workers = 'many'", ["task_workers cannot be 'many'"]),
        ("log_prints = 3", ["log_prints cannot be 3", "true or false"]),
        ("durability = 'disk'", ['Allowed: "process" or "power"']),
        ("keep_results_up_to = '3 lightyears'", ["keep_results_up_to"]),
        ("keep_results_up_to = 'infGB'", ["keep_results_up_to"]),
        ("tasks_default_retry_delay_seconds = nan", ["tasks_default_retry_delay_seconds cannot be nan"]),
        ("secret_names = [1]", ["secret_names cannot be [1]"]),
        ("a = \n", ["flowctl.toml is not valid TOML", "line 1, column 5"]),
    ],
)
def test_a_wrong_file_is_an_error_that_names_place_and_remedy(text: str, parts: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(project(tmp_path, flowctl_toml=text))

    assert [part for part in [*parts, str(tmp_path / "flowctl.toml")] if part not in str(caught.value)] == []


def test_a_wrong_variable_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_TASK_WORKERS", "-3")

    with pytest.raises(SettingsError, match=r"cannot be '-3' \(environment FLOWCTL_TASK_WORKERS\)"):
        load_settings(str(tmp_path))


def test_bytes_that_are_no_text_are_an_error_with_the_path(tmp_path: Path) -> None:
    flow_file = project(tmp_path)
    (tmp_path / "flowctl.toml").write_bytes(b"log_level = '\xff'")

    with pytest.raises(SettingsError, match=r"flowctl\.toml cannot be read"):
        load_settings(flow_file)


def test_variables_that_mean_nothing_are_listed_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCTL_LOG_LEVLE", "INFO")
    monkeypatch.setenv("FLOWCTL_HOME", "/somewhere")

    assert unknown_variables() == [
        "The environment variable FLOWCTL_LOG_LEVLE means nothing to flowctl. Did you mean 'FLOWCTL_LOG_LEVEL'?"
    ]
