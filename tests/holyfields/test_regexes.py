"""Patterns that mean the same everywhere, and the others."""

from __future__ import annotations

import re

import pytest

from godtui.holyfields.regexes import UnportableError, portable


@pytest.mark.parametrize(
    ("pattern", "ecma"),
    [
        ("^[a-z]+$", "^[a-z]+$"),
        ("^\\d{4}-\\d{2}$", "^[0-9]{4}-[0-9]{2}$"),
        ("a.b", "a[^\\n]b"),
        ("\\.\\/", "\\./"),
        ("[\\w-]*?", "[\\-0-9A-Z_a-z]*"),
        ("^(a|bc)?$", "^(?:a|bc)?$"),
        ("^v[0-9]+(\\.[0-9]+)*$", "^v[0-9]+(?:\\.[0-9]+)*$"),
        ("^(?=[a-z])(?!ab)", "^(?=[a-z])(?!ab)"),
        ("", ""),
        ("x{2,}|[^\\n]", "x{2,}|[^\\n]"),
    ],
)
def test_what_means_the_same_is_spelled_out(pattern: str, ecma: str) -> None:
    assert portable(pattern).ecma == ecma


def test_python_ends_a_text_where_it_ends() -> None:
    assert re.search(portable("^a$").python, "a\n") is None
    assert re.search(portable("^a$").python, "a") is not None


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("\\bx", 1),
        ("a\\p{L}", 2),
        ("(a)\\1", 4),
        ("(?<=a)b", 1),
        ("(?i)a", 1),
        ("(?P<n>a)", 1),
        ("a)", 2),
        ("(a", 1),
        ("[a", 1),
        ("[]", 1),
        ("[z-a]", 2),
        ("[a&&b]", 3),
        ("[[:alpha:]]", 2),
        ("a{,2}", 3),
        ("a{2,1}", 7),
        ("a++", 3),
        ("*", 1),
        ("a}", 2),
        ("\\ud83d", 1),
        ("\\", 1),
        ("(?=\\d)1", 1),
        ("^*", 1),
    ],
)
def test_what_differs_is_refused_where_it_stands(pattern: str, position: int) -> None:
    with pytest.raises(UnportableError, match=f"at character {position}: "):
        portable(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|a)*", "(a|ab)*c", "(a*b?)*", "^([a-z]+ ?)*$", "(\\w|\\d)+", "(a?a?)*", "(.*,){20}", "((a|b)*c?)*"],
)
def test_what_may_take_forever_is_refused(pattern: str) -> None:
    with pytest.raises(UnportableError, match="may take forever"):
        portable(pattern)


@pytest.mark.parametrize(
    "pattern", ["^([a-z]+-)*[a-z]+$", "(a|b)+", "^(\\d{1,3}\\.){3}\\d{1,3}$", "(ab?c)*", "(?:x[yz]*)+"]
)
def test_what_is_read_in_one_way_only_is_kept(pattern: str) -> None:
    assert portable(pattern)


def test_groups_nested_too_deep_are_refused() -> None:
    with pytest.raises(UnportableError, match="nested more than 50 deep"):
        portable("(" * 2000 + ")" * 2000)
