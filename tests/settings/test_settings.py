"""Settings: one precedence, wrong values as sentences, secrets never shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from godtui.settings import (
    FLAGS,
    VARIABLES,
    MessageTtl,
    Settings,
    is_loopback,
    packaged,
)
from godtui.settings.values import counted
from tests.settings.conftest import Machine


def _to_flag(machine: Machine, flags: dict[str, object], name: str, value: str) -> None:
    flags[name] = value


def _to_environment(machine: Machine, flags: dict[str, object], name: str, value: str) -> None:
    machine.environ[VARIABLES[name]] = value


def _to_env_file(machine: Machine, flags: dict[str, object], name: str, value: str) -> None:
    machine.env_file.write_text(f"# secrets of the dispatcher\nexport {VARIABLES[name]}='{value}'\n")


def _to_toml(machine: Machine, flags: dict[str, object], name: str, value: str) -> None:
    machine.toml.write_text(f'{name} = "{value}"\n')


def _to_user_toml(machine: Machine, flags: dict[str, object], name: str, value: str) -> None:
    machine.user_toml.write_text(f'{name} = "{value}"\n')


Place = Callable[[Machine, dict[str, object], str, str], None]
PLACES: list[tuple[Place, Callable[[Machine], str]]] = [
    (_to_flag, lambda machine: "--port"),
    (_to_environment, lambda machine: "GODTUI_PORT"),
    (_to_env_file, lambda machine: "infra-dispatch.env"),
    (_to_toml, lambda machine: f"godtui.toml:{machine.toml}"),
    (_to_user_toml, lambda machine: f"godtui.toml:{machine.user_toml}"),
]


@pytest.mark.parametrize("strongest", range(len(PLACES)))
def test_the_first_place_that_says_it_counts(machine: Machine, strongest: int) -> None:
    flags: dict[str, object] = {}
    for number, (write, _) in enumerate(PLACES):
        if number >= strongest:
            write(machine, flags, "port", str(1000 + number))
    settings = machine.load(**flags)
    assert settings.port == 1000 + strongest
    assert settings.origin("port") == PLACES[strongest][1](machine)
    assert settings.origin("host") == "default"


def test_each_place_adds_what_stronger_ones_leave_out(machine: Machine) -> None:
    machine.environ["GODTUI_PORT"] = "1"
    machine.env_file.write_text("GODTUI_HEALTH_INTERVAL=2.5\n")
    machine.toml.write_text("publish_timeout = 3\n")
    machine.user_toml.write_text('unknown_types = "allow"\nport = 9\n')
    settings = machine.load(host="localhost")
    found = (settings.host, settings.port, settings.health_interval, settings.publish_timeout, settings.unknown_types)
    assert found == ("localhost", 1, 2.5, 3.0, "allow")


def test_defaults(machine: Machine) -> None:
    settings = machine.load(port=None)
    assert settings.bus_url == settings.shown_bus_url == "embedded:"
    assert settings.bus_urls == ()
    assert (settings.workers, settings.queue_type) == (("persister", "dispatcher"), "quorum")
    assert (settings.host, settings.port, settings.api_token, settings.allowed_hosts) == ("127.0.0.1", 8000, None, ())
    assert (settings.publish_timeout, settings.max_event_bytes, settings.health_interval) == (5.0, 1_048_576, 30.0)
    assert settings.unknown_types == "reject"
    assert settings.message_ttl == MessageTtl(86_400, {"candystore.events": 0})
    assert settings.data_dir.is_absolute()
    assert "godtui" in settings.data_dir.name
    assert {settings.origin(name) for name in VARIABLES} == {"default"}
    assert settings.warnings == ()


def test_names_are_those_of_the_table() -> None:
    assert FLAGS == {
        "bus_url": "--bus",
        "workers": "--workers",
        "data_dir": "--data-dir",
        "schemas": "--schemas",
        "registry": "--registry",
        "host": "--host",
        "port": "--port",
    }
    assert set(VARIABLES.values()) == {
        "GODTUI_BUS_URL",
        "GODTUI_WORKERS",
        "GODTUI_QUEUE_TYPE",
        "GODTUI_DATA_DIR",
        "GODTUI_SCHEMAS",
        "GODTUI_REGISTRY",
        "GODTUI_HOST",
        "GODTUI_PORT",
        "GODTUI_API_TOKEN",
        "GODTUI_ALLOWED_HOSTS",
        "GODTUI_RETENTION",
        "GODTUI_MESSAGE_TTL",
        "GODTUI_PUBLISH_TIMEOUT",
        "GODTUI_MAX_EVENT_BYTES",
        "GODTUI_UNKNOWN_TYPES",
        "GODTUI_HEALTH_INTERVAL",
        "OPENCLAW_HOOK_TOKEN",
        "OPENCLAW_HOOK_URL",
        "OPENCLAW_HOOK_DELIVER",
        "INFRA_READY_STATES",
        "INFRA_READY_LABELS",
        "INFRA_READY_LABELS_MATCH",
        "INFRA_COMPONENT_LABEL_PREFIX",
        "INFRA_REARM_SECONDS",
        "INFRA_RUN_CHECKS",
        "INFRA_CHECK_POLICY",
        "INFRA_CHECK_TIMEOUT_SECONDS",
        "INFRA_CHECK_REUSE_SECONDS",
        "INFRA_CHECK_RETRY_SECONDS",
        "INFRA_COMPONENT_CHECKS_JSON",
        "INFRA_COMPONENTS_ROOT",
        "INFRA_DISPATCH_STATE_PATH",
        "PLANE_WEBHOOK_SECRET",
    }


GOOD: list[tuple[str, str, object]] = [
    ("bus_url", "embedded:", "embedded:"),
    ("bus_url", "amqp://localhost", "amqp://localhost"),
    ("workers", "persister", ("persister",)),
    ("workers", "dispatcher, persister,", ("persister", "dispatcher")),
    ("queue_type", "classic", "classic"),
    ("host", "localhost", "localhost"),
    ("host", "127.0.0.9", "127.0.0.9"),
    ("host", "::1", "::1"),
    ("port", "0", 0),
    ("port", "65535", 65_535),
    ("allowed_hosts", "console.lan, other.lan,", ("console.lan", "other.lan")),
    ("allowed_hosts", "[::1],10.0.0.1", ("[::1]", "10.0.0.1")),
    ("message_ttl", "60", MessageTtl(60, {"candystore.events": 0})),
    ("message_ttl", "0", MessageTtl(0, {"candystore.events": 0})),
    ("message_ttl", "candystore.events=5", MessageTtl(86_400, {"candystore.events": 5})),
    ("message_ttl", "60, a.b=1,c=0", MessageTtl(60, {"candystore.events": 0, "a.b": 1, "c": 0})),
    ("publish_timeout", "0.5", 0.5),
    ("max_event_bytes", "1", 1),
    ("unknown_types", "allow", "allow"),
    ("health_interval", "86400", 86_400.0),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_values_as_text(machine: Machine, name: str, text: str, value: object) -> None:
    machine.environ[VARIABLES[name]] = text
    assert getattr(machine.load(), name) == value


ALLOWED = {
    "workers": "persister, dispatcher, both with a comma between them, or none",
    "queue_type": "quorum or classic",
    "data_dir": "a path",
    "schemas": "a folder that exists",
    "registry": "a file that exists",
    "host": "a host name or address without scheme and port",
    "port": "a whole number from 0 to 65535",
    "allowed_hosts": "host names or addresses without port, with commas between them",
    "message_ttl": "seconds from 0 to 4294967, for all queues or by name: 86400,candystore.events=0",
    "publish_timeout": "seconds above 0, at most 3600",
    "max_event_bytes": "a whole number from 1 to 134217728",
    "unknown_types": "reject or allow",
    "health_interval": "seconds above 0, at most 86400",
}
BAD: list[tuple[str, str]] = [
    ("workers", "persistor"),
    ("workers", "none,persister"),
    ("workers", "all"),
    ("workers", ","),
    ("queue_type", "Quorum"),
    ("queue_type", "stream"),
    ("data_dir", "a\0b"),
    ("schemas", "nowhere"),
    ("schemas", "file"),
    ("registry", "nowhere"),
    ("registry", "."),
    ("host", "http://localhost"),
    ("host", "localhost:80"),
    ("host", "a b"),
    ("host", "-x"),
    ("host", "a" * 64),
    ("port", "abc"),
    ("port", "-1"),
    ("port", "65536"),
    ("port", "1.5"),
    ("port", "1_000"),
    ("port", "٣"),
    ("port", "9" * 100),
    ("allowed_hosts", "a.lan:80"),
    ("allowed_hosts", "*"),
    ("message_ttl", "1,2"),
    ("message_ttl", "a=1,a=2"),
    ("message_ttl", "1,"),
    ("message_ttl", "=1"),
    ("message_ttl", "a="),
    ("message_ttl", "-1"),
    ("message_ttl", "4294968"),
    ("message_ttl", "a b=1"),
    ("publish_timeout", "0"),
    ("publish_timeout", "nan"),
    ("publish_timeout", "3601"),
    ("publish_timeout", "5s"),
    ("max_event_bytes", "0"),
    ("max_event_bytes", "134217729"),
    ("max_event_bytes", "1MiB"),
    ("unknown_types", "Allow"),
    ("health_interval", "0"),
    ("health_interval", "inf"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_wrong_value_is_one_sentence(machine: Machine, name: str, text: str) -> None:
    (machine.cwd / "file").touch()
    machine.environ[VARIABLES[name]] = text
    shown = text.replace("\0", "\\x00") if len(text) <= 80 else text[:79] + "…"
    assert machine.faults() == (f'{VARIABLES[name]} (environment) is "{shown}"; it must be {ALLOWED[name]}',)


def test_the_sentence_says_where_the_value_stands(machine: Machine) -> None:
    said = '"abc"; it must be a whole number from 0 to 65535'
    machine.user_toml.write_text('port = "abc"')
    assert machine.faults() == (f"port ({machine.user_toml}) is {said}",)
    machine.toml.write_text('port = "abc"')
    assert machine.faults() == (f"port ({machine.toml}) is {said}",)
    machine.env_file.write_text("GODTUI_PORT=abc")
    assert machine.faults() == (f"GODTUI_PORT ({machine.env_file}) is {said}",)
    machine.environ["GODTUI_PORT"] = "abc"
    assert machine.faults() == (f"GODTUI_PORT (environment) is {said}",)
    assert machine.faults(port="abc") == (f"--port is {said}",)


def test_a_value_that_another_outranks_is_not_judged(machine: Machine) -> None:
    machine.environ["GODTUI_PORT"] = "abc"
    assert machine.load(port=1).port == 1


def test_all_wrong_values_are_listed(machine: Machine) -> None:
    machine.environ |= {"GODTUI_PORT": "x", "GODTUI_HOST": "a b"}
    machine.toml.write_text("health_interval = -1")
    assert [fault.split()[0] for fault in machine.faults()] == ["GODTUI_HOST", "GODTUI_PORT", "health_interval"]


@pytest.mark.parametrize(
    ("name", "written", "shown"),
    [
        ("workers", "[]", "[]"),
        ("workers", "false", "false"),
        ("queue_type", "1", "1"),
        ("port", "true", "true"),
        ("port", "80.0", "80.0"),
        ("port", "[80]", "[80]"),
        ("host", "1", "1"),
        ("data_dir", "1", "1"),
        ("allowed_hosts", '["a", 1]', '["a", 1]'),
        ("allowed_hosts", "{a = 1}", '{"a": 1}'),
        ("message_ttl", "true", "true"),
        ("message_ttl", "1.5", "1.5"),
        ("publish_timeout", "nan", "NaN"),
        ("publish_timeout", "false", "false"),
        ("publish_timeout", "2026-02-12", '"2026-02-12"'),
        ("unknown_types", "true", "true"),
    ],
)
def test_wrong_types_in_toml(machine: Machine, name: str, written: str, shown: str) -> None:
    machine.toml.write_text(f"{name} = {written}\n")
    assert machine.faults() == (f"{name} ({machine.toml}) is {shown}; it must be {ALLOWED[name]}",)


def test_typed_values_in_toml(machine: Machine) -> None:
    machine.toml.write_text('port = 0\nallowed_hosts = ["a", "b"]\nmessage_ttl = 7\npublish_timeout = 1.5\n')
    settings = machine.load()
    assert (settings.port, settings.allowed_hosts, settings.publish_timeout) == (0, ("a", "b"), 1.5)
    assert settings.message_ttl.default == 7


def test_an_empty_variable_is_not_set(machine: Machine) -> None:
    machine.environ |= {"GODTUI_PORT": "", "GODTUI_API_TOKEN": ""}
    machine.env_file.write_text("GODTUI_HOST=\nGODTUI_UNKNOWN_TYPES\n")
    machine.toml.write_text("port = 7")
    assert machine.load().port == 7
    assert machine.faults(data_dir="") == ('--data-dir is ""; it must be a path',)


def test_ttl_of_a_queue() -> None:
    ttl = MessageTtl.read("60,a=1")
    assert (ttl.of("a"), ttl.of("b"), ttl.of("candystore.events")) == (1, 60, 0)


# Paths


def test_relative_paths_start_where_they_are_written(machine: Machine) -> None:
    machine.user_toml.write_text('data_dir = "kept"')
    assert machine.load().data_dir == machine.config_dir / "kept"
    machine.environ["GODTUI_DATA_DIR"] = "kept"
    assert machine.load().data_dir == machine.cwd / "kept"
    assert machine.load(data_dir="~/kept").data_dir == machine.home / "kept"
    assert machine.load(data_dir=Path("/kept")).data_dir == Path("/kept")


def test_schemas_and_registry_as_set_else_here_else_packaged(machine: Machine) -> None:
    settings = machine.load()
    assert settings.schemas_folder() == packaged("schemas")
    assert settings.registry_file() == packaged("registry.yaml")
    assert (settings.schemas, settings.registry) == (None, None)
    (machine.cwd / "schemas").mkdir()
    (machine.cwd / "registry.yaml").touch()
    assert settings.schemas_folder() == machine.cwd / "schemas"
    assert settings.registry_file() == machine.cwd / "registry.yaml"
    (machine.cwd / "other").mkdir()
    (machine.cwd / "other.yaml").touch()
    settings = machine.load(schemas="other", registry="other.yaml")
    assert settings.schemas_folder() == machine.cwd / "other"
    assert settings.registry_file() == machine.cwd / "other.yaml"


# Secrets and who may reach us


def test_a_token_is_never_shown(machine: Machine) -> None:
    machine.environ["GODTUI_API_TOKEN"] = "hunter2"
    settings = machine.load()
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()} {settings.warnings}"


@pytest.mark.parametrize("token", ["hunter2 and more", "hunter2\n", "hunter2é"])
def test_a_wrong_token_is_not_repeated(machine: Machine, token: str) -> None:
    machine.environ["GODTUI_API_TOKEN"] = token
    assert machine.faults() == ("GODTUI_API_TOKEN (environment) must be visible ASCII characters without spaces",)
    del machine.environ["GODTUI_API_TOKEN"]
    machine.toml.write_text("api_token = 1234567")
    assert machine.faults() == (f"api_token ({machine.toml}) must be visible ASCII characters without spaces",)


def test_a_host_that_others_reach_needs_a_token(machine: Machine) -> None:
    for host in ("0.0.0.0", "::", "console.lan", "127.1"):
        assert machine.faults(host=host) == (
            f'--host is "{host}", which others can reach; set GODTUI_API_TOKEN, or use 127.0.0.1',
        )
    machine.environ["GODTUI_API_TOKEN"] = "t"
    assert machine.load(host="0.0.0.0").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# What is written and not understood


def test_an_unknown_key_names_the_nearest(machine: Machine) -> None:
    machine.toml.write_text('prot = 1\nxyzzy = "hunter2"\n[godtui]\nport = 1\n')
    unknown = "is no setting; see README for the settings there are"
    assert machine.faults() == (
        f"'prot' ({machine.toml}) is no setting; did you mean port?",
        f"'xyzzy' ({machine.toml}) {unknown}",
        f"'godtui' ({machine.toml}) {unknown}",
    )


def test_a_misspelt_variable_is_warned_of(machine: Machine) -> None:
    machine.environ |= {"GODTUI_PROT": "hunter2", "PORT": "1", "GODTUI_URL": "http://x", "GODTUI_ARGS": "--demo"}
    machine.env_file.write_text("GODTUI_XYZZY=hunter2\nSOMETHING_ELSE=1\n")
    assert machine.load().warnings == (
        "GODTUI_PROT is no setting and is ignored; did you mean GODTUI_PORT?",
        "GODTUI_XYZZY is no setting and is ignored; see README for the settings there are",
    )


@pytest.mark.parametrize(
    ("text", "age", "size"),
    [
        ("30d", 30 * 86_400, None),
        ("12h", 12 * 3_600, None),
        ("2w", 14 * 86_400, None),
        ("50GB", None, 50 * 10**9),
        ("512 MiB", None, 512 * 1024**2),
        (" 30D , 1tb", 30 * 86_400, 10**12),
        ("50GB,30d", 30 * 86_400, 50 * 10**9),
        ("all", None, None),
    ],
)
def test_what_the_store_keeps(machine: Machine, text: str, age: int | None, size: int | None) -> None:
    machine.environ["GODTUI_RETENTION"] = text
    kept = machine.load().retention
    assert (kept.age, kept.size) == (age, size)


def test_everything_is_kept_unless_told_otherwise(machine: Machine) -> None:
    assert (machine.load().retention.age, machine.load().retention.size) == (None, None)
    machine.toml.write_text('retention = "30d"\n')
    assert str(machine.load().retention) == "30d"


@pytest.mark.parametrize(
    "text",
    ["", "30", "d", "0d", "-1d", "30m", "30x", "1.5d", "30d,", "30d,12h", "1GB,2GB", "30d 50GB", "9999999999d", "1EB"],
)
def test_what_is_no_retention(machine: Machine, text: str) -> None:
    machine.toml.write_text(f'retention = "{text}"\n')
    (fault,) = machine.faults()
    assert fault.startswith("retention (")
    assert "it must be an age such as 30d" in fault


def test_a_number_is_no_retention(machine: Machine) -> None:
    machine.toml.write_text("retention = 30\n")
    (fault,) = machine.faults()
    assert fault.endswith("a size such as 50GB (MB, GB, TB), both with a comma, or all")


# Files that cannot be read


@pytest.mark.parametrize("text", ["port", "port = 1\nport = 2", "port = 'x", "[", 'port = "hunter2', "\x01"])
def test_broken_toml(machine: Machine, text: str) -> None:
    machine.toml.write_text(text)
    (fault,) = machine.faults()
    assert fault.startswith(f"{machine.toml} is not TOML: ")
    assert "\n" not in fault
    assert "hunter2" not in fault


def test_toml_nested_without_end(machine: Machine) -> None:
    machine.toml.write_text("port = " + "[" * 100_000)
    assert machine.faults() == (f"{machine.toml} is nested too deeply; settings are plain keys and values",)


def test_a_broken_line_of_the_env_file(machine: Machine) -> None:
    machine.env_file.write_text("GODTUI_PORT=1\nthis is hunter2\n")
    assert machine.faults() == (f"line 2 of {machine.env_file} is not NAME=value; correct or remove it",)


def test_the_env_file_is_taken_literally(machine: Machine) -> None:
    machine.env_file.write_text('GODTUI_API_TOKEN="${HOME}$x#y"\n')
    token = machine.load().api_token
    assert token is not None
    assert token.get_secret_value() == "${HOME}$x#y"


def test_a_byte_order_mark_is_no_character(machine: Machine) -> None:
    machine.toml.write_bytes(b"\xef\xbb\xbfport = 5")
    assert machine.load().port == 5


@pytest.mark.parametrize("place", ["toml", "user_toml", "env_file"])
def test_files_that_cannot_be_read(machine: Machine, place: str) -> None:
    file: Path = getattr(machine, place)
    file.write_bytes(b"port = \xff")
    assert machine.faults() == (f"{file} is not UTF-8 at byte 7; save it as UTF-8",)
    file.unlink()
    file.mkdir()
    assert machine.faults() == (f"{file} cannot be read (Is a directory); make it a readable file",)


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    inside_a_file = tmp_path / "file" / "x"
    settings = Settings.load({}, {}, tmp_path / "gone", inside_a_file, tmp_path / "gone too")
    assert settings.port == 8000


# The value itself


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=0)
    assert (settings.data_dir, settings.port) == (tmp_path, 0)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_loading_reads_nothing_but_its_inputs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.setenv(variable, "not this")
    environ: Mapping[str, str] = {}
    assert Settings.load({}, environ, machine.cwd, machine.config_dir, machine.home).port == 8000


@pytest.mark.parametrize(("number", "told"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1200, "1,200 events")])
def test_one_of_a_thing_is_told_as_one(number: int, told: str) -> None:
    assert counted(number, "event") == told
