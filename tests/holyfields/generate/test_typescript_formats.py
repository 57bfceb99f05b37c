"""Formats and patterns in generated Zod schemas against jsonschema-rs, on texts made of what they are made of."""

from __future__ import annotations

import json
import random
from pathlib import Path

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.typescript import emit
from godtui.holyfields.generate.typescript.fragments import FORMATS
from tests.holyfields.generate.zod import Question, verdicts, write

SAMPLES = {
    "date": (
        ("2024-02-29 2023-02-29 1900-02-29 2000-02-29 0000-01-01 2024-13-01 2024-00-10 2024-04-31 02024-01-01"),
        "-0123T*+,./",
    ),
    "date-time": (
        (
            "2024-02-29T23:59:60Z 2024-02-29t00:00:00.123+05:30 2024-02-29T22:29:60-01:30 2024-02-29T12:00:00 "
            "2024-1-1T1:1:1Z"
        ),
        "-0159T:Zz+.*,/",
    ),
    "duration": (
        ("P1Y2M3DT4H5M6S P4W PT1H PT P P1Y2D P1YT P1M2Y P1W2D PT1H2S PT36H P0D p1d P1.5Y"),
        "PTYMWDHS01",
    ),
    "ipv4": (
        ("127.0.0.1 0.0.0.0 255.255.255.255 256.1.1.1 1.1.1 01.1.1.1 1.1.1.1. 1.1.1.1.1 00.0.0.0"),
        "0125.",
    ),
    "ipv6": (
        (
            "::1 :: 1::2 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 1::2::3 ::ffff:1.2.3.4 1:2:3:4:5:6:1.2.3.4 "
            "1:2:3:4:5:6:7:1.2.3.4 1.2.3.4:: ::1.2.3.4:1 12345:: :1 1: 1::2:3:4:5:6:7 1::2:3:4:5:6:7:8 ::01.2.3.4"
            " fe80::1%eth0 1.2.3.4 ::1.2.3"
        ),
        "1:f.0g",
    ),
    "json-pointer": (
        ("/a/b /~0~1 /~ /~2 a // /a~ /é #/a"),
        "/~01a",
    ),
    "relative-json-pointer": (
        ("0 1 01 0# 1#a 0/a 10/~0 -1 1/~ /a 0## 1a"),
        "0123#/~a-",
    ),
    "time": (
        (
            "23:59:60Z 22:59:60Z 23:59:60+00:00 00:29:60+00:30 23:29:60-00:30 12:00:00.5z 12:00:00 24:00:00Z "
            "12:60:00Z 12:00:61Z 12:00:00+24:00 12:00:00+23:60 12:00:00.Z 12:00:00-00:00 1:00:00Z 22:59:60-01:00 "
            "08:59:60+10:00 00:00:60+00:01"
        ),
        "01259:Z+-.*,/",
    ),
    "uri": (
        (
            "http://a.b/c?d#e urn:a:b a:b :a a: http:// http://[::1]:80/ http://[::1 http://a b http://é "
            "http://a/%zz http://a/%2F http://a:b/ http://u@h:1/ ht_tp://a 1a:b a://b:c@d mailto:a@b.c "
            "http://[v1.a:b]/ http://[v.a] //a /a a b#c#d http://a^b http://[::1.2.3.4]/ http://a/[b] "
            "http://a:99999/ file:///a a:/b a:?b a:#c a:b/c:d http://[fe80::1%25a]/"
        ),
        "ah:/?#[]@%2fv.1 ",
    ),
    "uri-reference": (
        ("a /a //a ?a #a a:b ./a:b 1:b a/b:c : %zz %20 é \\a //[::1] //[ a#b#c a^b //a:b a[b] //1.2.3.4:"),
        "a:/?#[]@%2v.1",
    ),
    "uuid": (
        (
            "2EB8AA08-aa98-11ea-b4aa-73b441d16380 2eb8aa08-aa98-11ea-b4aa-73b441d1638 "
            "2eb8aa08aa9811eab4aa73b441d16380 2eb8aa08-aa98-11ea-b4aa73b441d16380- "
            "00000000-0000-0000-0000-000000000000"
        ),
        "0aFg-",
    ),
}
"""Texts of each format and almost, and the letters they are made of."""

PATTERNS = (
    "^[a-z]+(\\.[a-z]+)*$",
    "^.$",
    "^\\s\\S$",
    "\\W|\\D$",
    "^[^\\s\\w]{2,3}$",
    "^(?!ab)[a-c]*$",
    "^(?:a|bc){0,7}\\/?[\\]&~|^-]$",
    "a{2}b+?|^$",
    "[\\x41-\\u0043\\-]\\$",
    "é|😀",
    "^(a|b)*c$",
)


def _texts(chance: random.Random, samples: list[str], alphabet: str) -> list[str]:
    """The samples, some changed in one or two places, and some of letters only."""
    texts = list(samples)
    for sample in samples * 60:
        text = sample
        for _ in range(chance.randint(1, 2)):
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice([*alphabet, "", "\n", "٣"]) + text[at + chance.randint(0, 1) :]
        texts.append(text)
    return texts + ["".join(chance.choices(alphabet, k=chance.randint(0, 9))) for _ in range(300)]


def _package(folder: Path, keyword: str, values: list[str]) -> None:
    contract = {
        "type": "object",
        "properties": {str(index): {"type": "string", keyword: value} for index, value in enumerate(values)},
    }
    (folder / "in" / "test").mkdir(parents=True)
    (folder / "in" / "test" / "text.tried.json").write_text(json.dumps(contract))
    write(folder / "out", emit(collect(folder / "in")))


def _compare(folder: Path, keyword: str, texts: dict[str, list[str]]) -> None:
    values = list(texts)
    _package(folder, keyword, values)
    asked = [(index, text) for index, value in enumerate(values) for text in texts[value]]
    answers = verdicts(folder / "out", [Question("", "test.text.tried", {str(index): text}) for index, text in asked])
    rules = [decider({keyword: value}) for value in values]
    wrong = [
        (values[index], text, answer)
        for (index, text), answer in zip(asked, answers, strict=True)
        if answer != rules[index].is_valid(text)
    ]
    assert not wrong, wrong
    for index, value in enumerate(values):
        assert {answer for (at, _), answer in zip(asked, answers, strict=True) if at == index} == {True, False}, value


def test_formats_are_those_of_the_bus(tmp_path: Path) -> None:
    chance = random.Random(3)
    _compare(
        tmp_path,
        "format",
        {name: _texts(chance, SAMPLES[name][0].split(" "), SAMPLES[name][1]) for name in sorted(FORMATS)},
    )


def test_patterns_are_those_of_the_bus(tmp_path: Path) -> None:
    chance = random.Random(4)
    letters = "abcABC019_-./$]&~|^ \t\n\r\x0b\x85\xa0\u2028\ufeffé😀٣"
    texts = ["".join(chance.choices(letters, k=chance.randint(0, 4))) for _ in range(1500)] + [
        *letters,
        "ab.c",
        "aab",
        "A$",
        "abac",
    ]
    _compare(tmp_path, "pattern", dict.fromkeys(PATTERNS, texts))


def test_classes_are_those_of_the_bus_for_every_character(tmp_path: Path) -> None:
    every = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    _compare(tmp_path, "pattern", dict.fromkeys(("^.$", "^\\s$", "^\\W$"), every))
