"""The estate: what `registry.yaml` says, and that no file makes more of reading it than an EstateError."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from godtui.estate import Estate, EstateError, Plane, PlaneState, Project, Service
from godtui.settings import CheckSetting, packaged

PROJECT, STATE, LABEL = (f"{digit * 8}-aaaa-4aaa-8aaa-aaaaaaaaaaaa" for digit in "123")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registry.yaml"


def load(file: Path, text: str | bytes) -> Estate:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Estate.load(file)


def faults(file: Path, text: str | bytes) -> list[str]:
    """What is wrong, without the file's name, with which each sentence begins."""
    with pytest.raises(EstateError) as caught:
        load(file, text)
    assert str(caught.value).splitlines() == list(caught.value.faults)
    assert all(fault.startswith(str(file)) and fault.isprintable() for fault in caught.value.faults)
    return [fault.removeprefix(str(file)).removeprefix(": ") for fault in caught.value.faults]


# What it says


def test_the_packaged_one_has_the_five_checks() -> None:
    estate = Estate.load(packaged("registry.yaml"))
    assert {name: check.command for name, check in estate.checks.items()} == {
        "bloodbank": "pytest tests/test_infra_dispatcher.py",
        "holyfields": "mise run test:all",
        "candystore": "pytest",
        "candybar": "bun run lint && bun run build",
        "pjangler": "bun run build",
    }
    assert all(check.cwd is None for check in estate.checks.values())
    assert (estate.projects, estate.states, estate.labels) == ({}, {}, {})
    assert (estate.version, estate.exchange) == ("1", "bloodbank.events")
    assert estate.services["infra-dispatcher"].consumes == ("webhook.plane.#",)
    assert estate.event_subscriptions["webhook.plane.#"] == ("infra-dispatcher",)
    assert estate.topology["contracts"] == ("holyfields",)


def test_what_ids_of_plane_mean(file: Path) -> None:
    estate = load(
        file,
        f"""
        plane:
          projects:
            {PROJECT.upper()}: {{identifier: INFRA, url: https://plane.lan/team/projects/1/, lead: me}}
            other: {{identifier: " OPS "}}
          states:
            {STATE.upper()}: {{name: Todo, group: Unstarted}}
            other: {{name: Waiting}}
          labels:
            {LABEL.upper()}: "automation:go"
        """,
    )
    assert set(estate.projects) == {PROJECT, "other"}
    assert estate.projects[PROJECT] == Project.model_validate(
        {"identifier": "INFRA", "url": "https://plane.lan/team/projects/1", "lead": "me"}
    )
    assert estate.projects[PROJECT].model_extra == {"lead": "me"}
    assert estate.projects["other"] == Project(identifier="OPS")
    assert estate.states == {STATE: PlaneState(name="Todo", group="unstarted"), "other": PlaneState(name="Waiting")}
    assert estate.labels == {LABEL: "automation:go"}


def test_a_relative_folder_starts_at_the_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    text = """
    services:
      One: {check: {command: make test, cwd: ../code/one, shell: zsh}}
      two: {check: {command: "true", cwd: /code/two}}
      three: {check: {command: "true", cwd: ~/three}}
      four: {check: {command: "true"}}
      five: {check: null}
      six:
    """
    expected = {
        "one": CheckSetting(command="make test", cwd=file.parent / "../code/one"),
        "two": CheckSetting(command="true", cwd=Path("/code/two")),
        "three": CheckSetting(command="true", cwd=Path("/home/somebody/three")),
        "four": CheckSetting(command="true"),
    }
    assert load(file, text).checks == expected
    monkeypatch.chdir(file.parent)
    assert Estate.load(Path("registry.yaml")).checks == expected


def test_unknown_keys_are_kept(file: Path) -> None:
    estate = load(
        file,
        "runtime: {1: x}\nmodel_config: 1\nload: 2\n__class__: 3\n"
        "services: {a: {copy: [x], check: }}\nplane: {cycles: 4}\n",
    )
    assert estate.model_extra == {"runtime": {1: "x"}, "model_config": 1, "load": 2, "__class__": 3}
    assert estate.services["a"].model_extra == {"copy": ["x"]}
    assert estate.plane.model_extra == {"cycles": 4}


def test_what_is_meant_by_other_writings(file: Path) -> None:
    estate = load(
        file,
        """
        version: 1.0
        exchange: {name: bloodbank.events.v1, type: topic, durable: true}
        payload_indexes: 'task."id".*'
        services:
          a: {name: 7, tags: core, consumes: ["#", 1], produces: null, endpoints: null, queue_names: [x, y]}
        event_subscriptions:
        topology: {bus: a, none: }
        plane:
        """,
    )
    assert (estate.version, estate.exchange) == ("1.0", "bloodbank.events.v1")
    assert estate.payload_indexes == ("task.id.*",)
    service = estate.services["a"]
    assert (service.name, service.tags, service.consumes, service.produces) == ("7", ("core",), ("#", "1"), ())
    assert (service.endpoints, service.queue_names) == ({}, ("x", "y"))
    assert (estate.event_subscriptions, estate.topology, estate.projects) == ({}, {"bus": ("a",), "none": ()}, {})


def test_aliases_and_merges_are_understood(file: Path) -> None:
    estate = load(file, "base: &base {check: {command: make}}\nservices: {a: *base, b: {<<: *base, name: B}}")
    assert estate.checks == {"a": CheckSetting(command="make"), "b": CheckSetting(command="make")}
    assert estate.services["b"].name == "B"


def test_a_byte_order_mark_is_no_character(file: Path) -> None:
    assert load(file, b"\xef\xbb\xbfversion: x\n").version == "x"


# What is wrong with it


NO_TEXT = "which YAML does not read as text; put it in quotes"
QUOTES = "must be text; put it in quotes"
URL = "must be an http:// or https:// URL with a host, as in http://localhost:8000/path"
LETTERS = "twice, in other letters"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1: x", f" has the key 1, {NO_TEXT}"),
        ("no: x", f" has the key False, {NO_TEXT}"),
        ("~: x", f" has the key None, {NO_TEXT}"),
        ("services: [a]", "services must be a mapping"),
        ("services: {a: [b]}", "services.a must be a mapping"),
        ("services: {1: {}}", f"services has the key 1, {NO_TEXT}"),
        ("services: {a: {1: x}}", f"services.a has the key 1, {NO_TEXT}"),
        ("services: {a: {check: {1: x}}}", f"services.a.check has the key 1, {NO_TEXT}"),
        ("services: {a: {name: [x]}}", "services.a.name must be text"),
        ("services: {a: {tags: [{x: y}]}}", "services.a.tags must be text"),
        ("services: {a: {endpoints: x}}", "services.a.endpoints must be a mapping"),
        ("services: {a: {check: make}}", "services.a.check must be a mapping"),
        (
            "services: {a: {check: {cwd: x}}}",
            "services.a.check has no command; write what /bin/sh is to run",
        ),
        (
            "services: {a: {check: {command: x, cwd: [y]}}}",
            "services.a.check has a cwd that is no path; name a folder, or leave it out",
        ),
        (
            'services: {a: {check: {command: "x\\0"}}}',
            "services.a.check holds a NUL character, which neither a command nor a path can",
        ),
        (
            "services: {a: {check: {command: x}}, A: {check: {command: x}}}",
            f"services.A.check is that of a service named {LETTERS}",
        ),
        ("topology: [a]", "topology must be a mapping"),
        ("exchange: [a]", "exchange must be text"),
        ("payload_indexes: [task.id, 7]", "payload_indexes.1 must be a path such as task.id; put it in quotes"),
        (
            "payload_indexes: a..b",
            (
                "payload_indexes.0 is no path in a payload: '.b' is no step of a path;"
                " put a key that is not plain in double quotes"
            ),
        ),
        (
            f"payload_indexes: [{', '.join(f'a{number}' for number in range(33))}]",
            "payload_indexes names 33 paths; at most 32 are kept, for each costs space",
        ),
        ("plane: x", "plane must be a mapping"),
        ("plane: {projects: [x]}", "plane.projects must be a mapping"),
        ("plane: {projects: {1: {identifier: X}}}", f"plane.projects has the key 1, {NO_TEXT}"),
        ("plane: {projects: {x: {}}}", "plane.projects.x.identifier is missing"),
        ("plane: {projects: {x: {identifier: 007}}}", f"plane.projects.x.identifier {QUOTES}"),
        (
            "plane: {projects: {x: {identifier: ' '}}}",
            "plane.projects.x.identifier is empty; write what Plane shows, or leave it out",
        ),
        ("plane: {projects: {x: {identifier: X, url: plane.lan}}}", f"plane.projects.x.url {URL}"),
        (
            "plane: {projects: {x: {identifier: X, url: 'http://u:hunter2@h'}}}",
            "plane.projects.x.url must be a URL without user and password",
        ),
        ("plane: {projects: {x: {identifier: X}, X: {identifier: X}}}", f"plane.projects names an id {LETTERS}"),
        (
            "plane: {states: {x: {name: X, group: unstrated}}}",
            "plane.states.x.group must be one of backlog, unstarted, started, completed, cancelled, triage",
        ),
        ("plane: {states: {x: Todo}}", "plane.states.x must be a mapping"),
        ("plane: {labels: {x: yes}}", f"plane.labels.x {QUOTES}"),
        ("plane: {labels: {x: }}", f"plane.labels.x {QUOTES}"),
        ('plane: {labels: {"a\\nb\\e": 1}}', f"plane.labels.a\\nb\\x1b {QUOTES}"),
    ],
)
def test_a_wrong_part_is_one_sentence(file: Path, text: str, sentence: str) -> None:
    assert faults(file, text) == [sentence]


def test_all_faults_are_told_up_to_a_number(file: Path) -> None:
    assert faults(file, "exchange: [a]\nplane: {labels: {x: 1}}") == [
        "exchange must be text",
        f"plane.labels.x {QUOTES}",
    ]
    found = faults(file, "services:\n" + "".join(f"  s{number}: x\n" for number in range(100)))
    assert (len(found), found[-1]) == (21, "80 more of the kind")
    found = faults(file, "services:\n" + "".join(f"  s{number}: {{check: {{x: y}}}}\n" for number in range(100)))
    assert (len(found), found[-1]) == (21, "80 more of the kind")


MAPPING = "a services registry is a YAML mapping, such as services: {}"
BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 20))
CHAIN = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f":1: {MAPPING}"),
        ("# a list\n- a\n", f":2: {MAPPING}"),
        ("services: [a\nb: 2\n", ":2: not YAML (expected ',' or ']', but got ':')"),
        ("a: b\n---\nc: d\n", ":2: not YAML (but found another document)"),
        ("a: *b", ":1: not YAML (found undefined alias 'b')"),
        (b"services: {}\nb: \xff\n", ":2: not UTF-8; save it as UTF-8"),
        (b"services: {}\nb: \x01\n", ":2: not YAML (special characters are not allowed)"),
        (
            "a: !!evil/one []",
            ":1: not YAML (could not determine a constructor for the tag 'tag:yaml.org,2002:evil/one')",
        ),
        ("? [a]\n: b", ":1: not YAML (found unhashable key)"),
        ("? {a: b}\n: c", ":1: not YAML (found unhashable key)"),
        ("a: 1\nb: {c: 1,\n 'c': 2}", ':3: the key "c" stands there twice; keep one'),
        ("a: !!bool x", " has a value that is not what its tag says; leave the tag out"),
        ("a: !!int ''", " has a value that is not what its tag says; leave the tag out"),
        ("a: !!timestamp x", " has a value that is not what its tag says; leave the tag out"),
        ("a: 2026-13-45", " has a value that YAML does not allow (month must be in 1..12)"),
        ("a: &a [*a]", ":1: it holds itself through an alias; write it out"),
        ("a: &a {<<: *a}", ":1: it holds itself through an alias; write it out"),
        (BOMB, ":7: its aliases stand for more than 1000000 values; write out what is needed"),
        (CHAIN, " is nested too deeply; a services registry is a few levels deep"),
        ("[" * 5000, " is nested too deeply; a services registry is a few levels deep"),
        ('a: "\\ud800"', ":1: a text has half of a character; write the character itself"),
        ("a: " + "1:" * 1000, ":1: not YAML (mapping values are not allowed here)"),
        (
            "a: " + "1:" * 1000 + "1",
            ":1: a number is longer than 1000 characters; put it in quotes if it is text",
        ),
        ("#" * 1_048_577, " is larger than 1048576 bytes; a services registry is a few thousand"),
    ],
    ids=range(24),
)
def test_hostile_files(file: Path, text: str | bytes, sentence: str) -> None:
    assert faults(file, text) == [sentence]


def test_a_file_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(EstateError, match=r"registry\.yaml cannot be read \(No such file or directory\); make it a"):
        Estate.load(file)
    file.mkdir()
    with pytest.raises(EstateError, match=r"registry\.yaml cannot be read \(Is a directory\); make it a readable file"):
        Estate.load(file)


# Whatever stands in it


KEYS = st.sampled_from(
    [
        *Estate.model_fields,
        *Plane.model_fields,
        *Service.model_fields,
        *Project.model_fields,
        *PlaneState.model_fields,
        "command",
        "cwd",
        "A",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | KEYS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS, inner, max_size=4),
    max_leaves=20,
)
SIGNS = st.text(st.sampled_from("ab1:.-_ \n\t{}[]&*!|>'\"%@`,#?~<=\\eu0\x00\ud800é\u2028"), max_size=60)


def is_total(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    found = estate_or_faults(file)
    if isinstance(found, Estate):
        assert all(isinstance(name, str) for name in found.labels.values())
        assert all(check.command.strip() for check in found.checks.values())
        assert repr(found)
    else:
        assert found
        assert all(fault.startswith(str(file)) and fault.isprintable() for fault in found)


def estate_or_faults(file: Path) -> Estate | tuple[str, ...]:
    try:
        return Estate.load(file)
    except EstateError as error:
        return error.faults


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("estate") / "registry.yaml"


@given(document=st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_document_is_an_estate_or_an_error(one_file: Path, document: dict[str, Any]) -> None:
    is_total(one_file, yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass"))


@given(text=SIGNS)
@example(text="a: !!float x")
@example(text="a: =")
@example(text="a: 0o")
@example(text="a: 0x_")
@example(text="a: 0b_")
@example(text="a: ._")
@example(text="a: +_")
@example(text="a: 1:_")
@example(text="a: !!int x")
@example(text="a: !!null [x]")
@example(text="a: !!map x")
@example(text="a: !!seq {x: y}")
@example(text="a: !!omap [x]")
@example(text="a: !!pairs [{}]")
@example(text="a: !!set [x]")
@example(text="<<: x")
@example(text="<<: [x]")
@example(text="? !!set {a}\n: b")
@example(text="a: !!timestamp 0000-00-00")
@example(text="a: 2001-01-01T00:00:00+99:99")
@example(text="a: 0001-01-01T00:00:00+23:59")
@example(text="%YAML 9.9\n--- {}")
@example(text="%TAG ! tag:x:\n--- !y {}")
def test_any_text_is_an_estate_or_an_error(one_file: Path, text: str) -> None:
    is_total(one_file, text.encode("utf-8", "surrogatepass"))


@given(raw=st.binary(max_size=40))
def test_any_bytes_are_an_estate_or_an_error(one_file: Path, raw: bytes) -> None:
    is_total(one_file, raw)
