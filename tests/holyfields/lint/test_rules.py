"""Every rule finds what it is for, where it is, with the advice; and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import folder as schema_folder
from godtui.holyfields.lint import CODES, FAULTS, lint
from godtui.holyfields.lint.words import ABBREVIATIONS, is_past, past_of

Write = Callable[[dict[str, Any]], Path]

DRAFT7 = "http://json-schema.org/draft-07/schema#"


def contract(**more: Any) -> dict[str, Any]:
    """A schema in which there is nothing to find."""
    return {"description": "Something was tried.", "type": "object", **more}


def described(*names: str) -> dict[str, Any]:
    """Properties in which there is nothing to find."""
    return {name: {"description": f"The {name}."} for name in names}


def nested(levels: int) -> dict[str, Any]:
    """A schema with so many others within each other."""
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


SHIP = "agent/task.completed.json"
OPEN = {"_base.json": {"properties": described("one", "two")}}
CASES: dict[str, list[tuple[dict[str, Any], str, str, str]]] = {
    "json": [({SHIP: '{\n "a": }'}, SHIP, "", "not JSON"), ({SHIP: "[]"}, SHIP, "", "holds a JSON object")],
    "byte-order-mark": [({SHIP: b"\xef\xbb\xbf{}"}, SHIP, "", "without one")],
    "too-large": [({SHIP: " " * (schema_folder.MAX_FILE_BYTES + 1)}, SHIP, "", "larger than 4 MiB")],
    "too-deep": [({SHIP: '{"a":' * 1000 + "1" + "}" * 1000}, SHIP, "", "nested deeper than 200")],
    "duplicate-key": [({SHIP: '{"type": "object", "type": "array"}'}, SHIP, "/type", 'duplicate key "type"')],
    "schema": [({SHIP: contract(minProperties=-1)}, SHIP, "/minProperties", "less than the minimum")],
    "event-type": [({"Agent/done.json": contract()}, "Agent/done.json", "", "lower-case words")],
    "duplicate-type": [
        ({SHIP: contract(), "agent/task/completed.json": contract()}, "agent/task/completed.json", "", SHIP)
    ],
    "reference": [({SHIP: contract(allOf=[{"$ref": "none.json"}])}, SHIP, "/allOf/0/$ref", "no file agent/none.json")],
    "reference-escapes": [({SHIP: contract(allOf=[{"$ref": "../../x.json"}])}, SHIP, "/allOf/0/$ref", "leads out")],
    "reference-network": [
        ({SHIP: contract(allOf=[{"$ref": "https://e.org/x.json"}])}, SHIP, "/allOf/0/$ref", "nothing is fetched")
    ],
    "id-clash": [
        ({SHIP: contract(**{"$id": "urn:x"}), "_s.json": {"$id": "urn:x"}}, SHIP, "/$id", "_s.json has the same $id")
    ],
    "too-heavy": [
        (
            {
                SHIP: contract(
                    **{
                        "$defs": {f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(30)}
                        | {"a30": {}}
                    }
                )
            },
            SHIP,
            "/$defs/a12",
            "refer to each once",
        )
    ],
    "payload-elsewhere": [
        (
            {
                SHIP: contract(
                    properties={"event_type": {"const": "a.opened"}, "payload": {}},
                    **{"not": {"required": ["payload"], "properties": described("payload")}},
                )
            },
            SHIP,
            "/not",
            "inside of properties.payload",
        )
    ],
    "tense": [
        (
            {"agent/task.complete.json": contract()},
            "agent/task.complete.json",
            "",
            "say what happened: agent.task.completed",
        ),
        ({"a/sends.json": contract()}, "a/sends.json", "", "a.sent"),
        ({"a/building.json": contract()}, "a/building.json", "", "a.built"),
        ({"a/task-create.json": contract()}, "a/task-create.json", "", "a.task-created"),
        ({"a/status.json": contract()}, "a/status.json", "", "such as a.status.changed"),
        (
            {"x.json": contract(properties={"event_type": {"const": "a.create"}, "payload": {}})},
            "x.json",
            "/properties/event_type/const",
            "a.created",
        ),
    ],
    "abbreviation": [
        (
            {"a/msg.sent.json": contract()},
            "a/msg.sent.json",
            "",
            '"msg" is short in the event type a.msg.sent; write a.message.sent',
        ),
        ({SHIP: contract(properties=described("usr_addr"))}, SHIP, "/properties/usr_addr", "write user_address"),
    ],
    "case": [
        ({SHIP: contract(properties=described("taskId"))}, SHIP, "/properties/taskId", "write task_id"),
        ({SHIP: contract(properties=described("HTTPCode"))}, SHIP, "/properties/HTTPCode", "write http_code"),
        ({SHIP: contract(properties=described("a-b"))}, SHIP, "/properties/a-b", "write a_b"),
        ({SHIP: contract(properties=described("$x"))}, SHIP, "/properties/$x", "write x"),
        ({SHIP: contract(properties=described("ß"))}, SHIP, "/properties/ß", "joined by _"),
    ],
    "version": [
        (
            {
                "x.json": contract(
                    properties={"event_type": {"const": "a.opened"}, "payload": {}, "version": {"const": "1.0.0"}}
                )
            },
            "x.json",
            "/properties/version/const",
            "read as v1",
        )
    ],
    "description": [
        ({SHIP: {"type": "object"}}, SHIP, "", "when this event happens"),
        (
            {"_base.json": {"description": "What all hold."}, SHIP: {"allOf": [{"$ref": "../_base.json"}]}},
            SHIP,
            "",
            "when this event happens",
        ),
        ({SHIP: contract(properties={"size": {"type": "integer"}})}, SHIP, "/properties/size", 'property "size"'),
    ],
    "example": [
        (
            {SHIP: contract(required=["one"], examples=[{"one": 1}, {}])},
            SHIP,
            "/examples/1",
            "'one' is a required property",
        ),
        (
            {"_s.json": {"$defs": {"k": {"type": "string", "examples": ["a", 1]}}}, SHIP: contract()},
            "_s.json",
            "/$defs/k/examples/1",
            '1 is not of type "string"',
        ),
        (
            {"_s.json": {"type": "string", "examples": [2]}, SHIP: contract()},
            "_s.json",
            "/examples/0",
            "2 is not of type",
        ),
    ],
    "shadowing": [
        (
            {**OPEN, SHIP: contract(allOf=[{"$ref": "../_base.json"}], additionalProperties=False)},
            SHIP,
            "/additionalProperties",
            "refuses one, two, which its allOf describes; write unevaluatedProperties: false",
        ),
        (
            {
                SHIP: contract(
                    allOf=[{"properties": described("one")}], properties=described("two"), additionalProperties=False
                )
            },
            SHIP,
            "/additionalProperties",
            "refuses one,",
        ),
        (
            {
                **OPEN,
                SHIP: {"$schema": DRAFT7, **contract(allOf=[{"$ref": "../_base.json"}], additionalProperties=False)},
            },
            SHIP,
            "/additionalProperties",
            "draft 2020-12",
        ),
        (
            {
                "_base.json": {"properties": described("one"), "additionalProperties": False},
                SHIP: contract(properties=described("two"), allOf=[{"$ref": "../_base.json"}]),
            },
            SHIP,
            "/properties",
            "_base.json# is closed by additionalProperties: false and refuses two",
        ),
    ],
    "not-generated": [
        (
            {SHIP: contract(properties={"a": {"description": "A.", "format": "email"}})},
            SHIP,
            "/properties/a/format",
            "pattern",
        ),
        ({SHIP: contract(**{"$ref": "#"})}, SHIP, "/$ref", "refers to itself"),
        (
            {SHIP: contract(properties={"a": {"description": "A.", "minimum": 2**60}})},
            SHIP,
            "/properties/a/minimum",
            "string",
        ),
        ({SHIP: contract(**nested(70))}, SHIP, "/not" * 65, "deeper than 64"),
    ],
    "regex": [
        (
            {SHIP: contract(properties={"a": {"description": "A.", "pattern": "^(a+)+$"}})},
            SHIP,
            "/properties/a/pattern",
            "forever",
        ),
        ({SHIP: contract(patternProperties={"^(a|a)*$": {}})}, SHIP, "/patternProperties/^(a|a)*$", "forever"),
    ],
    "ignore-unused": [
        ({SHIP: contract(**{"x-lint-ignore": {"tense": "why"}})}, SHIP, "/x-lint-ignore/tense", "remove it")
    ],
    "ignore-malformed": [
        ({SHIP: contract(**{"x-lint-ignore": "tense"})}, SHIP, "/x-lint-ignore", "an object of codes"),
        ({SHIP: contract(**{"x-lint-ignore": {"nothing": "why"}})}, SHIP, "/x-lint-ignore/nothing", "no code"),
        ({SHIP: contract(**{"x-lint-ignore": {"schema": "why"}})}, SHIP, "/x-lint-ignore/schema", "cannot be ignored"),
        (
            {SHIP: contract(**{"x-lint-ignore": {"ignore-unused": "why"}})},
            SHIP,
            "/x-lint-ignore/ignore-unused",
            "cannot",
        ),
        ({SHIP: contract(**{"x-lint-ignore": {"tense": " "}})}, SHIP, "/x-lint-ignore/tense", "without a reason"),
    ],
}
OF_THE_DISK = {"folder", "file", "link", "link-escapes"}
GIVEN = [(code, *case) for code, cases in CASES.items() for case in cases]


def test_every_code_is_tried() -> None:
    assert set(CASES) | OF_THE_DISK == set(CODES)


@pytest.mark.parametrize(("code", "files", "file", "pointer", "message"), GIVEN)
def test_a_rule_finds_it(write: Write, code: str, files: dict[str, Any], file: str, pointer: str, message: str) -> None:
    (finding,) = lint(write(files))
    assert (finding.code, finding.file, finding.pointer) == (code, file, pointer)
    assert message in finding.message
    assert finding.line >= 1
    assert (pointer == "") or finding.line > 1 or isinstance(files[file], str)


def test_what_the_disk_has_is_found(write: Write, tmp_path: Path) -> None:
    assert [(one.file, one.code) for one in lint(tmp_path / "nowhere")] == [(".", "folder")]
    (tmp_path / "outside.json").write_text('{"description": "It is outside."}')
    root = write({SHIP: contract()})
    os.mkfifo(root / "agent" / "pipe.json")
    (root / "agent" / "loop").symlink_to(root)
    (root / "agent" / "linked.json").symlink_to(tmp_path / "outside.json")
    (root / "agent" / "within.started.json").symlink_to(root / SHIP)
    assert [(one.file, one.code) for one in lint(root)] == [
        ("agent/linked.json", "link-escapes"),
        ("agent/loop/", "link"),
        ("agent/pipe.json", "file"),
    ]


def test_one_broken_file_hides_nothing_in_another(write: Write) -> None:
    broken = {"a/gone.json": "{", "b/gone.json": contract(allOf=[{"$ref": "no.json"}]), "C/gone.json": contract()}
    alone = {
        "agent/create.json": contract(required=["x"], properties=described("aB"), examples=[{}]),
        "agent/made.json": {"pattern": "(a*)*", "description": "It was made."},
    }
    expected = lint(write(alone))
    assert {one.code for one in expected} == {"tense", "case", "example", "regex"}
    found = lint(write({**alone, **broken}))
    assert set(expected) < set(found)
    assert {one.file for one in set(found) - set(expected)} == set(broken)


def test_a_file_that_refers_to_a_broken_one_is_not_blamed(write: Write) -> None:
    found = lint(write({SHIP: contract(allOf=[{"$ref": "../_s.json"}], examples=[{}]), "_s.json": "{"}))
    assert [(one.file, one.code) for one in found] == [("_s.json", "json")]


def test_what_is_ignored_is_so_in_its_place_and_within(write: Write) -> None:
    reason = {"x-lint-ignore": {"case": "their names"}}
    inner = {"description": "It.", "properties": described("cD"), **reason}
    root = write({SHIP: contract(properties={"aB": {"description": "It."}, "one": inner})})
    assert [one.pointer for one in lint(root)] == ["/properties/aB"]
    write({SHIP: contract(properties={"aB": {"description": "It."}, "one": {**inner, "x-lint-ignore": {}}}, **reason)})
    assert lint(root) == []


def test_an_open_or_matching_object_shadows_nothing(write: Write) -> None:
    parts = [{"$ref": "../_base.json"}]
    for more in (
        {"unevaluatedProperties": False},
        {"additionalProperties": False, "properties": described("one", "two")},
        {"additionalProperties": False, "patternProperties": {"^(one|two)$": {}}},
        {"additionalProperties": {"type": "integer"}},
    ):
        assert lint(write({**OPEN, SHIP: contract(allOf=parts, **more)})) == []


@pytest.mark.parametrize(
    ("pattern", "is_found"),
    [("(a+)+", True), (r"(\s*\w+\s*)*", True), (r"(?<=a)b", True), (r"^[a-z]+(\.[a-z]+)*$", False), ("(a|b)*", False)],
)
def test_a_pattern_is_found(write: Write, pattern: str, is_found: bool) -> None:
    found = lint(write({SHIP: contract(properties={"one": {"description": "One.", "pattern": pattern}})}))
    assert [one.code for one in found] == ["regex"] * is_found


@pytest.mark.parametrize(
    ("verb", "past"),
    [
        ("create", "created"),
        ("stops", "stopped"),
        ("retries", "retried"),
        ("writing", "written"),
        ("sends", "sent"),
        ("cancelling", "cancelled"),
        ("deploy", "deployed"),
        ("committing", "committed"),
        ("passes", "passed"),
    ],
)
def test_a_verb_is_known_in_its_forms(verb: str, past: str) -> None:
    assert past_of(verb) == past
    assert is_past(past)
    assert not is_past(verb)


def test_no_abbreviation_is_written_out_as_another() -> None:
    assert not set(ABBREVIATIONS.values()) & set(ABBREVIATIONS)


def test_faults_are_what_keeps_a_folder_from_loading() -> None:
    assert {code for code in CASES if code in FAULTS} >= {"json", "schema", "reference", "duplicate-type"}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("taskId", "write task_id"),
        ("na\u00efve", "write naive"),
        ("nai\u0308ve", "write naive"),
        ("Gr\u00fcn-Wert", "write grun_wert"),
        ("_private", "write private"),
        ("2fa", "begin with a letter, and join lower-case words by _"),
        ("2", "begin with a letter, and join lower-case words by _"),
        ("stra\u00dfe", "write lower-case words of a to z joined by _"),
        ("\u540d", "write lower-case words of a to z joined by _"),
        ("", "write lower-case words of a to z joined by _"),
    ],
)
def test_another_name_is_proposed_only_where_it_says_the_same(write: Write, name: str, advice: str) -> None:
    (found,) = lint(write({SHIP: contract(properties=described(name))}))
    assert (found.code, found.message) == ("case", f'"{name}" is not in snake_case; {advice}')


def test_what_cannot_be_generated_may_be_meant_and_is_told_once(write: Write) -> None:
    meant = {"x-lint-ignore": {"not-generated": "generated for Python alone"}}
    format_ = {"description": "A.", "format": "email"}
    assert not lint(write({SHIP: contract(properties={"a": {**format_, **meant}})}))
    found = lint(write({SHIP: contract(properties={"a": {"description": "A.", "pattern": "^(a+)+$"}})}))
    assert [one.code for one in found] == ["regex"]
