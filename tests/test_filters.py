"""The filter language: every production, every error with its place, and any text at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from godtui.clock import rfc3339, to_microseconds
from godtui.envelope import StoredEvent
from godtui.filters import (
    MAX_CHARACTERS,
    MAX_TERMS,
    CorrelationTerm,
    Filter,
    FilterError,
    IdTerm,
    IsTerm,
    PayloadTerm,
    Scalar,
    Segment,
    SourceTerm,
    StoredSinceTerm,
    Term,
    TimeTerm,
    TypeTerm,
    WordTerm,
    combine,
    from_parameters,
    parse,
    tokens,
)

NOON = to_microseconds(datetime(2026, 2, 12, 12, tzinfo=UTC))
MIDNIGHT = NOON - 43_200_000_000
ONE = UUID("0198c5a2-6c1e-7000-8000-000000000001")
TRUE, FALSE, NULL = Scalar("boolean", True), Scalar("boolean", False), Scalar("null", None)
KEYS_ONLY = (Segment("0", literal=True), Segment("*", literal=True))
TWO = UUID("0198c5a2-6c1e-7000-8000-000000000002")


def read(text: str) -> Filter:
    return parse(text, now=NOON)


def text_of(value: str) -> Scalar:
    return Scalar("text", value)


def number(value: float) -> Scalar:
    return Scalar("number", value)


def compared(path: str, operator: Any, *values: Scalar) -> PayloadTerm:
    return PayloadTerm(tuple(Segment(name) for name in path.split("/")), operator, values)


EVENT = StoredEvent(
    seq=1,
    stored_at=NOON,
    event_id=ONE.bytes,
    event_type="a.b",
    source="a",
    correlation_id=None,
    time=NOON,
    violations=None,
    headers=None,
    body=b'{"source": {"service": "a"}, "payload": {"a": [1, "15m", null]}}',
)


# Productions

TERMS: list[tuple[str, Term]] = [
    ("type:agent.task.failed", TypeTerm(("agent.task.failed",))),
    ("type:a.*,b.#,#", TypeTerm(("a.*", "b.#", "#"))),
    ('type:"a.*",b.#', TypeTerm(("a.*", "b.#"))),
    ("type:Foreign.Name/1", TypeTerm(("Foreign.Name/1",))),
    ("source:worker", SourceTerm(("worker",))),
    ('source:"a,b",c', SourceTerm(("a,b", "c"))),
    ('source:"my worker"', SourceTerm(("my worker",))),
    ("source:host:80", SourceTerm(("host:80",))),
    ('source:"say \\"hi\\" \\\\ c:\\temp"', SourceTerm(('say "hi" \\ c:\\temp',))),
    ("source:c:\\temp\\", SourceTerm(("c:\\temp\\",))),
    ("source:-x", SourceTerm(("-x",))),
    (f"correlation:{ONE}", CorrelationTerm((ONE,))),
    (f"correlation:{ONE},{str(TWO).upper()}", CorrelationTerm((ONE, TWO))),
    (f'id:"{ONE}"', IdTerm((ONE,))),
    ("since:2026-02-12", TimeTerm("since", MIDNIGHT)),
    ("until:2026-02-12T12:00:00Z", TimeTerm("until", NOON)),
    ("until:2026-02-12T14:00:00+02:00", TimeTerm("until", NOON)),
    ('until:"2026-02-12 12:00:00.000001z"', TimeTerm("until", NOON + 1)),
    ("since:90s", TimeTerm("since", NOON - 90_000_000)),
    ("since:15m", TimeTerm("since", NOON - 900_000_000)),
    ("since:12h", TimeTerm("since", MIDNIGHT)),
    ("since:1d", TimeTerm("since", NOON - 86_400_000_000)),
    ("since:2w", TimeTerm("since", NOON - 14 * 86_400_000_000)),
    ("since:0s", TimeTerm("since", NOON)),
    ("since:0001-01-01", TimeTerm("since", -62_135_596_800_000_000)),
    ("until:9999-12-31T23:59:59.999999Z", TimeTerm("until", 253_402_300_799_999_999)),
    ("stored-since:12h", StoredSinceTerm(MIDNIGHT)),
    ("is:invalid", IsTerm(("invalid",))),
    ("is:replayed,invalid", IsTerm(("replayed", "invalid"))),
    ("disk", WordTerm(("disk",))),
    ("DISK", WordTerm(("disk",))),
    ("task-42", WordTerm(("task", "42"))),
    ("a.b/c@d_e!", WordTerm(("a", "b", "c", "d", "e"))),
    ('"disk full"', WordTerm(("disk", "full"))),
    ('"a:b, c=*<>~"', WordTerm(("a", "b", "c"))),
    ('"-5"', WordTerm(("5",))),
    ('"two\nlines"', WordTerm(("two", "lines"))),
    ("Straße", WordTerm(("strasse",))),
    ("ÉTÉ", WordTerm(("été",))),
    ("e\u0301te\u0301", WordTerm(("été",))),
    ("日本", WordTerm(("日本",))),
    ("٣", WordTerm(("٣",))),
    ("payload", WordTerm(("payload",))),
    ("payloads.x", WordTerm(("payloads", "x"))),
    ("type", WordTerm(("type",))),
    ("payload.task.status=failed", compared("task/status", "=", text_of("failed"))),
    ("payload.n!=1", compared("n", "!=", number(1))),
    ("payload.n>1.5", compared("n", ">", number(1.5))),
    ("payload.n>=-2e3", compared("n", ">=", number(-2000.0))),
    ("payload.n<0", compared("n", "<", number(0))),
    ("payload.n<=123456789012345678901234567890", compared("n", "<=", number(123456789012345678901234567890))),
    ("payload.s~rro", compared("s", "~", text_of("rro"))),
    ("payload.s~42", compared("s", "~", text_of("42"))),
    ("payload.s~null", compared("s", "~", text_of("null"))),
    ('payload.s~""', compared("s", "~", text_of(""))),
    ("payload.b=true,false,null", compared("b", "=", TRUE, FALSE, NULL)),
    ('payload.b="true","1",""', compared("b", "=", text_of("true"), text_of("1"), text_of(""))),
    (
        "payload.v=007,1.,.5,+1,0x1,1e,True",
        compared("v", "=", *map(text_of, ["007", "1.", ".5", "+1", "0x1", "1e", "True"])),
    ),
    ("payload.url=http://x:80/?q=1", compared("url", "=", text_of("http://x:80/?q=1"))),
    ('payload.s="a b, \\"c\\""', compared("s", "=", text_of('a b, "c"'))),
    ('payload."a.b".c=1', PayloadTerm((Segment("a.b"), Segment("c")), "=", (number(1),))),
    ('payload."".x=1', PayloadTerm((Segment(""), Segment("x")), "=", (number(1),))),
    ('payload."=\\"\\\\ ,:"=1', PayloadTerm((Segment('="\\ ,:'),), "=", (number(1),))),
    ("payload.items.0.*.x=1", compared("items/0/*/x", "=", number(1))),
    (
        'payload.items."0"."*"=1',
        PayloadTerm((Segment("items"), *KEYS_ONLY), "=", (number(1),)),
    ),
    ('payload."plain"=1', compared("plain", "=", number(1))),
    ("payload.-a.@type.$b.ü=1", compared("-a/@type/$b/ü", "=", number(1))),
]


@pytest.mark.parametrize(("text", "term"), TERMS)
def test_a_term(text: str, term: Term) -> None:
    assert read(text).terms == (term,)
    (negated,) = read(f" -{text} ").terms
    assert negated != term
    assert negated.negated
    assert (term.offset, negated.offset) == (0, 1)


@pytest.mark.parametrize(("text", "term"), TERMS)
def test_a_term_is_written_as_it_is_read(text: str, term: Term) -> None:
    for one in (read(text), read(f"-{text}")):
        assert parse(str(one), now=0) == one
        assert str(parse(str(one), now=0)) == str(one)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("since:15m", "since:2026-02-12T11:45:00.000000Z"),
        ('  type:"a.b" \u00a0 -DISK\u3000"a  b" ', 'type:a.b -disk "a b"'),
        ('payload."a b".c="x y","1",z,1.50', 'payload."a b".c="x y","1",z,1.5'),
        ("", ""),
    ],
)
def test_canonical_text(text: str, written: str) -> None:
    assert str(read(text)) == written


def test_terms_stand_where_they_begin() -> None:
    found = read('  a -type:b "c d"\tpayload.x=1')
    assert [term.offset for term in found.terms] == [2, 4, 12, 18]
    assert [term.negated for term in found.terms] == [False, True, False, False]


def test_values_of_different_kinds_are_different_terms() -> None:
    kinds = [read(f"payload.x={value}") for value in ("1", "true", '"1"', '"true"', "null", '"null"')]
    assert len(set(kinds)) == len(kinds)
    assert read("payload.x=1") == read("payload.x=1.0")


# Errors

ERRORS: list[tuple[str, int, str]] = [
    ("type:", 0, "type: has no value"),
    ('a type:""', 2, "type: has no value"),
    ("type:a,", 0, "type: has an empty value between its commas"),
    ("type:,a", 0, "type: has an empty value between its commas"),
    ("source:a,,b", 0, "source: has an empty value between its commas"),
    ("a  type:a..b", 3, "'a..b' has an empty word"),
    ("type:.a", 0, "'.a' has an empty word"),
    ("type:a.", 0, "'a.' has an empty word"),
    ("type:b,.", 0, "'.' has an empty word"),
    ("type:a.b*", 0, "'a.b*' has a wildcard within a word"),
    ("type:##", 0, "'##' has a wildcard within a word"),
    ('type:"a b"', 0, "'a b' has a space"),
    (f"type:{'é' * 128}", 0, "is longer than the 255 bytes"),
    ("correlation:12", 0, "'12' is not a UUID"),
    (f"id:{ONE},x", 0, "'x' is not a UUID"),
    (f"id:{{{ONE}}}", 0, "is not a UUID"),
    (f"id:{ONE.hex}", 0, "is not a UUID"),
    ("since:yesterday", 0, "'yesterday' is not an RFC 3339 timestamp"),
    ("since:2026-13-01", 0, "'2026-13-01' is not a moment of the years 1 to 9999"),
    ("since:2026-02-30", 0, "'2026-02-30' is not a moment"),
    ("since:2026-02-12T12:00:00", 0, "'2026-02-12T12:00:00' has no zone"),
    ("until:0001-01-01T00:00:00+01:00", 0, "is not a moment of the years 1 to 9999"),
    ("since:15", 0, "'15' is not an RFC 3339"),
    ("since:15M", 0, "'15M' is not"),
    ("since:-15m", 0, "'-15m' is not"),
    ("since:1h30m", 0, "'1h30m' is not"),
    ("since:99999999w", 0, "'99999999w' reaches back beyond the year 1"),
    ("since:1d,2d", 0, "since: takes one moment"),
    ("stored-since:", 0, "stored-since: has no value"),
    ("is:fine", 0, "'fine' is nothing that an event can be; is: takes invalid or replayed"),
    ("x foo:bar", 2, "'foo' is none of the keys type:, source:, "),
    ("http://localhost", 0, "'http' is none of the keys"),
    (":x", 0, "'' is none of the keys"),
    ("Type:a", 0, "'Type' is no key of a filter; did you mean type: ?"),
    ("sourec:a", 0, "did you mean source: ?"),
    ("payload:x", 0, "a payload is compared with = "),
    ('a "b', 2, "a double quote is not closed"),
    ('type:"a', 0, "a double quote is not closed"),
    ('a x"', 2, "a double quote is not closed"),
    ('"a\\"', 0, "a double quote is not closed"),
    ('"a"b', 0, "a space must follow a phrase"),
    ('"a""b"', 0, "a space must follow a phrase"),
    ('a"b"', 0, "'a\"b\"' has a quote in its middle"),
    ('source:a"b"', 0, "double quotes go round a whole value"),
    ('source:"a"b', 0, "double quotes go round a whole value"),
    ("a -", 2, "a - stands directly before the term"),
    ("- a", 0, "a - stands directly before the term"),
    ("--a", 0, "one - negates"),
    ('""', 0, "'' has no letter and no digit"),
    ("... a", 0, "'...' has no letter and no digit"),
    ("a 🎉", 2, "has no letter and no digit"),
    ("-!", 0, "'!' has no letter and no digit"),
    ("a,b", 0, "'a,b' has a comma"),
    ("tas*", 0, "'tas*' has a *"),
    ("status=failed", 0, "'status=failed' compares nothing; write payload.path=value"),
    ("a>b", 0, "'a>b' compares nothing"),
    ("a<b", 0, "'a<b' compares nothing"),
    ("a~b", 0, "'a~b' compares nothing"),
    ("payload.a", 0, "'payload.a' is compared with nothing"),
    ("payload.a.*", 0, "'payload.a.*' is compared with nothing"),
    ("payload.", 0, "'.' is no step of a path"),
    ("payload=1", 0, "a comparison names a field of the payload"),
    ("payload!", 0, "'!' cannot follow a path"),
    ("payload..a=1", 0, "'..a=1' is no step of a path"),
    ("payload.a.=1", 0, "'.=1' is no step of a path"),
    ("payload.a:b=1", 0, "':b=1' cannot follow a path"),
    ("payload.a!b=1", 0, "'!b=1' cannot follow a path"),
    ("payload.a*=1", 0, "'*=1' cannot follow a path"),
    ("payload.*a=1", 0, "'a=1' cannot follow a path"),
    ('payload."a"b=1', 0, "'b=1' cannot follow a path"),
    ('payload.a"b"=1', 0, "cannot follow a path"),
    ("payload.a=", 0, "a value is missing beside ="),
    ("payload.a>=", 0, "a value is missing beside >="),
    ("payload.a=1,", 0, "a value is missing beside ="),
    ("payload.a==1", 0, "'==1' is no comparison"),
    ("payload.a=~x", 0, "'=~x' is no comparison"),
    ("payload.a>true", 0, "true is neither more nor less"),
    ("payload.a<=null", 0, "null is neither more nor less"),
    ("payload.a=1e999", 0, "'1e999' is beyond what 64-bit floating point holds"),
    ("a \ud800", 2, "a lone surrogate is not Unicode text"),
]


@pytest.mark.parametrize(("text", "offset", "message"), ERRORS)
def test_what_cannot_be_understood(text: str, offset: int, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        read(text)
    assert message in caught.value.message == str(caught.value)
    assert (caught.value.offset, caught.value.position) == (offset, f"filter:{offset}")
    assert "\n" not in caught.value.message


def test_messages_are_short_and_move_no_cursor() -> None:
    with pytest.raises(FilterError) as caught:
        read(f"type:a..\x1b[31m\u202e{'x' * 4000}")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("a" * (MAX_CHARACTERS + 1), MAX_CHARACTERS),
        ("a " * MAX_TERMS + "b", 2 * MAX_TERMS),
        ("a " * 10_000, MAX_CHARACTERS),
        ('source:" ' + "\\a" * 1500 + '"', 0),
    ],
)
def test_too_much(text: str, offset: int) -> None:
    with pytest.raises(FilterError, match=r"more than|at most") as caught:
        read(text)
    assert caught.value.offset == offset


def test_the_longest_filter_is_read() -> None:
    assert len(read("a" * MAX_CHARACTERS).terms) == 1
    assert len(read("a " * MAX_TERMS).terms) == MAX_TERMS
    path = read("payload." + ".".join("a" * 1500) + "=1")
    assert parse(str(path), now=0) == path


# Parameters


def parameters(**texts_by_name: str) -> Filter:
    return from_parameters(**texts_by_name, now=NOON)


def test_parameters_are_terms() -> None:
    found = parameters(
        type="a.*,b.#",
        source='my worker,"a,b",host:80',
        correlation_id=str(ONE),
        since="15m",
        until="2026-02-12T12:00:00Z",
        text='disk FULL, "at noon" a=b:c* -5',
    )
    assert found.terms == (
        TypeTerm(("a.*", "b.#")),
        SourceTerm(("my worker", "a,b", "host:80")),
        CorrelationTerm((ONE,)),
        TimeTerm("since", NOON - 900_000_000),
        TimeTerm("until", NOON),
        WordTerm(("disk",)),
        WordTerm(("full",)),
        WordTerm(("at", "noon")),
        WordTerm(("a", "b", "c")),
        WordTerm(("5",)),
    )
    assert parse(str(found), now=0) == found
    assert parameters() == Filter()


@pytest.mark.parametrize(
    ("name", "text", "offset"),
    [
        ("type", "", 0),
        ("type", "a..b", 0),
        ("type", " a.b", 0),
        ("source", "a,", 0),
        ("source", 'a"', 0),
        ("source", "x" * 5000, MAX_CHARACTERS),
        ("correlation_id", "1", 0),
        ("since", "noon", 0),
        ("until", "1d,2d", 0),
        ("text", "", 0),
        ("text", " \t", 0),
        ("text", "a  ...", 3),
        ("text", 'a "b', 2),
        ("text", "a\ud800", 1),
    ],
)
def test_a_wrong_parameter_is_named(name: str, text: str, offset: int) -> None:
    with pytest.raises(FilterError) as caught:
        parameters(**{name: text})
    assert caught.value.position == f"{name}:{offset}"


def test_combined_filters_all_hold() -> None:
    both = combine(read("type:a.b"), Filter(), parameters(source="x"))
    assert both == read("type:a.b source:x")
    assert combine() == Filter()
    with pytest.raises(FilterError, match=f"at most {MAX_TERMS} terms"):
        combine(read("a " * MAX_TERMS), read("b"))


# Any text

NAMES = st.text(min_size=1, max_size=12).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
MOMENTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT_SCALARS = st.builds(text_of, NAMES | st.just("") | st.sampled_from(["true", "null", "1", "-", "=x", "a,b"]))
ANY_SCALARS = TEXT_SCALARS | st.builds(number, st.integers() | FINITE) | st.sampled_from([TRUE, FALSE, NULL])
KEYS = st.builds(Segment, NAMES | st.just("")).map(
    lambda one: Segment(one.name, one.name == "*" or (one.name.isascii() and one.name.isdigit()))
)
ITEMS = st.sampled_from([Segment("*"), Segment("0"), Segment("12")])
STEPS = KEYS.filter(lambda one: not one.name[:1].isdigit()) | ITEMS
PATHS = st.lists(STEPS, min_size=1, max_size=4).map(tuple)
PATTERNS = st.lists(st.sampled_from(["*", "#", "a", "task", "B-1", "é", '"', "\\", ",", ":"]), min_size=1, max_size=5)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=1, max_size=3).map(tuple)


NEGATED = st.booleans()
ANY_TERM: st.SearchStrategy[Term] = st.one_of(
    st.builds(TypeTerm, some(PATTERNS.map(".".join)), negated=NEGATED),
    st.builds(SourceTerm, some(NAMES), negated=NEGATED),
    st.builds(CorrelationTerm, some(st.uuids()), negated=NEGATED),
    st.builds(IdTerm, some(st.uuids()), negated=NEGATED),
    st.builds(TimeTerm, st.sampled_from(["since", "until"]), MOMENTS, negated=NEGATED),
    st.builds(StoredSinceTerm, MOMENTS, negated=NEGATED),
    st.builds(IsTerm, some(st.sampled_from(["invalid", "replayed"])), negated=NEGATED),
    st.builds(PayloadTerm, PATHS, st.sampled_from(["=", "!="]), some(ANY_SCALARS), negated=NEGATED),
    st.builds(PayloadTerm, PATHS, st.just("~"), some(TEXT_SCALARS), negated=NEGATED),
    st.builds(PayloadTerm, PATHS, st.sampled_from(["<", ">="]), some(TEXT_SCALARS), negated=NEGATED),
    NAMES.map(tokens).filter(bool).flatmap(lambda found: st.builds(WordTerm, st.just(tuple(found)), negated=NEGATED)),
)


@settings(deadline=None)
@given(st.lists(ANY_TERM, max_size=5).map(tuple))
def test_any_filter_is_written_as_it_is_read(terms: tuple[Term, ...]) -> None:
    one = Filter(terms)
    assert parse(str(one), now=0) == one


PIECES = st.sampled_from(
    [*'-:,"=!<>~*#.\\ \t', "type:", "source:", "since:", "is:", "id:", "payload.", "payload", "a", "15m", "1", "null"]
)


def read_or_error(text: str) -> Filter | FilterError:
    try:
        return read(text)
    except FilterError as error:
        return error


@settings(deadline=None)
@given(st.text() | st.lists(PIECES | st.characters(), max_size=25).map("".join))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    found = read_or_error(text)
    if isinstance(found, FilterError):
        assert 0 <= found.offset <= len(text)
        assert found.message.isprintable()
    else:
        assert parse(str(found), now=0) == found
        assert str(parse(str(found), now=0)) == str(found)
        assert found.predicate()(EVENT) in (True, False)


@settings(deadline=None)
@given(st.sampled_from(["type", "source", "correlation_id", "since", "until", "text"]), st.text())
def test_any_parameter_is_read_or_refused_with_a_place(name: str, text: str) -> None:
    found: Filter | FilterError
    try:
        found = parameters(**{name: text})
    except FilterError as error:
        found = error
    if isinstance(found, FilterError):
        assert found.parameter == name
        assert 0 <= found.offset <= len(text)
    else:
        assert parse(str(found), now=0) == found


def test_fixed_moments_are_shown_in_utc() -> None:
    assert str(read("until:2026-02-12T14:00:00+02:00")) == f"until:{rfc3339(NOON)}"
