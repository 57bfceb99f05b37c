"""The dispatcher's settings: names of their own, wrong values as sentences, and secrets that nobody sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from godtui.settings import FLAGS, VARIABLES, CheckSetting, DispatchingSettings, Settings
from tests.settings.conftest import Machine

NAMES = list(DispatchingSettings.model_fields)
HOOK = "http://host.docker.internal:18789/hooks/agent"


def test_their_variables_have_no_prefix_and_they_have_no_flags() -> None:
    assert {VARIABLES[name] for name in NAMES} == {name.upper() for name in NAMES}
    assert not set(NAMES) & set(FLAGS)


def test_defaults(machine: Machine) -> None:
    settings = machine.load()
    assert (settings.openclaw_hook_token, settings.plane_webhook_secret) == (None, None)
    assert (settings.openclaw_hook_url, settings.openclaw_hook_deliver) == (HOOK, False)
    assert settings.infra_ready_states == ("unstarted",)
    assert (settings.infra_ready_labels, settings.infra_ready_labels_match) == (("ready", "automation:go"), "all")
    assert (settings.infra_component_label_prefix, settings.infra_rearm_seconds) == ("comp:", 5.0)
    assert (settings.infra_run_checks, settings.infra_check_policy) == (True, "block")
    assert settings.infra_check_timeout_seconds == settings.infra_check_retry_seconds == 900.0
    assert settings.infra_check_reuse_seconds == 60.0
    assert (settings.infra_component_checks_json, settings.infra_components_root) == ({}, None)
    assert settings.infra_dispatch_state_path == machine.home / ".config" / "openclaw" / "infra-dispatch-state.json"
    assert {settings.origin(name) for name in NAMES} == {"default"}


def test_alone_the_state_is_in_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = Settings().infra_dispatch_state_path
    assert found == tmp_path / ".config" / "openclaw" / "infra-dispatch-state.json"


def test_the_original_file_is_read(machine: Machine) -> None:
    machine.env_file.write_text(
        "# Team Infra\n"
        "OPENCLAW_HOOK_TOKEN=0123456789abcdef\n"
        "OPENCLAW_HOOK_URL=http://100.64.0.1:18789/hooks/agent\n"
        "OPENCLAW_HOOK_DELIVER=false\n"
        "INFRA_READY_STATES=unstarted\n"
        "INFRA_READY_LABELS=ready,automation:go\n"
        "INFRA_COMPONENT_LABEL_PREFIX=comp:\n"
        "INFRA_DISPATCH_STATE_PATH=.infra_dispatch_state.json\n"
        "INFRA_RUN_CHECKS=True\n"
        "INFRA_CHECK_TIMEOUT_SECONDS=900\n"
        'INFRA_COMPONENT_CHECKS_JSON={"bloodbank":{"cwd":"/code/bloodbank","command":"mise x -- uv run pytest -q"}}\n'
        "RABBITMQ_URL=amqp://u:p@h\n"
    )
    settings = machine.load()
    assert settings.warnings == ()
    assert settings.openclaw_hook_url == "http://100.64.0.1:18789/hooks/agent"
    assert settings.infra_dispatch_state_path == machine.cwd / ".infra_dispatch_state.json"
    assert settings.infra_component_checks_json == {
        "bloodbank": CheckSetting(command="mise x -- uv run pytest -q", cwd=Path("/code/bloodbank"))
    }
    assert settings.origin("infra_run_checks") == "infra-dispatch.env"


def test_the_first_place_that_says_it_counts(machine: Machine) -> None:
    machine.user_toml.write_text("infra_rearm_seconds = 4\n")
    machine.toml.write_text("infra_rearm_seconds = 3\n")
    assert machine.load().origin("infra_rearm_seconds") == f"godtui.toml:{machine.toml}"
    machine.env_file.write_text("INFRA_REARM_SECONDS=2\n")
    assert (machine.load().infra_rearm_seconds, machine.load().origin("infra_rearm_seconds")) == (
        2.0,
        "infra-dispatch.env",
    )
    machine.environ["INFRA_REARM_SECONDS"] = "1"
    assert (machine.load().infra_rearm_seconds, machine.load().origin("infra_rearm_seconds")) == (
        1.0,
        "INFRA_REARM_SECONDS",
    )


def test_a_prefix_of_ours_makes_them_other_names(machine: Machine) -> None:
    machine.environ["GODTUI_INFRA_RUN_CHECKS"] = "false"
    settings = machine.load()
    assert settings.infra_run_checks
    assert settings.warnings == (
        "GODTUI_INFRA_RUN_CHECKS is no setting and is ignored; did you mean INFRA_RUN_CHECKS?",
    )


# Values


TRUE, FALSE = ["true", "TRUE", "Yes", "on", "1", " 1 "], ["false", "False", "no", "OFF", "0"]
GOOD: list[tuple[str, str, object]] = [
    *[("openclaw_hook_deliver", text, True) for text in TRUE],
    *[("infra_run_checks", text, False) for text in FALSE],
    ("openclaw_hook_url", "https://openclaw.lan/hooks/agent?x=1", "https://openclaw.lan/hooks/agent?x=1"),
    ("openclaw_hook_url", "HTTP://[::1]:18789/hooks", "http://[::1]:18789/hooks"),
    ("infra_ready_states", "unstarted, Todo,", ("unstarted", "Todo")),
    ("infra_ready_labels", "ready", ("ready",)),
    ("infra_ready_labels_match", "any", "any"),
    ("infra_component_label_prefix", " component/ ", "component/"),
    ("infra_rearm_seconds", "0", 0.0),
    ("infra_rearm_seconds", "86400", 86_400.0),
    ("infra_check_policy", "annotate", "annotate"),
    ("infra_check_timeout_seconds", "0.001", 0.001),
    ("infra_check_reuse_seconds", "0", 0.0),
    ("infra_check_retry_seconds", "86400", 86_400.0),
    ("infra_component_checks_json", "{}", {}),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_values_as_text(machine: Machine, name: str, text: str, value: object) -> None:
    machine.environ[VARIABLES[name]] = text
    assert getattr(machine.load(), name) == value


ALLOWED = {
    "openclaw_hook_deliver": "true or false",
    "infra_ready_states": "at least one state or group of states, with commas between them",
    "infra_ready_labels": "at least one label, with commas between them",
    "infra_ready_labels_match": "all or any",
    "infra_component_label_prefix": "how labels of components begin, such as comp:",
    "infra_rearm_seconds": "seconds from 0 to 86400",
    "infra_run_checks": "true or false",
    "infra_check_policy": "block or annotate",
    "infra_check_timeout_seconds": "seconds above 0, at most 86400",
    "infra_check_reuse_seconds": "seconds from 0 to 86400",
    "infra_check_retry_seconds": "seconds above 0, at most 86400",
    "infra_components_root": "a path",
    "infra_dispatch_state_path": "a path",
}
BAD: list[tuple[str, str]] = [
    *[("infra_run_checks", text) for text in ("maybe", "2", "t", "yes please", "-1")],
    ("openclaw_hook_deliver", "nope"),
    ("infra_ready_states", ","),
    ("infra_ready_states", " "),
    ("infra_ready_labels", ", ,"),
    ("infra_ready_labels_match", "All"),
    ("infra_component_label_prefix", "  "),
    ("infra_rearm_seconds", "86400.5"),
    ("infra_rearm_seconds", "-1"),
    ("infra_rearm_seconds", "nan"),
    ("infra_rearm_seconds", "5s"),
    ("infra_check_policy", "warn"),
    ("infra_check_timeout_seconds", "0"),
    ("infra_check_timeout_seconds", "86401"),
    ("infra_check_reuse_seconds", "86401"),
    ("infra_check_retry_seconds", "0"),
    ("infra_check_retry_seconds", "inf"),
    ("infra_components_root", "a\0b"),
    ("infra_dispatch_state_path", "a\0b"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_wrong_value_is_one_sentence(machine: Machine, name: str, text: str) -> None:
    machine.environ[VARIABLES[name]] = text
    shown = text.replace("\0", "\\x00")
    assert machine.faults() == (f'{VARIABLES[name]} (environment) is "{shown}"; it must be {ALLOWED[name]}',)


@pytest.mark.parametrize(
    ("name", "written", "shown"),
    [
        ("openclaw_hook_deliver", "0.0", "0.0"),
        ("infra_run_checks", "[]", "[]"),
        ("infra_run_checks", "7", "7"),
        ("infra_ready_states", "[]", "[]"),
        ("infra_ready_labels", "[1]", "[1]"),
        ("infra_ready_labels", "true", "true"),
        ("infra_component_label_prefix", "1", "1"),
        ("infra_check_reuse_seconds", "true", "true"),
        ("infra_check_reuse_seconds", "nan", "NaN"),
        ("infra_components_root", "1", "1"),
        ("infra_dispatch_state_path", '""', '""'),
    ],
)
def test_wrong_types_in_toml(machine: Machine, name: str, written: str, shown: str) -> None:
    machine.toml.write_text(f"{name} = {written}\n")
    assert machine.faults() == (f"{name} ({machine.toml}) is {shown}; it must be {ALLOWED[name]}",)


def test_typed_values_in_toml(machine: Machine) -> None:
    machine.toml.write_text(
        'infra_run_checks = false\nopenclaw_hook_deliver = 1\ninfra_ready_labels = ["go"]\ninfra_rearm_seconds = 1.5\n'
    )
    settings = machine.load()
    assert (settings.infra_run_checks, settings.openclaw_hook_deliver) == (False, True)
    assert (settings.infra_ready_labels, settings.infra_rearm_seconds) == (("go",), 1.5)


def test_paths_start_where_they_are_written(machine: Machine) -> None:
    machine.user_toml.write_text('infra_components_root = "code"\ninfra_dispatch_state_path = "~/state.json"\n')
    settings = machine.load()
    assert settings.infra_components_root == machine.config_dir / "code"
    assert settings.infra_dispatch_state_path == machine.home / "state.json"
    machine.environ["INFRA_COMPONENTS_ROOT"] = "code"
    assert machine.load().infra_components_root == machine.cwd / "code"


# Checks of components


EXAMPLE = '{"component": {"command": "make test", "cwd": "/path"}}'


def test_checks_as_json(machine: Machine) -> None:
    machine.environ["INFRA_COMPONENT_CHECKS_JSON"] = json.dumps(
        {
            " Bloodbank ": {"command": "make test"},
            "candybar": {"command": "bun run lint && bun run build", "cwd": "~/candybar"},
            "pjangler": {"command": "é", "cwd": "code/pjangler"},
            "holyfields": {"command": "true", "cwd": None},
        }
    )
    assert machine.load().infra_component_checks_json == {
        "bloodbank": CheckSetting(command="make test"),
        "candybar": CheckSetting(command="bun run lint && bun run build", cwd=machine.home / "candybar"),
        "pjangler": CheckSetting(command="é", cwd=machine.cwd / "code" / "pjangler"),
        "holyfields": CheckSetting(command="true"),
    }


def test_checks_as_a_table(machine: Machine) -> None:
    machine.user_toml.write_text('[infra_component_checks_json.bloodbank]\ncommand = "make"\ncwd = "bus"\n')
    found = machine.load().infra_component_checks_json
    assert found == {"bloodbank": CheckSetting(command="make", cwd=machine.config_dir / "bus")}
    machine.user_toml.write_text('infra_component_checks_json = \'{"a": {"command": "make"}}\'\n')
    assert machine.load().infra_component_checks_json == {"a": CheckSetting(command="make")}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "{",
            "it is not JSON (Expecting property name enclosed in double quotes at line 1 column 2); write " + EXAMPLE,
        ),
        ('{"a": NaN}', "it is not JSON (NaN is not JSON); write " + EXAMPLE),
        ('{"a": {"command": "x"}, "a": {}}', 'it is not JSON (duplicate key "a"); write ' + EXAMPLE),
        ("[]", "it must be an object such as " + EXAMPLE),
        ("null", "it must be an object such as " + EXAMPLE),
        ('{"a": "make"}', 'the check of "a" must be an object such as {"command": "make test"}'),
        ('{"a": {}}', 'the check of "a" has no command; write what /bin/sh is to run'),
        ('{"a": {"command": " "}}', 'the check of "a" has no command; write what /bin/sh is to run'),
        ('{"a": {"command": ["make"]}}', 'the check of "a" has no command; write what /bin/sh is to run'),
        (
            '{"a": {"command": "x", "cwd": 1}}',
            'the check of "a" has a cwd that is no path; name a folder, or leave it out',
        ),
        (
            '{"a": {"command": "x", "cwd": ""}}',
            'the check of "a" has a cwd that is no path; name a folder, or leave it out',
        ),
        (
            '{"a": {"command": "x\\u0000"}}',
            'the check of "a" holds a NUL character, which neither a command nor a path can',
        ),
        (
            '{"a": {"command": "x", "cwd": "\\u0000"}}',
            'the check of "a" holds a NUL character, which neither a command nor a path can',
        ),
        (
            '{"a": {"command": "x", "timeout": 1}}',
            'the check of "a" has a member "timeout"; there are command and cwd',
        ),
        ('{" ": {"command": "x"}}', "a component in it has no name; write " + EXAMPLE),
        (
            '{"A": {"command": "x"}, "a": {"command": "y"}}',
            'it names the component "a" twice, in other letters',
        ),
    ],
)
def test_checks_that_are_none(machine: Machine, text: str, sentence: str) -> None:
    machine.environ["INFRA_COMPONENT_CHECKS_JSON"] = text
    assert machine.faults() == (f'INFRA_COMPONENT_CHECKS_JSON (environment) is "{text}"; {sentence}',)


def test_what_is_repeated_of_checks_cannot_move_a_cursor(machine: Machine) -> None:
    machine.environ["INFRA_COMPONENT_CHECKS_JSON"] = '{"\x7f\u202e%s": 1}' % ("x" * 1000)
    (fault,) = machine.faults()
    assert fault.isprintable()
    assert len(fault) < 400


def test_checks_of_another_type(machine: Machine) -> None:
    machine.toml.write_text("infra_component_checks_json = 1\n")
    said = f"is 1; it must be an object such as {EXAMPLE}"
    assert machine.faults() == (f"infra_component_checks_json ({machine.toml}) {said}",)
    machine.toml.write_text("infra_component_checks_json.a.command = 1\n")
    (fault,) = machine.faults()
    assert fault.endswith('is {"a": {"command": 1}}; the check of "a" has no command; write what /bin/sh is to run')


# The hook's URL and the secrets


NO_URL = "must be an http:// or https:// URL with a host, as in http://localhost:8000/path"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("openclaw.lan/hunter2", NO_URL),
        ("ftp://openclaw.lan/hunter2", NO_URL),
        ("http:///hunter2", NO_URL),
        ("http://?hunter2", NO_URL),
        ("http:hunter2", NO_URL),
        ("http://h:0/hunter2", NO_URL),
        ("http://h:65536/hunter2", NO_URL),
        ("http://h/hunter2 more", NO_URL),
        ("http://h/\x1bhunter2", NO_URL),
        ("http://a b/hunter2", NO_URL),
        ("http://u:hunter2@h", "must be a URL without user and password; a token goes into OPENCLAW_HOOK_TOKEN"),
        ("http://hunter2@h/x", "must be a URL without user and password; a token goes into OPENCLAW_HOOK_TOKEN"),
    ],
)
def test_a_wrong_hook_is_not_repeated(machine: Machine, url: str, sentence: str) -> None:
    machine.environ["OPENCLAW_HOOK_URL"] = url
    assert machine.faults() == (f"OPENCLAW_HOOK_URL (environment) {sentence}",)
    del machine.environ["OPENCLAW_HOOK_URL"]
    machine.toml.write_text("openclaw_hook_url = 1234\n")
    assert machine.faults() == (f"openclaw_hook_url ({machine.toml}) must be an http:// or https:// URL",)


def test_the_query_of_the_hook_is_not_shown(machine: Machine) -> None:
    machine.environ["OPENCLAW_HOOK_URL"] = "http://h/hooks/agent?token=hunter2#hunter2"
    settings = machine.load()
    assert "hunter2" in settings.openclaw_hook_url
    assert settings.shown_hook_url == "http://h/hooks/agent?***"
    assert settings.shown(["openclaw_hook_url"]) == [
        ("OPENCLAW_HOOK_URL", "http://h/hooks/agent?***", "OPENCLAW_HOOK_URL")
    ]
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert machine.load().shared() == Settings.load({}, {}, machine.cwd, machine.config_dir, machine.home).shared()


@pytest.mark.parametrize("token", ["hunter2 and more", "hunter2\n", "hunter2é", "\x7fhunter2"])
def test_a_wrong_token_is_not_repeated(machine: Machine, token: str) -> None:
    machine.environ["OPENCLAW_HOOK_TOKEN"] = token
    assert machine.faults() == ("OPENCLAW_HOOK_TOKEN (environment) must be visible ASCII characters without spaces",)


def test_a_wrong_webhook_secret_is_not_repeated(machine: Machine) -> None:
    machine.environ["PLANE_WEBHOOK_SECRET"] = "hunter2\udcff"
    assert machine.faults() == ("PLANE_WEBHOOK_SECRET (environment) must be a text in UTF-8",)
    del machine.environ["PLANE_WEBHOOK_SECRET"]
    for written in ("1234567", '""', '["hunter2"]'):
        machine.toml.write_text(f"plane_webhook_secret = {written}\n")
        assert machine.faults() == (f"plane_webhook_secret ({machine.toml}) must be a text in UTF-8",)


@pytest.mark.parametrize("secret", ["hunter2", " hunter2 ", "hünter2 with spaces", "hunter2\n"])
def test_a_webhook_secret_is_taken_as_it_is(machine: Machine, secret: str) -> None:
    machine.environ["PLANE_WEBHOOK_SECRET"] = secret
    found = machine.load().plane_webhook_secret
    assert found is not None
    assert found.get_secret_value() == secret


def test_secrets_are_never_shown(machine: Machine) -> None:
    machine.environ |= {
        "GODTUI_API_TOKEN": "hunter2-api",
        "OPENCLAW_HOOK_TOKEN": "hunter2-hook",
        "PLANE_WEBHOOK_SECRET": "hunter2-plane",
        "GODTUI_BUS_URL": "amqp://u:hunter2%2Fa@one,amqp://u:hunter2b@two,amqp://three",
    }
    settings = machine.load()
    everything = f"{settings!r} {settings} {settings.model_dump_json()} {settings.shared()} {settings.shown(VARIABLES)}"
    assert "hunter2" not in everything
    assert settings.secrets() == (
        "hunter2-plane",
        "hunter2-hook",
        "hunter2%2Fa",
        "hunter2-api",
        "hunter2/a",
        "hunter2b",
    )


def test_without_secrets_there_is_nothing_to_take_out(machine: Machine) -> None:
    assert machine.load().secrets() == ()
    assert machine.load(bus_url="amqp://u:@h,amqp://u@i").secrets() == ()


# What operators see


def test_settings_in_force(machine: Machine) -> None:
    machine.environ |= {"OPENCLAW_HOOK_TOKEN": "hunter2", "INFRA_READY_LABELS": "go, ready"}
    machine.environ["INFRA_COMPONENT_CHECKS_JSON"] = '{"é": {"command": "make", "cwd": "/x"}}'
    machine.toml.write_text("infra_rearm_seconds = 0.25\ninfra_run_checks = false\n")
    settings = machine.load()
    here, toml = machine.home / ".config" / "openclaw", f"godtui.toml:{machine.toml}"
    assert settings.shown(NAMES) == [
        ("OPENCLAW_HOOK_TOKEN", "set", "OPENCLAW_HOOK_TOKEN"),
        ("OPENCLAW_HOOK_URL", HOOK, "default"),
        ("OPENCLAW_HOOK_DELIVER", "false", "default"),
        ("INFRA_READY_STATES", "unstarted", "default"),
        ("INFRA_READY_LABELS", "go,ready", "INFRA_READY_LABELS"),
        ("INFRA_READY_LABELS_MATCH", "all", "default"),
        ("INFRA_COMPONENT_LABEL_PREFIX", "comp:", "default"),
        ("INFRA_REARM_SECONDS", "0.25", toml),
        ("INFRA_RUN_CHECKS", "false", toml),
        ("INFRA_CHECK_POLICY", "block", "default"),
        ("INFRA_CHECK_TIMEOUT_SECONDS", "900", "default"),
        ("INFRA_CHECK_REUSE_SECONDS", "60", "default"),
        ("INFRA_CHECK_RETRY_SECONDS", "900", "default"),
        ("INFRA_COMPONENT_CHECKS_JSON", '{"é": {"command": "make", "cwd": "/x"}}', "INFRA_COMPONENT_CHECKS_JSON"),
        ("INFRA_COMPONENTS_ROOT", "not set", "default"),
        ("INFRA_DISPATCH_STATE_PATH", str(here / "infra-dispatch-state.json"), "default"),
        ("PLANE_WEBHOOK_SECRET", "not set", "default"),
    ]


def test_every_setting_can_be_shown(machine: Machine) -> None:
    shown = {name: value for name, value, _ in machine.load(workers="none", bus_url="amqp://u:p@h").shown(VARIABLES)}
    assert shown["GODTUI_BUS_URL"] == "amqp://u:***@h"
    assert (shown["GODTUI_WORKERS"], shown["GODTUI_ALLOWED_HOSTS"]) == ("none", "none")
    assert (shown["GODTUI_PORT"], shown["GODTUI_HEALTH_INTERVAL"]) == ("8000", "30")
    assert shown["GODTUI_MESSAGE_TTL"] == "86400,candystore.events=0"
    machine.environ["GODTUI_PUBLISH_TIMEOUT"] = "0.000000001"
    assert machine.load().shown(["publish_timeout"])[0][1] == "0.000000001"


def test_what_is_shown_cannot_move_a_cursor(machine: Machine) -> None:
    machine.environ["INFRA_READY_LABELS"] = "go\x1b[2J\u202e"
    assert machine.load().shown(["infra_ready_labels"])[0][1] == "go\\x1b[2J\\u202e"
