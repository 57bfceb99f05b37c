"""The event catalogue as Markdown: everything in it, in order, and nothing of it markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from godtui.holyfields import Registry
from godtui.holyfields.catalogue import Catalogue
from godtui.holyfields.markdown import document, properties
from tests.holyfields.conftest import Files

Load = Callable[[Files], Registry]
HOSTILE = "a | b\n<script>x</script> <!-- holyfields:events:end --> `c` *d* [e](f) \x1b[2J \u202e"


def test_types_stand_by_domain_with_all_that_is_known(load: Load) -> None:
    files = {
        "order/placed.json": {"title": "First"},
        "order/placed.v2.json": {
            "title": "Order placed",
            "description": "Somebody ordered.",
            "properties": {"note": {"description": "What they said."}, "order_id": {"type": "string"}},
            "required": ["order_id"],
            "examples": [{"order_id": "o-1"}],
        },
        "mail/sent.json": {"x-event-types": ["mail.*.sent"]},
    }
    catalogue = Catalogue(load(files), {"shop": ["order.*"]}, {"mail": ["#"], "audit": ["order.placed"]})
    assert document(catalogue) == (
        "| Event | Versions | Producers | Consumers | What it says |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `mail.sent` | `v1` | none | `mail` |  |\n"
        "| `order.placed` | `v1`, `v2` | `shop` | `audit`, `mail` | Somebody ordered. |\n"
        "\n### mail\n\n#### `mail.sent`\n\nNo description.\n\n"
        "- Versions: `v1`\n- Producers: none\n- Consumers: `mail`\n"
        "- Also the contract of: `mail.*.sent`\n- Schema: `mail/sent.json`\n\n"
        "```json\n{}\n```\n"
        "\n### order\n\n#### `order.placed`\n\n**Order placed.** Somebody ordered.\n\n"
        "- Versions: `v1`, `v2`\n- Producers: `shop`\n- Consumers: `audit`, `mail`\n"
        "- Schema: `order/placed.v2.json`\n\n"
        "| Property | Type | Required | Description |\n| --- | --- | --- | --- |\n"
        "| `order_id` | string | yes |  |\n| `note` | anything | no | What they said. |\n\n"
        '```json\n{\n  "order_id": "o-1"\n}\n```\n'
    )


def test_nothing_in_a_schema_is_markup(load: Load) -> None:
    schema = {
        "title": HOSTILE,
        "description": HOSTILE,
        "properties": {HOSTILE: {"description": HOSTILE, "enum": [HOSTILE, "```"]}},
        "examples": [{HOSTILE: "```"}],
    }
    text = document(Catalogue(load({"a/b.json": schema}), {HOSTILE: ["#"]}, {HOSTILE * 50: ["#"]}))
    assert "<script" not in text
    assert "<!--" not in text
    assert all(line.isprintable() for line in text.splitlines())
    assert {line.count("```") for line in text.splitlines() if line.startswith("```")} == {1}
    assert [line for line in text.splitlines() if line.startswith("```")] == ["```json", "```"]
    for line in text.splitlines():
        if line.startswith("| "):
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (5, 6)
    (example,) = re.findall(r"```json\n(.*?)\n```\n", text, re.DOTALL)
    assert json.loads(example) == {HOSTILE: "```"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1. one", "1\\. one"),
        ("- one", "\\- one"),
        ("# one", "\\# one"),
        ("a_b _c_", "a_b \\_c\\_"),
        ("$x$ \\ ~", "&#36;x&#36; \\\\ \\~"),
        ("a &amp; b > c", "a &amp;amp; b &gt; c"),
        ("über\u200b\tx", "über\ufffd x"),
    ],
)
def test_texts_are_shown_as_they_are(load: Load, text: str, shown: str) -> None:
    assert f"\n\n{shown}\n\n" in document(Catalogue(load({"a/b.json": {"description": text}}), {}, {}))


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"const": {"a": 1}}, "<code>&#123;&#34;a&#34;: 1&#125;</code>"),
        ({"enum": [1, None, True]}, "`1` or `null` or `true`"),
        ({"enum": list(range(13))}, " or ".join(f"`{n}`" for n in range(12)) + " or others"),
        ({"type": "array", "items": {"type": "array", "items": {"$ref": "#/$defs/id"}}}, "array of array of integer"),
        ({"anyOf": [{"$ref": "#/$defs/id"}, {"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"$ref": "#/$defs/loop"}, "one of several or null"),
        ({"$ref": "_shared/x.json#/$defs/y"}, "number"),
        ({"allOf": [{"minLength": 1}, {"type": "string"}]}, "string"),
        ({"properties": {}}, "object"),
        ({"minimum": 1}, "anything"),
        (True, "anything"),
        (False, "nothing"),
    ],
)
def test_shapes(load: Load, schema: Any, shape: str) -> None:
    loop = {"anyOf": [{"$ref": "#/$defs/loop"}, {"type": "null"}]}
    root = {"properties": {"p": schema}, "$defs": {"id": {"type": "integer"}, "loop": loop}}
    registry = load({"a.b.json": root, "_shared/x.json": {"$defs": {"y": {"type": "number"}}}})
    (found,) = properties(registry.contract("a.b"))
    assert found.shape == shape


def test_properties_that_are_taken_up_are_told(load: Load) -> None:
    base = {"$defs": {"base": {"properties": {"id": {"description": "Base."}, "x": {}}, "required": ["id"]}}}
    root = {
        "allOf": [{"$ref": "_shared/x.json#/$defs/base"}, {"$ref": "#"}],
        "properties": {"x": {"$ref": "#/$defs/x"}},
        "required": ["x"],
        "$defs": {"x": {"type": "null", "description": "Said where it leads."}},
    }
    found = properties(load({"a.b.json": root, "_shared/x.json": base}).contract("a.b"))
    assert [(one.name, one.shape, one.is_required, one.description) for one in found] == [
        ("x", "null", True, "Said where it leads."),
        ("id", "anything", True, "Base."),
    ]


def test_draft_7_lets_a_reference_stand_alone(load: Load) -> None:
    root = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"p": {"$ref": "#/definitions/n", "type": "string"}},
        "definitions": {"n": {"type": "number"}},
    }
    (found,) = properties(load({"a.b.json": root}).contract("a.b"))
    assert found.shape == "number"
