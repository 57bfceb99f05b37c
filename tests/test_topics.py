"""Topic patterns match as a topic exchange does."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from godtui import topics
from godtui.topics import Matcher, Pattern, matches, overlaps


def oracle(pattern: list[str], key: list[str]) -> bool:
    """The definition, word by word."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return oracle(pattern[1:], key) or (bool(key) and oracle(pattern, key[1:]))
    return bool(key) and pattern[0] in ("*", key[0]) and oracle(pattern[1:], key[1:])


CASES = [
    ("#", "", True),
    ("#", "a", True),
    ("#", "a.b.c.d", True),
    ("", "", True),
    ("", "a", False),
    ("*", "", False),
    ("*", "a", True),
    ("*", "a.b", False),
    ("a.b", "a.b", True),
    ("a.b", "a.c", False),
    ("a.b", "a.b.c", False),
    ("*.*.*", "a.b.c", True),
    ("*.*.*", "a.b", False),
    ("a.*", "a.", True),
    ("a.*.b", "a..b", True),
    ("a.#", "a", True),
    ("a.#", "a.b.c", True),
    ("a.#", "ab", False),
    ("#.dlq", "dlq", True),
    ("#.dlq", "agent.task.dlq", True),
    ("#.dlq", "agent.task.dlqx", False),
    ("a.#.z", "a.z", True),
    ("a.#.z", "a.b.c.z", True),
    ("a.#.z", "a.b.c", False),
    ("#.a.#", "b.a.c", True),
    ("#.a.#", "b.c", False),
    ("#.*", "", False),
    ("#.*.#", "a", True),
    ("a*.b", "ax.b", False),
    ("a*.b", "a*.b", True),
    ("#.#.#.#.a", "a", True),
    (".", ".", True),
    ("*.*", ".", True),
    (".", "", False),
    ("webhook.plane.#", "webhook.plane.issue.updated", True),
    ("webhook.plane.#", "webhook.planes.issue", False),
]


@pytest.mark.parametrize(("pattern", "key", "expected"), CASES)
def test_matches_by_the_rules_of_amqp(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected
    assert oracle(topics.words(pattern), topics.words(key)) is expected


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(["a", "b", "", "*", "#", "a#"]), max_size=6),
    st.lists(st.sampled_from(["a", "b", "", "a#", "*", "#"]), max_size=6),
)
def test_agrees_with_the_definition(pattern: list[str], key: list[str]) -> None:
    pattern_text, key_text = ".".join(pattern), ".".join(key)
    expected = oracle(topics.words(pattern_text), topics.words(key_text))
    assert Pattern(pattern_text).matches(key_text) is expected


WORDS = ["a", "b", "*", "#"]
KEYS = [".".join(key) for length in range(6) for key in itertools.product("abc", repeat=length)]


@given(st.lists(st.sampled_from(WORDS), max_size=3), st.lists(st.sampled_from(WORDS), max_size=3))
def test_patterns_overlap_where_some_key_matches_both(one: list[str], other: list[str]) -> None:
    """Patterns of three words that have a key in common have one of at most five."""
    here, there = ".".join(one), ".".join(other)
    assert overlaps(here, there) is any(matches(here, key) and matches(there, key) for key in KEYS)


def test_overlapping_is_bounded() -> None:
    assert not overlaps("#.a." * 60 + "b", "#.a." * 60 + "c")
    assert overlaps("#.a." * 60 + "#", "*.#.a." * 40 + "#")


def test_many_hashes_do_not_blow_up() -> None:
    longest = ".".join("a" * 128)
    assert not matches("#." * 60 + "b", longest)
    assert matches("#.a." * 60 + "#", longest)
    assert not matches("#.*.a." * 40 + "#.b", longest)


def test_a_matcher_asks_every_pattern() -> None:
    matcher = Matcher(["agent.#", "*.created", "agent.#"])
    assert matcher.patterns == ("agent.#", "*.created")
    assert matcher.matches("agent.task.completed")
    assert matcher.matches("worktree.created")
    assert not matcher.matches("worktree.removed")
    assert not Matcher([]).matches("a.b")


def test_a_matcher_answers_the_same_however_many_keys_came_before() -> None:
    matcher = Matcher(["*.even"])
    for number in range(topics.CACHE_SIZE * 2 + 3):
        assert matcher.matches(f"k{number}.even")
        assert not matcher.matches(f"k{number}.odd")
    assert matcher.matches("k0.even")
