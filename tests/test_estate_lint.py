"""`registry.yaml` linted: every kind of finding at its line, nothing found in what is right, no file too strange."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from godtui.estate.lint import MAX_FINDINGS, Finding, Types, lint
from godtui.estate.patterns import MAX_TEXTS, MAX_WILD, PatternSet, is_pattern
from godtui.holyfields import Registry
from godtui.settings import packaged
from tests.test_estate import BOMB, KEYS, SCALARS

TYPES = Types(["agent.task.completed", "agent.task.failed", "order.placed"], ["#.dlq"])
SOUND = """\
services:
  shop: {produces: [order.placed, "agent.#", "#.dlq"]}
  mail: {consumes: "#", routing_keys: ["*.placed"], queue_name: mail}
event_subscriptions:
  "order.*": [mail]
topology: {all: [shop, mail]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registry.yaml"


def found(file: Path, text: str, types: Types = TYPES) -> list[Finding]:
    file.write_text(text)
    return lint(file, types)


def told(file: Path, text: str) -> list[str]:
    """Findings as `line:column code message`, the message up to its advice."""
    return [str(one).removeprefix(f"{file}:").partition(";")[0] for one in found(file, text)]


def test_the_shipped_registry_passes() -> None:
    registry = Registry.load(packaged("schemas"))
    served = [pattern for one in registry.summary() for pattern in one["serves"]]
    assert lint(packaged("registry.yaml"), Types(registry.types(), served)) == []


def test_what_is_sound_has_no_findings(file: Path) -> None:
    assert told(file, SOUND) == []
    assert told(file, "{}") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "services: {mail: {}}\ntopology:\n  all:\n  - mail\n  - male\n",
            ['5:5 unknown-service "male" is no service of this registry'],
        ),
        ("payload_indexes: [task.id, agent, task.id]", ['1:35 duplicate "task.id" stands there twice']),
        (
            "payload_indexes: ['a..b']",
            ["1:19 unreadable payload_indexes.0 is no path in a payload: '.b' is no step of a path"],
        ),
        (
            "services:\n  shop: {produces: '#'}\nevent_subscriptions:\n  order.*: [shop, shp]\n",
            ['4:19 unknown-service "shp" is no service of this registry'],
        ),
        (
            (
                "services:\n  shop: {produces: order.placed}\n"
                "event_subscriptions:\n  order.palced: shop\n  ghost.#: shop\n"
            ),
            [
                '4:3 matches-nothing "order.palced" matches no event type',
                '5:3 matches-nothing "ghost.#" matches no event type',
            ],
        ),
        (
            "services:\n  shop: {routing_keys: ['*.lost', agent.#]}\n",
            [
                '2:25 matches-nothing "*.lost" matches no event type',
                '2:35 nobody-produces no service produces "agent.#"',
            ],
        ),
        (
            (
                "services:\n  shop:\n    produces: agent.task.failed\n"
                "    consumes: [agent.*.failed, order.placed, ghost.*]\n"
            ),
            [
                '4:32 nobody-produces no service produces "order.placed"',
                '4:46 nobody-produces no service produces "ghost.*"',
            ],
        ),
        (
            "services:\n  shop: {produces: [order.plced, ghost.*, agent.*.*, x.dlq, '*.dlq']}\n",
            ['2:21 no-schema "order.plced" has no schema', '2:34 no-schema "ghost.*" has no schema'],
        ),
        (
            "services:\n  shop: {}\n  mail: {}\ntopology: {all: [mail]}\n",
            ['2:3 no-layer "shop" is in no layer'],
        ),
        ("services:\n  shop: {}\n", []),
        (
            "services: {a: {}}\ntopology:\n  one: [a]\n  two: a\n",
            ['4:8 duplicate "a" is also in the layer "one"'],
        ),
        (
            (
                "services:\n  a: {produces: [order.placed, null, order.placed], queue_name: q}\n"
                "  A: {queue_names: [r, q]}\n"
            ),
            [
                '2:38 duplicate "order.placed" stands there twice',
                '3:3 duplicate "A" is "a" in other letters',
                (
                    '3:24 duplicate the queue "q" is also that of "a", '
                    "and each of the two would get a part of its messages"
                ),
            ],
        ),
        (
            "services:\n  a: {produces: [A.b, 'a..b', 'a.b*'], consumes: 'x y'}\n",
            [
                '2:18 bad-pattern "A.b" is no event pattern',
                '2:23 bad-pattern "a..b" is no event pattern',
                '2:31 bad-pattern "a.b*" is no event pattern',
                '2:50 bad-pattern "x y" is no event pattern',
            ],
        ),
        (
            "x-base: &base\n  produces: [lost.one]\nservices:\n  a:\n    <<: *base\n",
            [
                '1:1 unknown-key the key "x-base" is not known here, and kept',
                '2:14 no-schema "lost.one" has no schema',
            ],
        ),
        (
            "future: 1\nservices:\n  a: {consume: [x]}\nplane: {new: 2}\n",
            [
                '1:1 unknown-key the key "future" is not known here, and kept',
                '3:7 unknown-key the key "consume" is not known here, and kept',
                '4:9 unknown-key the key "new" is not known here, and kept',
            ],
        ),
        ("services: {}\nservices: {}\n", ['2:1 unreadable the key "services" stands there twice']),
        ("services: [\n", ["2:1 unreadable not YAML (expected the node content, but found '<stream end>')"]),
        (
            "services:\n  a.b:\n    queue_name: [x]\nexchange: [a]\n",
            ["3:5 unreadable services.a.b.queue_name must be text", "4:1 unreadable exchange must be text"],
        ),
    ],
    ids=range(18),
)
def test_each_kind_is_found_at_its_place(file: Path, text: str, said: list[str]) -> None:
    assert sorted(told(file, text)) == sorted(said)


def test_findings_say_what_to_do(file: Path) -> None:
    text = "services:\n  shop: {produces: order.plced, consume: x}\ntopology: {all: [shop, shpo]}\n"
    assert [(one.pointer, one.message.partition("; ")[2], one.is_warning) for one in found(file, text)] == [
        (
            "/services/shop/produces/0",
            "did you mean order.placed? Else add its schema (holyfields new), or take it out",
            False,
        ),
        ("/services/shop/consume", "did you mean consumes? Else nothing reads it", True),
        ("/topology/all/1", "did you mean shop? Else add it under services, or take it out here", False),
    ]


def test_hostile_names_stay_on_their_line(file: Path) -> None:
    text = 'topology: {"<b>\\n\\e[2J": ["\\e]0;x\\a\\n::error::", "' + "x" * 5000 + '"]}\n'
    for one in found(file, text):
        assert str(one).isprintable()
        assert len(one.message) < 400


def test_a_file_of_faults_is_cut_off(file: Path) -> None:
    many = "".join(
        f"  s{number}: {{produces: [ghost.n{number}], consumes: [lost.n{number}]}}\n" for number in range(5000)
    )
    listed = found(file, f"topology: {{}}\nservices:\n{many}")
    assert len(listed) == MAX_FINDINGS + 1
    assert [one.message for one in listed if one.code == "too-many"] == [
        "there are more than 1000 findings; mend these and run it again"
    ]
    for form, most in (("a.n{}", MAX_TEXTS), ("'*.n{}'", MAX_WILD)):
        many = ", ".join(form.format(number) for number in range(most + 1))
        assert [one.code for one in found(file, f"services: {{s: {{consumes: [{many}]}}}}")] == ["too-many"]


@pytest.mark.parametrize("text", [BOMB, "[" * 5000, "a: &a [*a]", "#" * 1_100_000, "", "a: \ud83d", "\0"])
def test_hostile_files_are_a_finding(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    (one,) = lint(file, TYPES)
    assert one.code == "unreadable"
    assert one.line >= 1
    assert one.message.isprintable()


PARTS = st.lists(st.text(string.ascii_lowercase[:3] + ".*#<|\n\x1b", max_size=6), max_size=4)
MEMBERS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["produces", "consumes", "routing_keys", "queue_names"], PARTS)
)
ESTATES = st.fixed_dictionaries(
    {},
    optional={
        "services": st.dictionaries(st.text(max_size=4), MEMBERS | SCALARS, max_size=3),
        "topology": st.dictionaries(st.text(max_size=4) | SCALARS, PARTS | SCALARS, max_size=3),
        "event_subscriptions": st.dictionaries(st.text(max_size=4), PARTS, max_size=3),
    },
)


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("estate") / "registry.yaml"


@given(document=ESTATES | st.dictionaries(KEYS, ESTATES | SCALARS, max_size=3))
def test_any_document_is_linted(one_file: Path, document: dict[object, object]) -> None:
    raw = yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")
    one_file.write_bytes(raw)
    for one in lint(one_file, TYPES):
        assert 1 <= one.line <= raw.count(b"\n") + 1
        assert one.column >= 1
        assert str(one).isprintable()


def test_patterns_meet_where_an_event_could_match_both() -> None:
    known = PatternSet(["agent.task.*", "#.dlq", "order.placed"])
    for text in ("agent.#", "#", "*.task.done", "order.dlq", "*.*.dlq", "#.dlq", "*.placed"):
        assert known.meets(text), text
    for text in ("ghost.#", "ghost.*", "agent.task", "order.placed.late", "*.task"):
        assert not known.meets(text), text


@pytest.mark.parametrize("text", ["", ".", "a.", "A.b", "a b", "a.b#", "a\n", "a." * 128 + "a", "ä.b"])
def test_what_is_no_pattern(text: str) -> None:
    assert not is_pattern(text)
