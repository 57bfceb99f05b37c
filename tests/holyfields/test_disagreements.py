"""Where jsonschema-rs, which decides, and jsonschema as it comes, which explains, are known to disagree.

A line that no longer holds says that one of the two has changed: take the line out, or look what else has changed.
"""

from typing import Any

import jsonschema
import jsonschema_rs
import pytest

ARABIC_DIGIT = "\u0663"
ZERO_WIDTH_NO_BREAK_SPACE = "\ufeff"

# schema, instance, jsonschema-rs's verdict, jsonschema's verdict (or what it raises), reason
KNOWN: list[tuple[dict[str, Any], Any, bool, bool | type[Exception], str]] = [
    ({"pattern": r"^\d$"}, ARABIC_DIGIT, False, True, "ECMA 262's \\d is 0 to 9, Python's any digit of Unicode"),
    ({"pattern": r"^\D$"}, ARABIC_DIGIT, True, False, "the same, negated"),
    ({"pattern": r"^\w$"}, "é", False, True, "ECMA 262's \\w is ASCII"),
    ({"pattern": r"^\W$"}, "é", True, False, "the same, negated"),
    ({"pattern": r"^\s$"}, ZERO_WIDTH_NO_BREAK_SPACE, True, False, "a space to ECMA 262, not to Python"),
    ({"pattern": "^a$"}, "a\n", False, True, "Python's $ also matches before a final line feed"),
    ({"pattern": r"^\p{L}$"}, "a", True, Exception, "Python knows no \\p"),
    ({"pattern": r"^(?<n>a)$"}, "a", True, Exception, "Python writes named groups (?P<n>…)"),
    ({"pattern": r"^\u{1F600}$"}, "😀", True, Exception, "Python knows no \\u{…}"),
    ({"pattern": r"^\cA$"}, "\x01", True, Exception, "Python knows no \\c"),
    ({"format": "regex"}, r"\p{L}", True, False, "the format is ECMA 262's, jsonschema tries Python's"),
    ({"format": "regex"}, r"\Z", False, True, "the same"),
    ({"format": "regex"}, "(?P<n>a)", False, True, "the same"),
    ({"format": "email"}, "a@", False, True, "jsonschema looks for an @ and no further"),
    ({"format": "email"}, "a b@c", False, True, "the same"),
    ({"multipleOf": 0.01}, 0.07, True, False, "jsonschema divides binary fractions"),
    ({"multipleOf": 0.1}, 0.3, True, False, "the same"),
    ({"multipleOf": 0.5}, 10**400, True, OverflowError, "the same, and the integer is too large for it"),
    ({"maximum": 1e30}, 10**30 + 1, False, True, "1e30 is ten to the thirtieth; as a binary fraction it is more"),
    ({"const": 10**30}, 1e30, True, False, "the same"),
    ({"uniqueItems": True}, [10**30, 1e30], False, True, "the same"),
    (
        {"dependencies": {"a": ["b"]}},
        {"a": 1},
        False,
        True,
        "2020-12 dropped the keyword; jsonschema-rs still applies it",
    ),
]

# What one might expect to differ, and does not.
AGREED: list[tuple[dict[str, Any], Any, bool]] = [
    ({"type": "integer"}, 1.0, True),
    ({"type": "integer"}, 10**4000, True),
    ({"const": 1}, 1.0, True),
    ({"const": 1}, True, False),
    ({"const": [False]}, [0], False),
    ({"const": 2**53 + 1}, float(2**53), False),
    ({"enum": [0]}, False, False),
    ({"maximum": 10**30}, 10**30 + 1, False),
    ({"exclusiveMinimum": 2**53}, float(2**53), False),
    ({"minimum": 0}, -0.0, True),
    ({"uniqueItems": True}, [1, True], True),
    ({"uniqueItems": True}, [1, 1.0], False),
    ({"uniqueItems": True}, [{"a": 0}, {"a": False}], True),
    ({"maxLength": 1}, "😀", True),
    ({"maxLength": 1}, "e\u0301", False),
    ({"pattern": "^.$"}, "😀", True),
    ({"pattern": "a"}, 1, True),
    ({"format": "uuid"}, "2eb8aa08aa9811eab4aa73b441d16380", False),
    ({"format": "uuid"}, "2EB8AA08-AA98-11EA-B4AA-73B441D16380", True),
    ({"format": "ipv4"}, "01.2.3.4", False),
    ({"format": "date"}, "2024-02-30", False),
    ({"format": "unheard-of"}, "x", True),
    ({"contentMediaType": "application/json"}, "{", True),
    ({"minContains": 0, "contains": False}, [1], True),
]


def deciding(schema: dict[str, Any], instance: Any) -> bool:
    """jsonschema-rs's verdict."""
    return jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(instance)


def explaining(schema: dict[str, Any], instance: Any) -> bool:
    """jsonschema's verdict, as it comes."""
    kind = jsonschema.Draft202012Validator
    return bool(kind(schema, format_checker=kind.FORMAT_CHECKER).is_valid(instance))


@pytest.mark.parametrize(("schema", "instance", "decided", "explained", "reason"), KNOWN)
def test_known_disagreements(
    schema: dict[str, Any], instance: Any, decided: bool, explained: bool | type[Exception], reason: str
) -> None:
    assert reason
    assert deciding(schema, instance) is decided
    if isinstance(explained, bool):
        assert explaining(schema, instance) is explained
    else:
        with pytest.raises(explained):
            explaining(schema, instance)


@pytest.mark.parametrize(("schema", "instance", "verdict"), AGREED)
def test_where_they_agree(schema: dict[str, Any], instance: Any, verdict: bool) -> None:
    assert deciding(schema, instance) is verdict
    assert explaining(schema, instance) is verdict
