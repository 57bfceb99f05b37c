"""What runs in containers: the compose files, the Dockerfile and `.env`, without an engine to run them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from godtui.settings import VARIABLES, Settings
from godtui.settings.model import SECRETS
from tests.composing import composed, interpolate, passed_on

ROOT = Path(__file__).parent.parent
COMPOSE = ROOT / "compose.rabbitmq.yml"
COMPONENTS = ROOT / "deploy" / "compose.components.yml"
TOKEN = {"GODTUI_API_TOKEN": "s3cret"}
ENVIRONMENTS = [{}, {"GODTUI_API_TOKEN": ""}, TOKEN]


def services(environ: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = composed(COMPOSE, environ)["services"]
    return found


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, lines that go on put together."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def home_of_its_user() -> str:
    return f"/home/{of('USER')[-1]}"


# Interpolation as the specification has it


@pytest.mark.parametrize(
    ("text", "unset", "empty", "filled"),
    [
        ("$X", "", "", "x"),
        ("a${X}b", "ab", "ab", "axb"),
        ("${X-d}", "d", "", "x"),
        ("${X:-d}", "d", "d", "x"),
        ("${X+v}", "", "v", "v"),
        ("a${X:+v}b", "ab", "ab", "avb"),
        ("$$X", "$X", "$X", "$X"),
    ],
)
def test_interpolation(text: str, unset: str, empty: str, filled: str) -> None:
    assert interpolate({"k": [text, 1]}, {}) == {"k": [unset, 1]}
    assert interpolate(text, {"X": ""}) == empty
    assert interpolate(text, {"X": "x"}) == filled


@pytest.mark.parametrize("text", ["$", "${", "${X", "${X:v}", "$1"])
def test_what_compose_would_refuse(text: str) -> None:
    with pytest.raises(ValueError, match="not a variable"):
        interpolate(text, {})


def test_what_must_be_set() -> None:
    assert interpolate("${X:?why}", {"X": "x"}) == "x"
    assert interpolate("${X?why}", {"X": ""}) == ""
    for environ in ({}, {"X": ""}):
        with pytest.raises(ValueError, match="required: X: why"):
            interpolate("${X:?why}", environ)


# The compose files


@pytest.mark.parametrize("environ", ENVIRONMENTS)
def test_nothing_is_published_beyond_this_machine(environ: dict[str, str]) -> None:
    ports = [port for service in services(environ).values() for port in service.get("ports", [])]
    assert len(ports) == (3 if environ == TOKEN else 2)
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports), "an empty entry is refused by Compose"


def test_the_broker_keeps_its_data_and_tells_its_health() -> None:
    broker = services({})["rabbitmq"]
    assert broker["image"].endswith("-management")
    assert broker["hostname"], "without a fixed name every new container begins with an empty database"
    assert [volume.partition(":")[2] for volume in broker["volumes"]] == ["/var/lib/rabbitmq"]
    assert broker["healthcheck"]["test"][1] == "rabbitmq-diagnostics"


def test_named_volumes_are_declared_and_each_is_used_once() -> None:
    document = composed(COMPOSE, {})
    mounted = [volume for service in document["services"].values() for volume in service["volumes"]]
    named = [volume.partition(":")[0] for volume in mounted if not volume.startswith(("~", ".", "/"))]
    assert sorted(named) == sorted(document["volumes"])


def test_the_dispatcher_waits_for_a_broker_that_is_well() -> None:
    everything = services({})
    assert everything["infra-dispatcher"]["depends_on"] == {"rabbitmq": {"condition": "service_healthy"}}
    assert "healthcheck" in everything["rabbitmq"]


@pytest.mark.parametrize("environ", [{}, {"GODTUI_API_TOKEN": ""}])
def test_without_a_token_it_listens_to_itself(environ: dict[str, str]) -> None:
    dispatcher = services(environ)["infra-dispatcher"]
    assert "ports" not in dispatcher
    assert passed_on(dispatcher, environ)["GODTUI_HOST"] == "127.0.0.1"


def test_with_a_token_this_machine_reaches_it() -> None:
    dispatcher = services(TOKEN)["infra-dispatcher"]
    given = passed_on(dispatcher, TOKEN)
    assert dispatcher["ports"] == [f"127.0.0.1:8000:{given['GODTUI_PORT']}"]
    assert (given["GODTUI_HOST"], given["GODTUI_API_TOKEN"]) == ("0.0.0.0", "s3cret")


@pytest.mark.parametrize("environ", ENVIRONMENTS)
def test_its_settings_are_settings_that_it_can_start_with(environ: dict[str, str], tmp_path: Path) -> None:
    dispatcher = services(environ)["infra-dispatcher"]
    given = passed_on(dispatcher, {"PATH": "/bin", **environ})
    settings = Settings.load({}, given, tmp_path, tmp_path, tmp_path)
    assert set(dispatcher["environment"]) <= set(VARIABLES.values())
    assert not [warning for warning in settings.warnings if "no setting" in warning]
    broker = services(environ)["rabbitmq"]
    assert settings.bus.nodes == {"rabbitmq:5672"}
    assert "rabbitmq" in services(environ), "the broker's name for others is its service's"
    assert any(port.endswith(":5672") for port in broker["ports"])


def test_secrets_are_handed_on_and_written_nowhere() -> None:
    secret = {VARIABLES[name] for name in SECRETS}
    environment = services({})["infra-dispatcher"]["environment"]
    assert {name for name, value in environment.items() if value is None} == secret
    told = {name: f"hunter2-{name}" for name in secret}
    assert told.items() <= passed_on(services(told)["infra-dispatcher"], told).items()
    assert "hunter2" not in json.dumps(composed(COMPOSE, told))


def test_it_reaches_openclaw_on_the_machine_and_its_folder() -> None:
    dispatcher = services({})["infra-dispatcher"]
    assert dispatcher["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert f"~/.config/openclaw:{home_of_its_user()}/.config/openclaw" in dispatcher["volumes"], "to be written as well"
    kept = [volume.partition(":")[2] for volume in dispatcher["volumes"] if volume.startswith("godtui-data:")]
    assert f"GODTUI_DATA_DIR={kept[0]}" in of("ENV")[-1].split()
    assert f"--owner={of('USER')[-1]} --mode=0700 {kept[0]}" in of("RUN")[-1], "a new volume takes the folder's owner"


def test_components_are_mounted_where_their_checks_are_looked_for(tmp_path: Path) -> None:
    environ = {"INFRA_COMPONENTS_ROOT": "/srv/code"}
    dispatcher = composed(COMPOSE, environ, COMPONENTS)["services"]["infra-dispatcher"]
    assert "/srv/code:/components" in dispatcher["volumes"]
    assert set(services({})["infra-dispatcher"]["volumes"]) < set(dispatcher["volumes"])
    settings = Settings.load({}, passed_on(dispatcher, environ), tmp_path, tmp_path, tmp_path)
    assert settings.infra_components_root == Path("/components")
    with pytest.raises(ValueError, match="INFRA_COMPONENTS_ROOT"):
        composed(COMPOSE, {}, COMPONENTS)


def test_the_command_of_the_override_names_the_files() -> None:
    said = COMPONENTS.read_text(encoding="utf-8")
    (files,) = re.findall(r"COMPOSE_FILE=(\S+)", said)
    assert [ROOT / file for file in files.split(":")] == [COMPOSE, COMPONENTS]


def test_in_the_container_it_finds_settings_state_and_openclaw_by_itself(tmp_path: Path) -> None:
    dispatcher = services({})["infra-dispatcher"]
    settings = Settings.load({}, passed_on(dispatcher, {}), tmp_path, tmp_path, Path(home_of_its_user()))
    (mounted,) = (one.partition(":")[2] for one in dispatcher["volumes"] if one.startswith("~/.config/openclaw:"))
    assert settings.infra_dispatch_state_path.parent == Path(mounted)
    host = settings.openclaw_hook_url.partition("//")[2].partition(":")[0]
    assert f"{host}:host-gateway" in dispatcher["extra_hosts"]


def test_it_is_built_from_here() -> None:
    dispatcher = services({})["infra-dispatcher"]
    assert (ROOT / dispatcher["build"]["context"] / "Dockerfile").is_file()
    assert "image" not in dispatcher
    assert dispatcher["build"]["args"] == {"UID": "1000"}
    assert services({"UID": "501"})["infra-dispatcher"]["build"]["args"] == {"UID": "501"}
    assert {argument.partition("=")[0] for argument in of("ARG")} == {"UID"}


def test_the_command_of_the_readme_finds_the_file() -> None:
    text = (ROOT / ".env").read_text(encoding="utf-8")
    said = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert said == ["COMPOSE_FILE=compose.rabbitmq.yml"], "and no secret, for it is committed"
    assert COMPOSE.name == "compose.rabbitmq.yml"


def test_the_extended_file_holds_nothing_else() -> None:
    for environ in ENVIRONMENTS:
        named = interpolate(yaml.safe_load(COMPOSE.read_text()), environ)["services"]["infra-dispatcher"]["extends"]
        other = yaml.safe_load((ROOT / named["file"]).read_text(encoding="utf-8"))
        assert named["service"] in other["services"]
        assert set(other["services"]) == {"listening", "listening.published"}


# The image


def test_it_runs_as_a_user_of_its_own() -> None:
    user = of("USER")[-1]
    assert user not in ("root", "0")
    assert re.search(rf"useradd .*--create-home .*\b{user}\b", of("RUN")[-1])
    words = [word for word, _ in instructions()]
    assert max(index for index, word in enumerate(words) if word in ("RUN", "COPY")) < words.index("USER")


def test_its_command() -> None:
    assert [json.loads(rest) for rest in of("ENTRYPOINT")] == [["godtui"]]
    assert [json.loads(rest) for rest in of("CMD")] == [["--headless"]]
    assert all(rest.startswith("python:3.11-slim") for rest in of("FROM"))
    assert 'name = "godtui"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def copied() -> list[str]:
    """What the build copies from the checkout."""
    return [path for rest in of("COPY") if not rest.startswith("--from") for path in shlex.split(rest)[:-1]]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied())
    assert all((ROOT / path).exists() for path in copied())


def test_what_is_copied_is_enough_to_build_it(tmp_path: Path) -> None:
    for path in copied():
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile
        copy(ROOT / path, tmp_path / path)
    arguments = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "out", "."]
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, cwd=tmp_path, timeout=60)
    assert len(list((tmp_path / "out").glob("godtui-*.whl"))) == 1


@contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server whose `/health` has a status."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_its_health_is_that_of_the_api() -> None:
    command = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])
    assert command[0] == "python"

    def healthy(port: int) -> bool:
        env = {**os.environ, "GODTUI_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        asked = subprocess.run([sys.executable, *command[1:]], env=env, check=False, timeout=60, capture_output=True)
        return asked.returncode == 0

    with answering(200) as port:
        assert healthy(port)
    assert not healthy(port), "nobody answers"
    with answering(503) as port:
        assert not healthy(port)
